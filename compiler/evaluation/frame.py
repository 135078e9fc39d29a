"""A frame: what an expression sees while it is evaluated, that is its names, its file, the slots in force and its
place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import Here, Local, Tensor
from resnetc.compiler.ir.dataflow import Dataflow
from resnetc.compiler.ir.network import Condition, Join, Leaf
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span


class Builder(Dataflow, Protocol):
    """Builds the dataflow of the block or model whose text is evaluated."""

    @property
    def constraints(self) -> list[Condition]:
        """What has to hold of the sizes."""

    def name(self, tensor: Tensor, name: str) -> None:
        """A tensor that `let` binds to a name."""

    def reserve_label(self, path: Path, span: Span) -> None:
        """The label of a layer that `let` binds: its place is here."""

    def join(self, operation: Join | Leaf, inputs: list[Tensor], shape: Shape, span: Span) -> Tensor:
        """What an operator makes of two tensors, or of a tensor and a number."""


@dataclass(slots=True, eq=False)
class Frame:
    """What a piece of text sees. `scope` is what it builds: none where it only evaluates."""

    spec: SpecFile
    slots: Slots
    locals: dict[str, Local] = field(default_factory=dict)
    here: Here | None = None
    scope: Builder | None = None
    axes: frozenset[str] = frozenset()  # parameters of type `size`: an index picks an axis
    fallback: SpecFile | None = None  # where `--set` values look besides their own file
    rounds: tuple[str, ...] = ()  # of claims: the variables of the `each` around them

    def within(self, scope: Builder) -> Frame:
        """The same frame, building in another scope: `dataclasses.replace`, at a third of its price."""
        return Frame(
            spec=self.spec,
            slots=self.slots,
            locals=self.locals,
            here=self.here,
            scope=scope,
            axes=self.axes,
            fallback=self.fallback,
            rounds=self.rounds,
        )
