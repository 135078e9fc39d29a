"""Sums and products of two maps: the shape of the result, and the condition that the sizes are equal."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.frame import Builder
from resnetc.compiler.evaluation.values import Tensor
from resnetc.compiler.ir.network import Condition
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes import errors as shapes_errors
from resnetc.compiler.sizes import constant
from resnetc.compiler.syntax import tree as syntax


def join_shapes(op: str, left: Tensor, right: Tensor, expr: syntax.Binary, scope: Builder) -> Shape:
    """The shape of `left op right`. Sizes that are not one function become a condition, judged once all is known."""
    a, b = left.shape, right.shape
    if a.rank != b.rank:
        channels = ""
        if op == "*" and 0 in (a.rank, b.rank) and a.channels == b.channels:
            channels = "in.channels" if scope.wires[0].shape.channels == a.channels else str(a.channels)
        raise Fault(shapes_errors.ranks_differ(f"`{op}`", a, b, expr.span, channels))
    if a.channels != b.channels and not (op == "*" and 1 in (a.channels, b.channels)):
        from resnetc.compiler.expansion.channel_mismatch_errors import channels_differ  # with its remedies

        raise Fault(channels_differ(op, left, right, expr, scope))
    one = constant(1)
    sizes = []
    for i, (f, g) in enumerate(zip(a.sizes, b.sizes, strict=True)):
        if f != g and not (op == "*" and one in (f, g)):
            scope.constraints.append(
                Condition(kind="equal", axis=i, fn=f, other=g, span=expr.span, text=f"`{op}`", step=len(scope.steps))
            )
        sizes.append(g if op == "*" and f == one else f)
    return Shape(max(a.channels, b.channels), tuple(sizes))
