"""Messages about operators with tensors at their sides: one function per message."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.syntax import tree as syntax


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
