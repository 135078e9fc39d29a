"""The `input` of a model: its channels, the symbols of its axes, the declared sizes and the condition behind `when`."""

from __future__ import annotations

from math import lcm
from typing import Any

from resnetc.compiler import faults, syntax
from resnetc.compiler.diagnostics import Diagnostic, Fault, Label
from resnetc.compiler.evaluate import Evaluator, Frame
from resnetc.compiler.ir import Declared
from resnetc.compiler.sizes import SizeSet
from resnetc.compiler.sizes.sets import from_flags
from resnetc.compiler.source import Span

MAX_PERIOD = 100_000


def declared(item: syntax.Input, evaluator: Evaluator, frame: Frame, sizes: tuple[int, ...] | None = None) -> Declared:
    """`input [channels, H, W] = [3, 224, 224] when H % 32 == 0`; `sizes` replaces the declared ones."""
    if not isinstance(item.shape, syntax.List) or not isinstance(item.declared, syntax.List):
        raise Fault(not_an_input(item))
    if not 2 <= len(item.shape.items) <= 4 or len(item.shape.items) != len(item.declared.items):
        raise Fault(axes_differ(item))
    channels = positive(item.shape.items[0], evaluator, frame)
    first = positive(item.declared.items[0], evaluator, frame)
    if first != channels:
        raise Fault(contradicted(item.shape.items[0], channels, item.declared.items[0], first))
    symbols: list[str | None] = []
    for axis in item.shape.items[1:]:
        known = isinstance(axis, syntax.Name) and axis.id not in frame.locals
        symbols.append(axis.id if known and isinstance(axis, syntax.Name) else None)
        if isinstance(axis, syntax.Name) and known and axis.id in symbols[:-1]:
            raise Fault(faults.set_twice(axis.id, axis.span))
    numbers = tuple(positive(n, evaluator, frame) for n in item.declared.items[1:])
    if sizes is not None and len(sizes) == len(numbers):
        numbers = sizes
    for axis, symbol, number, said in zip(item.shape.items[1:], symbols, numbers, item.declared.items[1:], strict=True):
        fixed = number if symbol else positive(axis, evaluator, frame)
        if fixed != number:
            raise Fault(contradicted(axis, fixed, said, number))
    conditions = restrictions(item.condition, symbols, evaluator, frame) if item.condition is not None else []
    return Declared(channels, tuple(symbols), numbers, item.span, tuple(conditions))


def positive(expr: syntax.Expr, evaluator: Evaluator, frame: Frame) -> int:
    value = evaluator.integer(expr, frame)
    if value < 1:
        raise Fault(not_positive(expr.span, value))
    return value


def restrictions(
    expr: syntax.Expr, symbols: list[str | None], evaluator: Evaluator, frame: Frame
) -> list[tuple[int, SizeSet, Span]]:
    """The condition behind an input: conjuncts, each about one axis, as sets of sizes."""
    if isinstance(expr, syntax.Binary) and expr.op == "and":
        return [
            *restrictions(expr.left, symbols, evaluator, frame),
            *restrictions(expr.right, symbols, evaluator, frame),
        ]
    axes = {symbols.index(n.id) for n in names(expr) if n.id in symbols}
    if len(axes) != 1:
        raise Fault(not_one_axis(expr.span))
    (axis,) = axes
    numbers = [abs(n.value) for n in literals(expr) if isinstance(n.value, int)]
    period = lcm(*(n for n in numbers if n)) if any(e.op == "%" for e in binaries(expr)) else 1
    stop = sum(numbers) + 2
    if period + stop > MAX_PERIOD:
        raise Fault(too_far(expr.span))
    symbol = symbols[axis]
    flags = []
    for n in range(1, stop + 2 * period):
        inner = Frame(frame.spec, frame.slots, {**frame.locals, symbol: n})  # type: ignore[dict-item]
        flags.append(evaluator.flag(expr, inner))
    return [(axis, from_flags(flags, period), expr.span)]


def parts(expr: Any) -> list[Any]:
    """An expression and all the expressions inside it."""
    out, pending = [], [expr]
    while pending:
        node = pending.pop()
        out.append(node)
        match node:
            case syntax.Binary(_, left, right):
                pending += [left, right]
            case syntax.Negate(value) | syntax.Attribute(value):
                pending.append(value)
            case syntax.Call(callee, arguments):
                pending += [callee, *(a.value for a in arguments)]
            case syntax.Index(value, index):
                pending += [value, index]
            case syntax.List(items):
                pending += items
    return out


def names(expr: syntax.Expr) -> list[syntax.Name]:
    return [n for n in parts(expr) if isinstance(n, syntax.Name)]


def literals(expr: syntax.Expr) -> list[syntax.Number]:
    return [n for n in parts(expr) if isinstance(n, syntax.Number)]


def binaries(expr: syntax.Expr) -> list[syntax.Binary]:
    return [n for n in parts(expr) if isinstance(n, syntax.Binary)]


def not_an_input(item: syntax.Input) -> Diagnostic:
    side = item.declared if isinstance(item.shape, syntax.List) else item.shape
    return Diagnostic(
        "E0321",
        "an input is a list of its channels and its sizes",
        Label(side.span, "not a list"),
        helps=("write both sides in brackets: `input [3, H, W] = [3, 224, 224]`",),
    )


def axes_differ(item: syntax.Input) -> Diagnostic:
    return Diagnostic(
        "E0322",
        "an input names its channels and one to three axes, and declares a number for each",
        Label(item.span, "these do not fit together"),
        helps=("write a number for each name, such as `input [3, H, W] = [3, 224, 224]` for images",),
    )


def contradicted(axis: syntax.Expr, fixed: int, said: syntax.Expr, number: int) -> Diagnostic:
    return Diagnostic(
        "E0323",
        f"the input declares {number} where it fixes {fixed}",
        Label(said.span, f"{number} is declared here"),
        (Label(axis.span, f"this is {fixed}"),),
        helps=(f"write `{axis.span.text}` on both sides",),
    )


def not_positive(span: Span, value: int) -> Diagnostic:
    return Diagnostic(
        "E0324",
        f"the channels and sizes of an input are at least 1, not {value}",
        Label(span, f"this is {value}"),
        helps=("declare a positive number",),
    )


def not_one_axis(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0325",
        "each part of an input's condition speaks of one size",
        Label(span, "not about exactly one of the sizes"),
        helps=("write for instance `when H % 32 == 0 and W % 32 == 0`",),
    )


def too_far(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0330",
        f"an input's condition repeats after at most {MAX_PERIOD:_} sizes",
        Label(span, "repeats later, or never"),
        helps=("use smaller numbers in the condition",),
    )
