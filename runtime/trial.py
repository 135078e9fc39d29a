"""Tries a network on the data before the first step: what it does not take, and norms that would meet one value."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from resnetc.runtime.shares import Share, one_value

_TOO_FEW = "Expected more than 1 value per channel"  # torch's words, of batch norms and group norms alike


def check(model: nn.Module, network: str, data: Data, judged: Share, step: Share | None = None) -> None:
    """Run black images through the model: RunError unless it answers each with a row of `data.classes` numbers.

    It is tried in `eval` mode, which it leaves set, with the fewest images that an evaluation has; where a step of the
    training to come has a single one, also on a copy in `train` mode.
    """
    answer = _answer(model.eval(), network, data, judged)
    if not isinstance(answer, Tensor):
        what = "the maps of its stages" if isinstance(answer, dict) else type(answer).__name__
        raise RunError(f"`{network}` gives {what}; it must give scores for the {data.classes} classes of {data.name}")
    if answer.ndim != 2:
        raise RunError(
            f"`{network}` gives a map {list(answer.shape[1:])}; it must give scores for the {data.classes} classes "
            f"of {data.name}"
        )
    if answer.shape[1] != data.classes:
        raise RunError(
            f"{data.name} has {data.classes} classes, but `{network}` gives scores for {answer.shape[1]}; "
            f"compile it with --set classes={data.classes}"
        )
    if step is not None and step.images == 1:
        place = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        with torch.random.fork_rng([place] if place.type == "cuda" else []):
            _answer(copy.deepcopy(model).train(), network, data, step)


def _answer(model: nn.Module, network: str, data: Data, share: Share) -> Any:
    """What the model answers to as many black images as a share has, two at most; RunError where it fails."""
    parameter = next(model.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    shape = (min(share.images, 2), data.channels, *data.size)
    at = "x".join(map(str, data.size))
    with _followed(model) as last:
        try:
            with torch.no_grad():
                return model(torch.zeros(shape, device=device))
        except (RuntimeError, ValueError) as fault:
            first = str(fault).strip().split("\n")[0]
            if _TOO_FEW in first and share.images == 1 and last:
                name, norm, met = last[-1]
                of = "group" if isinstance(norm, nn.GroupNorm) else "channel"
                met_at = f"{'x'.join(map(str, met[2:]))} at {at}" if len(met) > 2 else f"a vector at {at}"
                told = one_value(f"`{name}` of `{network}` ({type(norm).__name__})", of, met_at, share, _OTHERS)
                raise RunError(told) from fault
            raise RunError(f"{_misfit(model, network, data, at)}: {first}") from fault


_OTHERS = ("larger images", "another norm")


def _misfit(model: nn.Module, network: str, data: Data, at: str) -> str:
    """What a network was made for, and what the data is instead, as far as its module tells."""
    made = loader.input_shape(model)
    if made is not None and len(made) != 3:
        axes = "one axis" if len(made) == 2 else f"{len(made) - 1} axes"
        return f"`{network}` takes {axes} (INPUT_SHAPE = {made}), {data.name} has 2 axes ({at})"
    if made is not None and made[0] != data.channels:
        have = f"{data.channels} channel{'s' if data.channels > 1 else ''}"
        return (
            f"{data.name} has {have}, `{network}` takes {made[0]} (INPUT_SHAPE = {made}); "
            f"compile it with --set channels={data.channels}"
        )
    compiled = f", which was compiled for {'x'.join(map(str, made[1:]))}," if made is not None else ""
    return f"{data.name} has images of {at}, but `{network}`{compiled} does not accept them"


@contextmanager
def _followed(model: nn.Module) -> Iterator[list[tuple[str, nn.Module, tuple[int, ...]]]]:
    """Every part that has been entered: its name, itself, and the shape of the first tensor that it was given."""
    entered: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def hook(name: str) -> Any:
        def enter(part: nn.Module, given: tuple[Any, ...]) -> None:
            if given and isinstance(given[0], Tensor):
                entered.append((name, part, tuple(given[0].shape)))

        return enter

    hooks = [part.register_forward_pre_hook(hook(name)) for name, part in model.named_modules()]
    try:
        yield entered
    finally:
        for handle in hooks:
            handle.remove()
