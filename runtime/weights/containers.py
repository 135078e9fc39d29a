"""Finds the state dicts in what a trainer has saved: `state_dict`, `model`, an average, and so on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from resnetc.runtime.errors import RunError
from resnetc.runtime.weights.weight_file import WeightFile

# What averaged weights are called by torchvision, timm, Lightning and resnetc, as containers and as prefixes.
AVERAGES = frozenset(
    "average averaged_model avg_model ema ema_model ema_state_dict model_ema params_ema state_dict_ema ema_net".split()
)
_MAX_DEPTH = 4
_MAX_NAMES, _MAX_NAME_CHARACTERS = 200_000, 500
_OPTIMIZERS = ("optim", "lr_", "scheduler", "scaler", "amp")  # how the names of what is no state dict begin


@dataclass(frozen=True, slots=True)
class StateDict:
    """Named tensors, and the `place` in the file that they stand in: the keys that lead to them."""

    place: tuple[str, ...]
    tensors: Mapping[str, Tensor]

    @property
    def is_average(self) -> bool:
        """Whether it holds averaged weights, as far as its place tells."""
        return any(word in AVERAGES for word in self.place)


def list_state_dicts(file: WeightFile) -> list[StateDict]:
    """All mappings of names to tensors in a file, the outer ones first; RunError if there are none, or far too many."""
    states = list(_walk(file.content, (), set()))
    if sum(len(state.tensors) for state in states) > _MAX_NAMES:
        raise RunError(f"{file.path}: more than {_MAX_NAMES:,} tensors")
    if not states:
        raise RunError(f"{file.path}: contains no weights: expected a mapping of names to tensors, a `state_dict()`")
    return states


def _walk(content: object, place: tuple[str, ...], visited: set[int]) -> Iterator[StateDict]:
    """The state dicts below `content`; one that stands in the file twice is looked through once."""
    if not isinstance(content, Mapping) or id(content) in visited:
        return
    visited.add(id(content))
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    tensors = {
        name: value.detach() for name, value in named.items() if _is_weight(value) and len(name) <= _MAX_NAME_CHARACTERS
    }
    if tensors:
        yield StateDict(place, tensors)
    for name, value in named.items():
        if len(place) < _MAX_DEPTH and not name.startswith(_OPTIMIZERS):
            yield from _walk(value, (*place, name[:_MAX_NAME_CHARACTERS]), visited)


def _is_weight(value: object) -> bool:
    """A plain tensor in memory: not sparse, not quantized, not one without values."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )
