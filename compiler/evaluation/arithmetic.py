"""Arithmetic on compile-time values: operators, comparisons and functions, exact and within limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation.values import (
    COMPOUND,
    LAYERS,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    ModelValue,
    Number,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    describe,
    is_number,
    kind,
    normal,
    normal_size,
)
from resnetc.compiler.source import Span

MAX_MAGNITUDE = 2**63 - 1
MAX_LENGTH = 100_000
MAX_PARTS = 4_096  # of a layer: its steps, its arguments, and theirs
MAX_NESTED = 64  # lists and layers in each other


def arithmetic(op: str, left: Value, right: Value, span: Span) -> Value:
    """Exact; `+` also joins lists."""
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) + len(right) > MAX_LENGTH:
            raise Fault(too_large(span))
        return left + right
    if not (is_number(left) and is_number(right)):
        odd = left if not is_number(left) else right
        raise Fault(not_numbers(op, left, right, odd, span))
    if op in "/%" and right == 0:
        raise Fault(division_by_zero(op, span))
    value: Number
    match op:
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "*":
            value = left * right
        case "/" if type(left) is type(right) is int and left % right == 0:
            value = left // right  # as most quotients are; a fraction costs ten times as much
        case "/":
            value = Fraction(left) / right
        case _:
            value = left % right
    value = normal(value)
    if abs(value.numerator) > MAX_MAGNITUDE or value.denominator > MAX_MAGNITUDE:
        raise Fault(too_large(span))
    return value


ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
COMPARISONS = ("==", "!=", *ORDER)


def compare(op: str, left: Value, right: Value, span: Span) -> bool:
    """Equality on values of one kind, a list and a number that stands for each of its elements; order on numbers."""
    if op in ("==", "!="):
        if isinstance(left, tuple) and isinstance(right, tuple) and any(isinstance(v, tuple) for v in left):
            same = len(left) == len(right) and all(compare("==", *pair, span) for pair in zip(left, right, strict=True))
            return same is (op == "==")
        if not (isinstance(left, tuple) and isinstance(right, tuple)):
            left, right = normal_size(left), normal_size(right)
        if isinstance(left, bool) != isinstance(right, bool):
            raise Fault(not_comparable(op, left, right, span))
        return (left == right) is (op == "==")
    if not (is_number(left) and is_number(right)):
        raise Fault(not_comparable(op, left, right, span))
    return ORDER[op](left, right)


def floor_log(value: Number, base: Number) -> int:
    """The largest k with base^k <= value, exactly."""
    k, power = 0, Fraction(base)
    if value >= 1:
        while power <= value:
            k, power = k + 1, power * base
        return k
    power = Fraction(1)
    while power > value:
        k, power = k - 1, power / base
    return k


def nearest(value: Number, multiple: int, keep: Number = 0) -> int:
    """The nearest multiple (ties round up), at least one; the next one if it is less than `keep` times `value`."""
    rounded = max(multiple, floor(2 * value + multiple) // (2 * multiple) * multiple)
    return rounded + multiple if rounded < keep * value else rounded


def numbers_of(arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments


def apply_function(name: str, arguments: tuple[Value, ...], span: Span) -> Value:
    """The compile-time functions."""
    try:
        value = _apply(name, arguments)
    except (TypeError, ValueError, IndexError, AttributeError):
        raise Fault(bad_arguments(name, arguments, span)) from None
    return value


def weight(value: Value, span: Span) -> int:
    """How many parts a list or a layer has, those of its parts included; a fault where they are too many or too deep.

    Shared parts count as often as they are seen: as often as a comparison or a message would look at them.
    """
    most = MAX_LENGTH if isinstance(value, tuple) else MAX_PARTS
    inner = parts(value)
    if len(inner) <= most and COMPOUND.isdisjoint(map(type, inner)):
        return len(inner)  # of most calls
    pending: list[tuple[int, Value]] = [(0, value)]
    count = 0
    while pending:
        depth, part = pending.pop()
        inner = parts(part)
        count += len(inner)
        if count > most or depth > MAX_NESTED:
            raise Fault(too_large(span))
        pending += [(depth + 1, p) for p in inner if type(p) in COMPOUND]
    return count


def parts(value: Value) -> Sequence[Value]:
    if isinstance(value, (PrimitiveLayer, SlotLayer)):
        return [v for _, v in value.arguments]
    if isinstance(value, (DefinedLayer, ModelValue)):
        return [*[v for _, v in value.arguments], *[bound.value for bound in value.bindings]]
    if isinstance(value, tuple):
        return value
    if isinstance(value, ChainLayer):
        return value.steps
    return (value.layer,) if isinstance(value, LabelLayer) else ()


def _apply(name: str, arguments: tuple[Value, ...]) -> Value:
    match name, arguments:
        case "len", (tuple() as elements,):
            return len(elements)
        case "repeat", (value, int() as count) if 0 <= count <= MAX_LENGTH:
            return (value,) * count
    stated = numbers_of(arguments) if name in ("max", "min") else arguments
    numbers = [value for value in stated if is_number(value)]
    if len(numbers) != len(stated):
        raise TypeError
    match name, numbers:
        case "ceil", [value]:
            return ceil(value)
        case "floor", [value]:
            return floor(value)
        case "max", [_, *_]:
            return max(numbers)
        case "min", [_, *_]:
            return min(numbers)
        case "range", [int() as count] if count <= MAX_LENGTH:
            return tuple(range(count))
        case "range", [int() as first, int() as end] if end - first <= MAX_LENGTH:
            return tuple(range(first, end))
        case "nearest", [value, int() as multiple, *keep] if multiple >= 1 and len(keep) <= 1:
            return nearest(value, multiple, *keep)
        case "floor_log", [value, base] if value > 0 and base >= 2:
            return floor_log(value, base)
    raise TypeError


SIGNATURES = {
    "ceil": "ceil(number)",
    "floor": "floor(number)",
    "floor_log": "floor_log(value, base) with value > 0 and base >= 2",
    "len": "len(list)",
    "max": "max(number, ...)",
    "min": "min(number, ...)",
    "nearest": "nearest(value, multiple, keep=0)",
    "range": "range(count) or range(first, end)",
    "repeat": "repeat(value, count)",
}


def not_numbers(op: str, left: Value, right: Value, odd: Value, span: Span) -> Diagnostic:
    if isinstance(odd, LAYERS):
        help = "a layer becomes a tensor when it is applied: `in |> layer`"
    elif isinstance(odd, Tensor) and op == "/":
        help = "divide by a number: `x / 3`; a gate is a product: `x * gate`, with `gate` made by `sigmoid`"
    elif isinstance(odd, Tensor):
        help = "tensors have `+`, `-` and `*` with tensors and numbers, and `/` by a number"
    else:
        help = f"write a number instead of `{describe(odd)}`"
    if isinstance(odd, Tensor):
        message = f"`{op}` needs {'a number on its right' if op == '/' else 'numbers'}, not a tensor"
    else:
        message = f"`{op}` needs numbers{' or tensors' if op in '+-*' else ''}, not {kind(left)} and {kind(right)}"
    return Diagnostic(
        "E0221",
        message,
        Label(span, f"{describe(left)} {op} {describe(right)}"),
        helps=(help,),
    )


def division_by_zero(op: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0222",
        f"`{op}` by zero",
        Label(span, "the right-hand side is 0"),
        helps=("use a nonzero right-hand side, or rule out 0 with a `require` before it",),
    )


def too_large(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0223",
        "this value is too large",
        Label(span, "exceeds the limit"),
        notes=(
            f"numbers must be below 2^63; lists have at most {MAX_LENGTH:,} elements, layers at most {MAX_PARTS:,} "
            f"parts, nested at most {MAX_NESTED} levels deep",
        ),
        helps=("use smaller numbers, shorter lists or smaller layers",),
    )


def not_comparable(op: str, left: Value, right: Value, span: Span) -> Diagnostic:
    if op == ">" and isinstance(left, LAYERS):
        help = "chain layers with `|>`: `>` compares numbers"
    elif isinstance(left, Tensor) or isinstance(right, Tensor):
        help = "compare values known at compile time, such as `in.channels` or a parameter"
    elif op in ("==", "!="):
        help = "compare a bool with a bool: write `true` or `false`"
    else:
        help = f"write numbers on both sides of `{op}`"
    return Diagnostic(
        "E0224",
        f"`{op}` cannot compare {kind(left)} with {kind(right)}",
        Label(span, f"{describe(left)} {op} {describe(right)}"),
        helps=(help,),
    )


def bad_arguments(name: str, arguments: tuple[Value, ...], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0225",
        f"`{name}` does not accept {describe(arguments)}",
        Label(span, "in this call"),
        helps=(f"its signature is `{SIGNATURES[name]}`",),
    )
