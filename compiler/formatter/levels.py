"""How tightly the parts of an expression hold together: where parentheses are needed."""

from __future__ import annotations

from resnetc.compiler.syntax import tree as syntax

# How tightly the parts of an expression hold together, loosest first, as the grammar has them.
PIPE, LABEL, OR, AND, COMPARISON, SUM, PRODUCT, SIGN, POSTFIX = range(9)
OPERATORS = {"or": OR, "and": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT}


def get_level(node: syntax.Expr) -> int:
    """How tightly the parts of an expression hold together: one of the numbers above."""
    match node:
        case syntax.Pipe():
            return PIPE
        case syntax.Labelled():
            return LABEL
        case syntax.Binary():
            return OPERATORS.get(node.op, COMPARISON)
        case syntax.Negate():
            return SIGN
    return POSTFIX
