"""Expands blocks with equal arguments, shapes, slots and places only once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeAlias, TypeVar

from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import DefinedLayer, Here
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.shape import Shape


class Expansion(Protocol):
    """What a block becomes."""

    @property
    def here(self) -> frozenset[str]:
        """The fields of `here` that it depends on."""


M = TypeVar("M", bound=Expansion)
Place: TypeAlias = "tuple[int | None, ...]"
"""Fields of `here`."""


@record
class Variants(Generic[M]):
    """The expansions of one block that depend on the same fields of `here`, by the values of these."""

    fields: tuple[str, ...]
    expansions: dict[Place, M]


class EqualBlocks(Generic[M]):
    """What was made of the blocks of one network."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.variants: dict[Hashable, list[Variants[M]]] = {}

    def get(self, layer: DefinedLayer, shape: Shape, frame: Frame, make: Callable[[], M]) -> M:
        """What was made of an equal block at an equal place, or else what is made of this one."""
        # Which fields of `here` a block reads is known only once it is expanded, so they cannot be a part of the key.
        # Instead every expansion remembers which it read; one is right for this place if the place agrees in those.
        # What is inside of a block counts as read by it, or a block would be reused although one in it would differ:
        # hence `reads` starts empty for each expansion, and is passed on outwards both when it is made and when it is
        # found. The order in which blocks are met thus decides only what is expanded first, never what comes out.
        key = (layer.item, layer.arguments, layer.bindings, shape, frame.slots)
        rows = self.variants.setdefault(key, [])
        for variants in rows:
            expanded = variants.expansions.get(read_fields(frame.here, variants.fields))
            if expanded is not None:
                self.evaluator.reads |= expanded.here
                return expanded
        outer, self.evaluator.reads = self.evaluator.reads, set()
        expanded = make()
        fields = tuple(sorted(expanded.here))
        row = next((variants for variants in rows if variants.fields == fields), None)
        if row is None:
            row = Variants(fields, {})
            rows.append(row)
        row.expansions[read_fields(frame.here, fields)] = expanded
        self.evaluator.reads = outer | expanded.here
        return expanded


def read_fields(here: Here | None, fields: tuple[str, ...]) -> Place:
    """Where a block stands, as far as some fields say; outside of stages like no block that reads them."""
    return tuple([None if here is None else getattr(here, name) for name in fields])
