"""Finds the tensors of a file that a network's names stand for: without wrappers, and under other programs' names."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from torch import Tensor

from resnetc.runtime.weights.containers import AVERAGES, StateDict
from resnetc.runtime.weights.name_table import Renaming, read_table

# How the names begin of a model inside another one: DistributedDataParallel, torch.compile, Lightning, mmpretrain.
_WRAPPERS = AVERAGES | frozenset("module _orig_mod model net network backbone encoder student teacher".split())
_COMPILED = "_orig_mod."  # also in the middle of a name, where a part was compiled


@dataclass(frozen=True, slots=True)
class Matching:
    """What a file has for a network.

    `tensors` are those of its names that the file has, by the network's name; `missing` the network's other names;
    `unused` the file's other names. `state` is the state dict that was chosen, `prefix` what was left out before its
    names, `names_of` whose names they are, where they are not the network's.
    """

    state: StateDict
    prefix: str
    names_of: str
    tensors: dict[str, Tensor]
    missing: tuple[str, ...]
    unused: tuple[str, ...]


def match_names(states: Iterable[StateDict], names: Collection[str]) -> Matching:
    """The state dict, prefix and table by which most of a network's names are in the file; of equal ones averaged
    weights, then the first."""
    best: Matching | None = None
    for state in states:
        for prefix, own_names in _unwrap(state, names).items():
            for renaming in (None, *read_table()):
                matching = _match(state, prefix, own_names, renaming, names)
                if best is None or _rank(matching) > _rank(best):
                    best = matching
    assert best is not None  # there is a state dict, and it has a name
    return best


def _rank(matching: Matching) -> tuple[int, bool]:
    words = {*matching.state.place, *matching.prefix.split(".")}
    return len(matching.tensors), bool(words & AVERAGES)


def _unwrap(state: StateDict, names: Collection[str]) -> dict[str, dict[str, str]]:
    """The names of a state dict without what stands before them, for each such prefix: {prefix: {rest: whole name}}."""
    own_parts = {name.partition(".")[0] for name in names}
    groups: dict[str, dict[str, str]] = {}
    for whole in state.tensors:
        prefix, rest = "", whole
        while True:
            word, dot, behind = rest.partition(".")
            if not dot or word in own_parts or word not in _WRAPPERS:
                break
            prefix, rest = f"{prefix}{word}.", behind
        groups.setdefault(prefix, {})[rest.replace(_COMPILED, "")] = whole
    return groups


def _match(
    state: StateDict, prefix: str, own_names: dict[str, str], renaming: Renaming | None, names: Collection[str]
) -> Matching:
    if renaming is not None:
        new_names = renaming.apply(own_names)
        own_names = {new_names[rest]: whole for rest, whole in own_names.items() if rest in new_names}
    tensors = {name: state.tensors[own_names[name]] for name in names if name in own_names}
    taken = {own_names[name] for name in tensors}
    return Matching(
        state=state,
        prefix=prefix,
        names_of=renaming.of if renaming is not None else "",
        tensors=tensors,
        missing=tuple(name for name in names if name not in own_names),
        unused=tuple(name for name in state.tensors if name not in taken),
    )
