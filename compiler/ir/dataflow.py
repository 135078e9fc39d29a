"""A read-only view of a block's dataflow while it is being built."""

from collections.abc import Sequence
from typing import Protocol

from resnetc.compiler.ir.network import NamedNumber, Step, Wire


class Dataflow(Protocol):
    """The wires and steps that a block has so far, in the order of its text; wire 0 is `in`. Read-only."""

    @property
    def wires(self) -> Sequence[Wire]:
        """Every value that flows, by its number."""

    @property
    def steps(self) -> Sequence[Step]:
        """Every module that is applied, and every addition and product."""

    @property
    def numbers(self) -> Sequence[NamedNumber]:
        """Every parameter and `let` that is a number."""
