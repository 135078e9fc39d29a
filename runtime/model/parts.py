"""The parts of a network from the image to the classes: the stem, the stages, the head; and what their names are."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from resnetc.runtime.model.summary import list_blocks


@dataclass(frozen=True, slots=True)
class Parts:
    """The modules of a network in three groups, by their names: `stem` and `head` are what stands before the first
    stage and behind the last; each stage has the layers between it and the one before.

    Of a network without stages of blocks, `head` is the last part, and `stem` all others.
    """

    stem: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]
    head: tuple[str, ...]

    @property
    def by_name(self) -> dict[str, tuple[str, ...]]:
        """The modules of `stem`, `stage1`, `stage2` and so on, and `head`."""
        stages = {f"stage{number}": stage for number, stage in enumerate(self.stages, 1)}
        return {"stem": self.stem, **stages, "head": self.head}


def split_parts(model: nn.Module) -> Parts:
    """The parts of a network, in the order in which its modules are defined."""
    parts = list(_list_parts(model, ""))
    last_stages = [number for number, (_, is_stage) in enumerate(parts) if is_stage]
    names = [name for name, _ in parts]
    if not last_stages:
        return Parts(tuple(names[:-1]), (), tuple(names[-1:]))
    first, last = last_stages[0], last_stages[-1]
    starts = [first, *(number + 1 for number in last_stages[:-1])]
    stages = tuple(tuple(names[a : b + 1]) for a, b in zip(starts, last_stages, strict=True))
    return Parts(tuple(names[:first]), stages, tuple(names[last + 1 :]))


def _list_parts(module: nn.Module, prefix: str) -> Iterator[tuple[str, bool]]:
    """The name of each part that has weights, and whether it is a stage; what only holds stages is opened.

    A stage has blocks, whose layers have weights: two names stand between its own and that of a weight. A module that
    is called `stem` or `head` is that, whatever is in it.
    """
    for name, child in module.named_children():
        depths = [key.count(".") for key, _ in child.named_parameters()]
        if not depths:
            continue
        if name in ("stem", "head"):
            yield f"{prefix}{name}", False
        elif isinstance(child, (nn.ModuleList, nn.ModuleDict)) or any(map(list_blocks, child.children())):
            yield from _list_parts(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", max(depths) >= 2
