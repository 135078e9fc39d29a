"""Messages about an `extern` at one place: what it does not take, and what its declaration does not say."""

from __future__ import annotations

from collections.abc import Sequence

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.evaluation.values import Value, describe, is_number
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.format_shapes import show_shape
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.values import SymInt, join_lines
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import MAX_CHANNELS

KINDS = ("a vector", "a map with one axis", "a map with two axes", "a map with three axes")


def format_expression(expr: syntax.Expr) -> str:
    return join_lines(expr.span.text)


def wrong_rank(item: syntax.Extern, shape: Shape, span: Span) -> Diagnostic:
    name = item.name.id
    kind = KINDS[shape.rank] if shape.rank < len(KINDS) else f"a map with {shape.rank} axes"
    return not_taken(
        f"`{name}` takes {format_expression(item.shape_in)}, but gets {show_shape(shape)}: {kind}",
        Label(span, f"the input is {kind}"),
        Label(item.shape_in.span, "declared here"),
        f"apply `{name}` to an input of that shape, or declare another `extern` for {kind}",
    )


def wrong_channels(item: syntax.Extern, entry: syntax.Expr, channels: int, shape: Shape, span: Span) -> Diagnostic:
    name, text = item.name.id, format_expression(entry)
    help = f"apply it to a map with {channels} channels, or name the channels in its shape: `[C, ...]`"
    if any(p.name.id == text for p in item.parameters):
        help = f"pass `{text}={shape.channels}`, or apply it to a map with {channels} channels"
    return not_taken(
        f"`{name}` takes {channels} channels, but gets {shape.channels}",
        Label(span, f"the input has {shape.channels} channels"),
        Label(entry.span, f"this is {channels}"),
        help,
    )


def refused(item: syntax.Extern, condition: syntax.Expr, span: Span) -> Diagnostic:
    return not_taken(
        f"`{item.name.id}` does not accept these arguments: `{format_expression(condition)}` is false",
        Label(span, "applied here"),
        Label(condition.span, "false here"),
        "pass arguments that meet the condition, or apply it to a map that does",
    )


def not_taken(message: str, call: Label, declared: Label, help: str) -> Diagnostic:
    """Of what arrives against what is declared."""
    return Diagnostic(code="E0350", message=message, primary=call, labels=(declared,), helps=(help,))


def not_channels(item: syntax.Extern, expr: syntax.Expr, value: Value) -> Diagnostic:
    help = "write a number, or an expression of the input channels and the parameters, such as `2 * C`"
    if is_number(value) and value > MAX_CHANNELS:
        help = f"use at most {MAX_CHANNELS:,} channels: more would not fit in memory"
    return not_given(
        f"the output channels of `{item.name.id}` must be an integer from 1 to {MAX_CHANNELS:,}", expr, value, help
    )


def not_a_size(item: syntax.Extern, expr: syntax.Expr, value: Value, symbols: Sequence[str], axis: int) -> Diagnostic:
    """A size of the result that is no whole number at every size, or follows from another axis."""
    own = symbols[axis] if axis < len(symbols) else ""
    help = (
        "write a number: the input has no such axis" if axis >= len(symbols) else "write a number: this axis is fixed"
    )
    if own and isinstance(value, SymInt) and value.axis == axis and value.divisor > 1:
        rounded, rest = (
            f"`ceil({format_expression(expr)})` or `floor({format_expression(expr)})`",
            f"when {own} % {value.divisor} == 0",
        )
        help = f"round it, {rounded}, or restrict the sizes to those where it is whole: `{rest}`"
    elif own:
        help = f"write an integer that depends only on `{own}`, such as `{own}`, `ceil({own} / 2)` or `7`"
    message = f"each output size of `{item.name.id}` must be an integer, at least 1, that depends only on its own axis"
    return not_given(message, expr, value, help)


def not_given(message: str, expr: syntax.Expr, value: Value, help: str) -> Diagnostic:
    """Of the shape that a declaration says that it gives."""
    return Diagnostic("E0351", message, Label(expr.span, f"this is {describe(value)}"), helps=(help,))


def not_a_count(figure: str, expr: syntax.Expr, value: Value, what: str) -> Diagnostic:
    help = f"write {what}"
    if figure == "multiply_adds":
        help += ", as `2 * C * H * W`, with `ceil` or `floor` around a quotient"
    return Diagnostic(
        "E0352",
        f"`{figure}` of an `extern` must be {what}",
        Label(expr.span, f"this is {describe(value)}"),
        helps=(help,),
    )


def module_of_network(item: syntax.Extern, network: str) -> Diagnostic:
    """A module that has the name of the file that the network becomes."""
    return Diagnostic(
        "E0264",
        f"the network `{network}` becomes {network}.py, which would shadow the module `{network}` of `{item.name.id}`",
        Label(item.target.span, f"is the module `{network}`"),
        helps=(f"rename the model, or the module: {network}_layers.py and `{network}_layers:...`",),
    )
