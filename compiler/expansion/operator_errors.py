"""Messages about operators with tensors at their sides: one function per message."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.evaluation.values import LAYERS, Value, describe, kind
from resnetc.compiler.syntax import tree as syntax


def divides_by_tensor(expr: syntax.Binary) -> Diagnostic:
    """`a / b` and `1 / b`."""
    return Diagnostic(
        "E0221",
        "`/` cannot divide by a tensor",
        Label(expr.right.span, "a tensor"),
        helps=("divide by a number: `x / 3`; a gate is a product: `x * gate`, with `gate` made by `sigmoid`",),
    )


def remainder_of_tensor(expr: syntax.Binary) -> Diagnostic:
    return Diagnostic(
        "E0221",
        "`%` needs numbers, not a tensor",
        Label(expr.span, "a remainder of a tensor"),
        helps=("tensors have `+`, `-` and `*` with tensors and numbers, and `/` by a number",),
    )


def not_an_operand(expr: syntax.Binary, side: syntax.Expr, value: Value) -> Diagnostic:
    """A side that is neither a tensor nor a number, beside one that is a tensor."""
    if isinstance(value, LAYERS):
        help = f"apply the layer: `in |> {shortened(side.span.text)}`"
    elif isinstance(value, tuple):
        help = "join the list first, with `sum` or `concat`, or write `x[i]` for one of its elements"
    else:
        help = "write a tensor (`in`, or the result of a pipe) or a number"
    return Diagnostic(
        "E0237",
        f"a side of `{expr.op}` must be a tensor or a number, not {kind(value)}",
        Label(side.span, describe(value)),
        helps=(help,),
    )


def shortened(text: str) -> str:
    return text if len(text) <= 30 and "\n" not in text else "layer"


def factor_of_zero(expr: syntax.Binary, factor: syntax.Expr) -> Diagnostic:
    return Diagnostic(
        "E0256",
        "a tensor times 0 is nothing but zeros",
        Label(expr.span, "0 everywhere, and no layer of it learns"),
        helps=(
            f"leave the branch out where the factor is 0: `(branch when {factor.span.text} != 0 otherwise none)`"
            if isinstance(factor, syntax.Name)
            else "leave the branch out: `none` in its place leaves no layer of it",
        ),
    )
