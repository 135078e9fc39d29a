"""Tries a network on the data before the first step: inputs it does not accept, and norms that would get a single
value."""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnetc.runtime.data import ImageSet
from resnetc.runtime.distributed.batch_shares import (
    Share,
    compute_evaluation_share,
    compute_step_share,
    describe_one_value,
)
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.image_size import refuse_augmentation
from resnetc.runtime.model import loader
from resnetc.runtime.recipe.places import fault_at, name_places
from resnetc.runtime.recipe.recipe import Recipe

_TOO_FEW = "Expected more than 1 value per channel"  # torch's words, of batch norms and group norms alike


def check_run(model: nn.Module, network: str, data: ImageSet, recipe: Recipe, processes: int) -> None:
    """Check the model for all that a run does with it, in each of its processes."""
    _check_drop_path(model, network, recipe)
    refuse_augmentation(data.name, len(data.size), data.channels, recipe)
    parts = [data.test_labels, *([data.validation.test_labels] if data.validation else [])]
    shares = [compute_evaluation_share(len(labels), recipe.eval_batch_size, processes) for labels in parts]
    evaluation = min(shares, key=lambda share: share.images)
    step = compute_step_share(len(data.train_labels), recipe.batch_size, processes, recipe.accumulate)
    check_model(model, network, data, evaluation, step)
    for side in recipe.train_size:
        with name_places(recipe.places, "train_size"):
            _run_model(model.eval(), network, data, evaluation, (side, side))


def _check_drop_path(model: nn.Module, network: str, recipe: Recipe) -> None:
    """RunError unless the greatest rate of the network's stochastic depth is the recipe's, where the recipe has one."""
    paths = [part for part in model.modules() if re.fullmatch(r"DropPath\dd", type(part).__name__)]
    rates = [float(getattr(part, "rate", 0.0)) for part in paths]
    if recipe.drop_path and abs(max(rates, default=0.0) - recipe.drop_path) > 1e-6:
        has = f"at most {max(rates):g} in" if rates else "none in"
        raise fault_at(
            recipe.places,
            f"`drop_path` is {recipe.drop_path:g} in the recipe, and there is {has} `{network}`: compile it with "
            f"--set drop='drops.linear_depth({recipe.drop_path:g})', if its blocks have the slot `drop`; or pass "
            "--override drop_path=0",
            "drop_path",
        )


def check_model(model: nn.Module, network: str, data: ImageSet, evaluation: Share, step: Share | None = None) -> None:
    """Run black images through the model; RunError unless its output has a row of `data.classes` numbers for each.

    The model is tried in `eval` mode, and left in it, with the fewest images that an evaluation has. If a step of the
    training has a single image, a copy is also tried in `train` mode.
    """
    output = _run_model(model.eval(), network, data, evaluation)
    if not isinstance(output, Tensor):
        what = "the maps of its stages" if isinstance(output, dict) else type(output).__name__
        raise RunError(
            f"`{network}` returns {what}; it must return scores for the {data.classes} classes of {data.name}"
        )
    if output.ndim != 2:
        raise RunError(
            f"`{network}` returns a map {list(output.shape[1:])}; it must return scores for the {data.classes} classes "
            f"of {data.name}"
        )
    if output.shape[1] != data.classes:
        raise RunError(
            f"{data.name} has {data.classes} classes, but `{network}` returns scores for {output.shape[1]}; "
            f"compile it with --set classes={data.classes}"
        )
    if step is not None and step.images == 1:
        device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            _run_model(copy.deepcopy(model).train(), network, data, step)


def _run_model(
    model: nn.Module, network: str, data: ImageSet, share: Share, other_size: tuple[int, ...] | None = None
) -> object:
    """What the model answers to as many black images as a share has, two at most; RunError where it fails.

    other_size: that of the images, where it is not that of the data's.
    """
    parameter = next(model.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    shape = (min(share.images, 2), data.channels, *(other_size or data.size))
    size = "x".join(map(str, other_size or data.size))
    with _record_inputs(model) as inputs:
        try:
            with torch.no_grad():
                output: object = model(torch.zeros(shape, device=device))
                return output
        except (RuntimeError, ValueError) as fault:
            first = str(fault).strip().split("\n")[0]
            if _TOO_FEW in first and share.images == 1 and inputs:
                name, norm, map_shape = inputs[-1]
                statistic_of = "group" if isinstance(norm, nn.GroupNorm) else "channel"
                met_at = (
                    f"{'x'.join(map(str, map_shape[2:]))} at {size}" if len(map_shape) > 2 else f"a vector at {size}"
                )
                message = describe_one_value(
                    f"`{name}` of `{network}` ({type(norm).__name__})", statistic_of, met_at, share, _OTHER_REMEDIES
                )
                raise RunError(message) from fault
            raise RunError(f"{_describe_mismatch(model, network, data, size)}: {first}") from fault


_OTHER_REMEDIES = ("larger images", "another norm")


def _describe_mismatch(model: nn.Module, network: str, data: ImageSet, size: str) -> str:
    """What a network was made for, and what the data is instead, as far as its module tells."""
    declared = loader.read_input_shape(model)
    if declared is not None and len(declared) != 1 + len(data.size):
        axes = ["one axis" if count == 1 else f"{count} axes" for count in (len(declared) - 1, len(data.size))]
        return f"`{network}` takes {axes[0]} (INPUT_SHAPE = {declared}), {data.name} has {axes[1]} ({size})"
    if declared is not None and declared[0] != data.channels:
        channels = f"{data.channels} channel{'s' if data.channels > 1 else ''}"
        return (
            f"{data.name} has {channels}, `{network}` takes {declared[0]} (INPUT_SHAPE = {declared}); "
            f"compile it with --set channels={data.channels}"
        )
    compiled = f", which was compiled for {'x'.join(map(str, declared[1:]))}," if declared is not None else ""
    return f"{data.name} has images of {size}, but `{network}`{compiled} does not accept them"


class _EnteredModule(NamedTuple):
    """A part of a network whose `forward` was called, and the shape of the first tensor that it was given."""

    name: str
    module: nn.Module
    input_shape: tuple[int, ...]


@contextmanager
def _record_inputs(model: nn.Module) -> Iterator[list[_EnteredModule]]:
    """Every part that has been entered, in order."""
    inputs: list[_EnteredModule] = []

    def hook(name: str) -> Callable[[nn.Module, tuple[object, ...]], None]:
        def enter(part: nn.Module, arguments: tuple[object, ...]) -> None:
            if arguments and isinstance(arguments[0], Tensor):
                inputs.append(_EnteredModule(name, part, tuple(arguments[0].shape)))

        return enter

    hooks = [part.register_forward_pre_hook(hook(name)) for name, part in model.named_modules()]
    try:
        yield inputs
    finally:
        for handle in hooks:
            handle.remove()
