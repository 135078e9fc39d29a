"""Puts the training step of a recipe together."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Optimizer

from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.input_pipeline.image_batches import ImageBatches
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.train_state import TrainState
from resnetc.runtime.step.compilation import Compilation
from resnetc.runtime.step.compiled_step import CompiledStep
from resnetc.runtime.step.device_numbers import put_rates_on_device
from resnetc.runtime.step.graphs import CudaRecorder, GraphedStep, Step
from resnetc.runtime.step.training_step import BatchTransform, Criterion, Labels, TrainingStep


def build_step(
    model: nn.Module,
    optimizer: Optimizer,
    average: ExponentialMovingAverage,
    images: ImageBatches,
    transform: BatchTransform | None,
    labels: Labels,
    criterion: Criterion,
    *,
    state: TrainState,
    group: Group,
    recipe: Recipe,
) -> TrainingStep:
    """The step that trains `model` on images and labels (those of all training images) as the recipe says.

    All of it is on one device, and what is called in a step never waits for that. transform: what the recipe does to a
    batch after it is prepared.
    """
    return TrainingStep(
        group.data_parallel(model),
        optimizer,
        labels=labels,
        prepare=images.prepare,
        transform=transform,
        criterion=criterion,
        average=average,
        losses=state.losses,
        dtype=state.dtype,
        scaler=state.scaler,
        accumulate=recipe.accumulate,
        max_grad_norm=recipe.max_grad_norm,
        share_loss=group.all_reduce_mean,
    )


def accelerate(
    step: TrainingStep,
    compilation: Compilation,
    state: TrainState,
    group: Group,
    recipe: Recipe,
    tell: Callable[[str], None],
) -> Step:
    """The step as the device does it fastest; what was chosen goes into the record of the run's environment.

    compilation: that of the step's network; tell: is told what cannot be done here, and why.
    """

    def note(key: str) -> Callable[[str], None]:
        def note_reason(reason: str) -> None:
            state.environment[key] = f"off: {reason}"
            tell(f"{key}: {state.environment[key]}")

        return note_reason

    faster: Step = step
    state.environment["compile"] = compilation.mode
    if compilation.is_on:
        faster = CompiledStep(step, compilation, note("compile"))
    if has_graphs(group.device):
        put_rates_on_device(step.optimizer, group.device)
        is_recorded = recipe.graphs == "auto" and group.size == 1
        state.environment["graphs"] = "on" if is_recorded else "off"
        recorder = CudaRecorder(group.device) if is_recorded else None
        faster = GraphedStep(faster, group.device, recorder, note("graphs"))
    state.environment["resume"] = describe_resume(compilation.mode, group.device, recipe)
    return faster


def has_graphs(device: torch.device) -> bool:
    """Whether steps can be recorded on the device."""
    return device.type == "cuda"


def describe_resume(mode: str, device: torch.device, recipe: Recipe) -> str:
    """How near a run that is stopped and resumed comes to an uninterrupted one: a compiler may choose other kernels in
    another process, and so may an accelerator that was not asked to be deterministic."""
    is_exact = mode == "off" if device.type == "cpu" else recipe.deterministic and mode in ("off", "default")
    return "exact to the bit" if is_exact else "exact in data and state, not in rounding"
