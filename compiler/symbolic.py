"""Numbers that depend on the input's size, and at which sizes a statement about them is true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor

from resnetc.compiler import syntax
from resnetc.compiler.diagnostics import Diagnostic, Fault, Label
from resnetc.compiler.sizes import (
    ALL,
    SizeFn,
    SizeSet,
    add,
    congruent,
    constant,
    equal_where,
    evaluate,
    is_constant,
    less_equal_where,
    maximum,
    minimum,
    scale,
    show,
    step,
    sub,
)
from resnetc.compiler.source import Span
from resnetc.compiler.values import Value, arithmetic, compare, division_by_zero, is_number, kind, normal


@dataclass(frozen=True, slots=True)
class Size:
    """A number that depends on the input's size on one axis: a size function over a whole number."""

    axis: int
    symbol: str
    fn: SizeFn
    divisor: int = 1

    def at(self, n: int) -> int | Fraction:
        return normal(Fraction(evaluate(self.fn, n), self.divisor))

    def __str__(self) -> str:
        text = show(self.fn, self.symbol)
        if self.divisor == 1:
            return text
        return f"{f'({text})' if ' ' in text else text} / {self.divisor}"

    def made(self, fn: SizeFn, divisor: int = 1) -> Value:
        """Another value on this axis, as plain as it can be."""
        if is_constant(fn):
            return normal(Fraction(evaluate(fn, 1), divisor))
        if divisor > 1 and congruent(fn, divisor, 0) == ALL:
            return Size(self.axis, self.symbol, step(fn, divisor, 0))
        return Size(self.axis, self.symbol, fn, divisor)

    def like(self, value: Value, span: Span) -> Size:
        """A number, or a size of the same axis, as a size of this axis."""
        if is_number(value):
            exact = Fraction(value)
            return Size(self.axis, self.symbol, constant(exact.numerator), exact.denominator)
        if not isinstance(value, Size):
            raise Fault(undecided(span, f"a size and {kind(value)}"))
        if value.axis != self.axis:
            raise Fault(undecided(span, f"{self.symbol} and {value.symbol} grow on their own"))
        return value


def computed(op: str, left: Value, right: Value, span: Span) -> Value:
    """Exact arithmetic with sizes: `+` and `-` on one axis, `*`, `/` and `%` by numbers."""
    size = next((v for v in (left, right) if isinstance(v, Size)), None)
    if size is None:
        return arithmetic(op, left, right, span)
    if op in "+-":
        a, b = size.like(left, span), size.like(right, span)
        f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
        return size.made(add(f, g) if op == "+" else sub(f, g), a.divisor * b.divisor)
    if op == "*" and is_number(left):
        left, right = right, left
    if not (isinstance(left, Size) and is_number(right)) or (op == "%" and right < 0):
        raise Fault(undecided(span, f"`{op}` is decided for a size and a number"))
    if op == "*":
        return left.made(scale(left.fn, right.numerator), left.divisor * right.denominator)
    if right == 0:
        raise Fault(division_by_zero(op, span))
    quotient = computed("*", left, 1 / Fraction(right), span)
    if op == "/":
        return quotient
    whole = rounded("floor", [quotient], span) if isinstance(quotient, Size) else floor(quotient)
    return computed("-", left, computed("*", whole, right, span), span)


def rounded(name: str, arguments: Sequence[Value], span: Span) -> Value:
    """`ceil`, `floor`, `max` and `min`, at least one argument being a size."""
    first = next(v for v in arguments if isinstance(v, Size))
    if name in ("ceil", "floor"):
        return first.made(step(first.fn, first.divisor, 0 if name == "ceil" else 1 - first.divisor))
    choose = maximum if name == "max" else minimum
    found = first
    for value in arguments:
        other = first.like(value, span)
        f, g = scale(found.fn, other.divisor), scale(other.fn, found.divisor)
        made = first.made(choose(f, g), found.divisor * other.divisor)
        found = first.like(made, span)
    return first.made(found.fn, found.divisor)


# -- truths about sizes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A comparison as it stands in the text, and both its values."""

    expr: syntax.Binary
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Holds:
    """The input sizes of one axis at which two values compare as claimed."""

    axis: int
    sizes: SizeSet
    left: Size
    right: Size
    claim: Claim


@dataclass(frozen=True, slots=True)
class Truth:
    """A statement that depends on the input's sizes: all of these."""

    parts: tuple[Holds, ...]


def compared(op: str, left: Value, right: Value, claim: Claim) -> bool | Truth:
    """A comparison, of lists element by element."""
    span = claim.expr.span
    if isinstance(left, tuple) and isinstance(right, tuple) and op in ("==", "!="):
        if len(left) != len(right):
            return op == "!="
        same = both(compared("==", a, b, claim) for a, b in zip(left, right, strict=True))
        return same if op == "==" else negated(same, span)
    size = next((v for v in (left, right) if isinstance(v, Size)), None)
    if size is None:
        return compare(op, left, right, span)
    a, b = size.like(left, span), size.like(right, span)
    f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
    if op in ("==", "!="):
        where = equal_where(f, g)
    else:
        where = less_equal_where(f, g) if op in ("<=", ">") else less_equal_where(g, f)
    return Truth((Holds(size.axis, ~where if op in ("!=", "<", ">") else where, a, b, claim),))


def both(truths: Iterable[bool | Truth]) -> bool | Truth:
    """All of them at once."""
    parts: list[Holds] = []
    for truth in truths:
        if truth is False:
            return False
        parts += truth.parts if isinstance(truth, Truth) else ()
    return Truth(tuple(parts)) if parts else True


def negated(truth: bool | Truth, span: Span) -> bool | Truth:
    if isinstance(truth, bool):
        return not truth
    if len(truth.parts) > 1:
        raise Fault(undecided(span, "unequal somewhere, on one axis or another"))
    (part,) = truth.parts
    return Truth((replace(part, sizes=~part.sizes),))


def either(left: bool | Truth, right: bool | Truth, span: Span) -> bool | Truth:
    if isinstance(left, bool) or isinstance(right, bool):
        return True if True in (left, right) else right if left is False else left
    axes = {part.axis for part in (*left.parts, *right.parts)}
    if len(axes) > 1:
        raise Fault(undecided(span, "`or` is decided on one axis"))
    sets = [ALL, ALL]
    for i, truth in enumerate((left, right)):
        for part in truth.parts:
            sets[i] &= part.sizes
    return Truth((replace(left.parts[0], sizes=sets[0] | sets[1]),))


def plain(text: str) -> str:
    """A piece of source in one line."""
    return " ".join(text.split())


def undecided(span: Span, why: str) -> Diagnostic:
    return Diagnostic(
        "E0403",
        f"`{plain(span.text)}` is not decided: {why}",
        Label(span, "open for some sizes"),
        helps=("compare sizes of one axis, with numbers and `+`, `-`, `*`, `/`, `%`, `ceil`, `floor`, `min`, `max`",),
    )
