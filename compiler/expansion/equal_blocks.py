"""Expands blocks with equal arguments, shapes, slots and places only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import DefinedLayer
from resnetc.compiler.ir.shape import Shape


class Made(Protocol):
    """What is made of a block."""

    @property
    def here(self) -> frozenset[str]:
        """The fields of `here` that it depends on."""


M = TypeVar("M", bound=Made)


class EqualBlocks(Generic[M]):
    """What was made of the blocks of one network."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.variants: dict[Any, list[tuple[tuple[str, ...], dict[tuple[Any, ...], M]]]] = {}

    def get(self, layer: DefinedLayer, shape: Shape, frame: Frame, make: Callable[[], M]) -> M:
        """What was made of an equal block at an equal place, or else what is made of this one."""
        key = (layer.item, layer.arguments, layer.bindings, shape, frame.slots)
        for fields, variants in self.variants.get(key, ()):
            expanded = variants.get(tuple(getattr(frame.here, f) for f in fields))
            if expanded is not None:
                self.evaluator.reads |= expanded.here
                return expanded
        outer, self.evaluator.reads = self.evaluator.reads, set()
        expanded = make()
        fields = tuple(sorted(expanded.here))
        place = tuple(getattr(frame.here, f) for f in fields)
        rows = self.variants.setdefault(key, [])
        row = next((variants for read_fields, variants in rows if read_fields == fields), None)
        if row is None:
            row = {}
            rows.append((fields, row))
        row[place] = expanded
        self.evaluator.reads = outer | expanded.here
        return expanded
