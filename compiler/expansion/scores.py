"""Refuses a head that ends with a matrix product at every position of a map: its pool was forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.values import Tensor
from resnetc.compiler.ir.network import Leaf, Step, list_leaves
from resnetc.compiler.shapes.errors import linear_on_map

WEIGHTED = ("conv", "linear")  # by what they keep


def require_pooled_scores(steps: Iterable[Step], out: Tensor) -> None:
    """The last layer with weights of a head, `linear`, gives a vector, unless a pool makes one of its map."""
    last: Leaf | None = None
    for step in steps:
        if not isinstance(step.operation, str):
            weighted = [leaf for leaf in list_leaves(step.operation) if leaf.primitive.state in WEIGHTED]
            last = weighted[-1] if weighted else last
    if last is not None and last.primitive.state == "linear" and last.shape_out.rank and out.shape.rank:
        raise Fault(linear_on_map(last.shape_in, last.get_integer("features"), last.span))
