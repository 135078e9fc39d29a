"""Puts the training step of a recipe together."""

from torch import nn
from torch.optim import Optimizer

from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.image_batches import ImageBatches
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.run.train_state import TrainState
from resnetc.runtime.step.training_step import BatchTransform, Criterion, Labels, TrainingStep


def build_step(
    model: nn.Module,
    optimizer: Optimizer,
    average: ExponentialMovingAverage,
    images: ImageBatches,
    transform: BatchTransform | None,
    labels: Labels,
    criterion: Criterion,
    state: TrainState,
    group: Group,
    recipe: Recipe,
) -> TrainingStep:
    """The step that trains `model` on images and labels (those of all training images) as the recipe says.

    transform: what it does to a batch after it is prepared.

    All of it is on one device: what is called in a step never waits for that.
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
