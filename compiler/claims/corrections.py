"""Suggests a correct equality in place of a false one, with the values that the network has."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from resnetc.compiler.evaluation.values import (
    MAX_WRITTEN,
    Absent,
    Arguments,
    DefinedLayer,
    PrimitiveLayer,
    SlotLayer,
    Value,
)
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.symbolic.predicates import Comparison
from resnetc.compiler.symbolic.values import SymInt, join_lines, show_value
from resnetc.compiler.syntax import tree as syntax

Equal = Callable[[Value, Value], bool]


def correct_equality(claim: Comparison, turned: bool, spec: SpecFile, equal: Equal) -> str | None:
    """The equality that holds, None where it cannot be written; `turned`: what the network says stands on the right."""
    if claim.expr.op != "==":
        return None
    ours, theirs = claim.expr.left, claim.expr.right
    value, said = claim.left, claim.right
    if turned:
        ours, theirs, value, said = theirs, ours, said, value
    text = correct_expression(theirs, said, value, spec, equal)
    left = join_lines(ours.span.text)
    return f"{left} == {text}" if text is not None and text != left else None


def correct_expression(expr: syntax.Expr, said: Value, value: Value, spec: SpecFile, equal: Equal) -> str | None:
    """An expression that stands for `said`, with another value; what is right in it stays as it is written."""
    if equal(said, value):
        return join_lines(expr.span.text)
    if (
        isinstance(expr, syntax.List)
        and isinstance(said, tuple)
        and isinstance(value, tuple)
        and len(expr.items) == len(value)
    ):
        triples = zip(expr.items, said, value, strict=True)
        items = [correct_expression(item, mine, other, spec, equal) for item, mine, other in triples]
        return None if None in items else f"[{', '.join(map(str, items))}]"
    return write_value(value, spec)


def write_value(value: Value, spec: SpecFile) -> str | None:
    """A value as a file writes it, None where no short text of the language stands for it."""
    match value:
        case bool() | int() | Fraction() | str() | Absent() | SlotLayer(_, ()):
            return show_value(value)
        case SymInt():
            text = str(value)
            return None if "table(" in text or " if " in text else text
        case tuple():
            items = [write_value(item, spec) for item in value]
            text = f"[{', '.join(map(str, items))}]"
            return None if None in items or len(text) > MAX_WRITTEN else text
        case PrimitiveLayer(primitive, arguments):
            return write_call(primitive.name, arguments, spec)
        case DefinedLayer(item, home, arguments, ()):
            alias = next((name for name, file in spec.names.items() if file is home), None)
            name = item.name.id if home is spec else f"{alias}.{item.name.id}" if alias else None
            return write_call(name, arguments, spec) if name else None
    return None


def write_call(name: str, arguments: Arguments, spec: SpecFile) -> str | None:
    """A layer with its arguments, each by its name."""
    values = [write_value(value, spec) for _, value in arguments]
    pairs = ", ".join(f"{name}={value}" for (name, _), value in zip(arguments, values, strict=True))
    return None if None in values else f"{name}({pairs})" if pairs else name
