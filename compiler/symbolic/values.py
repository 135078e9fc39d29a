"""Numbers that depend on the input's sizes: size functions on one axis, polynomials on several; exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, lcm
from typing import ClassVar, NamedTuple

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation.arithmetic import MAX_MAGNITUDE, arithmetic, division_by_zero, too_large
from resnetc.compiler.evaluation.values import MAX_BITS, Number, Value, describe, is_number, kind, normal
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import (
    ALL,
    Affine,
    SizeFn,
    add,
    compose,
    congruent,
    constant,
    evaluate,
    identity,
    is_constant,
    maximum,
    minimum,
    scale,
    show,
    step,
    sub,
)
from resnetc.compiler.sizes.functions import Table
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.polynomials import Point, Polynomial, normalize


@record(eq=True)
class SymInt:
    """A number that depends on the input's size on one axis: a size function over a whole number."""

    kind: ClassVar[str] = "a size"
    axis: int
    symbol: str
    fn: SizeFn
    divisor: int = 1

    def evaluate(self, n: int) -> int | Fraction:
        return normal(Fraction(evaluate(self.fn, n), self.divisor))

    def __str__(self) -> str:
        text = show(self.fn, self.symbol)
        if self.divisor == 1:
            return text
        return f"{f'({text})' if ' ' in text else text} / {self.divisor}"

    def replace_function(self, fn: SizeFn, divisor: int = 1) -> Value:
        """Another value on this axis, as plain as it can be."""
        if is_constant(fn):
            return normal(Fraction(evaluate(fn, 1), divisor))
        if divisor > 1 and congruent(fn, divisor, 0) == ALL:
            return SymInt(self.axis, self.symbol, step(fn, divisor, 0))
        return SymInt(self.axis, self.symbol, fn, divisor)

    def convert_to_axis(self, value: Value) -> SymInt:
        """A number, or a size of the same axis, as a size of this axis."""
        if isinstance(value, SymInt):
            return value
        exact = Fraction(to_number(value))
        return SymInt(self.axis, self.symbol, constant(exact.numerator), exact.denominator)


OPEN = (SymInt, Polynomial)


def compute(op: str, left: Value, right: Value, span: Span) -> Value:
    """Exact arithmetic with sizes: `+`, `-`, `*` of any, `/` and `%` by numbers, `%` on one axis; within limits."""
    value = compute_exactly(op, left, right, span)
    if not is_within_limits(value):
        raise Fault(too_large(span))
    return value


def is_within_limits(value: Value) -> bool:
    """Whether the numbers that are multiplied with sizes stay within the limits of numbers."""
    match value:
        case Polynomial():
            return all(
                abs(c.numerator) <= MAX_MAGNITUDE and c.denominator <= MAX_MAGNITUDE for c in value.terms.values()
            )
        case SymInt(fn=Affine(u, _, _, _), divisor=divisor):
            return u <= MAX_MAGNITUDE and divisor <= MAX_MAGNITUDE
        case SymInt(fn=Table(cycle=cycle, Q=gain), divisor=divisor):
            return max(abs(gain), max(cycle), -min(cycle), divisor) <= MAX_MAGNITUDE
    return True


def compute_exactly(op: str, left: Value, right: Value, span: Span) -> Value:
    """Arithmetic without a limit, for what no text says."""
    if not (isinstance(left, OPEN) or isinstance(right, OPEN)):
        return arithmetic(op, left, right, span)
    odd = next((v for v in (left, right) if not isinstance(v, OPEN) and not is_number(v)), None)
    if odd is not None:
        raise Fault(undecided(span, f"a size and {kind(odd)}"))
    if op in "/%":
        return divide(op, left, right, span)
    axes = {axis for v in (left, right) if isinstance(v, OPEN) for axis in list_axes(v)}
    if isinstance(left, Polynomial) or isinstance(right, Polynomial) or len(axes) > 1:
        return combine_polynomials(op, left, right)
    size = left if isinstance(left, SymInt) else right
    assert isinstance(size, SymInt)  # one of them is open, and no polynomial
    if op == "*":
        if isinstance(left, SymInt) and isinstance(right, SymInt):
            return combine_polynomials(op, left, right)
        number = Fraction(to_number(right if isinstance(left, SymInt) else left))
        return size.replace_function(scale(size.fn, number.numerator), size.divisor * number.denominator)
    a, b = size.convert_to_axis(left), size.convert_to_axis(right)
    f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
    return size.replace_function(add(f, g) if op == "+" else sub(f, g), a.divisor * b.divisor)


def divide(op: str, left: Value, right: Value, span: Span) -> Value:
    """`/` and `%` by a number."""
    if not is_number(right) or (op == "%" and (right < 0 or isinstance(left, Polynomial))):
        what = "a size and a number" if op == "%" else "sizes and a number"
        raise Fault(undecided(span, f"`{op}` needs {what}"))
    if right == 0:
        raise Fault(division_by_zero(op, span))
    quotient = compute("*", left, 1 / Fraction(right), span)
    if op == "/":
        return quotient
    whole = round_sizes("floor", [quotient], span) if isinstance(quotient, SymInt) else floor(to_number(quotient))
    return compute("-", left, compute("*", whole, right, span), span)


def to_number(value: Value) -> Number:
    """A value that can be nothing but a number here."""
    assert is_number(value)
    return value


def list_axes(value: SymInt | Polynomial) -> tuple[int, ...]:
    return (value.axis,) if isinstance(value, SymInt) else value.axes


def to_polynomial(value: Value) -> Polynomial:
    """A number, a size or a polynomial as a polynomial."""
    if isinstance(value, Polynomial):
        return value
    if isinstance(value, SymInt):
        factor, slope, rest = split(value.fn)
        terms = {((value.axis, factor),): Fraction(slope, value.divisor), (): Fraction(rest, value.divisor)}
        return normalize(terms, [(value.axis, value.symbol)])
    return normalize({(): Fraction(to_number(value))}, ())


class Scaled(NamedTuple):
    """The parts of slope * factor + rest."""

    factor: SizeFn
    slope: int
    rest: int


def split(fn: SizeFn) -> Scaled:
    """A function as slope * factor + rest, such that functions which differ in the latter two share their factor."""
    if not isinstance(fn, Affine) or fn.u == 0:
        return Scaled(fn, slope=1, rest=0)
    turns, D = divmod(fn.D, fn.c)
    return Scaled(step(identity(), fn.c, D), slope=fn.u, rest=fn.u * turns + fn.d)


def combine_polynomials(op: str, left: Value, right: Value) -> Value:
    """The sum, difference or product of values of several axes."""
    a, b = to_polynomial(left), to_polynomial(right)
    return simplify(a.times(b) if op == "*" else a.plus(b, 1 if op == "+" else -1))


def simplify(p: Polynomial) -> Value:
    """A number or a size where a polynomial is one."""
    rest = p.terms.get((), Fraction(0))
    if not p.symbols:
        return normal(rest)
    if len(p.symbols) > 1 or any(len(key) > 1 for key in p.terms):
        return p
    ((axis, symbol),) = p.symbols
    divisor = lcm(*(c.denominator for c in p.terms.values()))
    total = constant(int(rest * divisor))
    for key, coefficient in p.terms.items():
        for _, fn in key:
            total = add(total, scale(fn, int(coefficient * divisor)))
    return SymInt(axis, symbol, total).replace_function(total, divisor)


def round_sizes(name: str, arguments: Sequence[Value], span: Span) -> Value:
    """`ceil`, `floor`, `max` and `min`, at least one argument being a size."""
    odd = next((v for v in arguments if not isinstance(v, SymInt) and not is_number(v)), None)
    sizes: list[SymInt] = [v for v in arguments if isinstance(v, SymInt)]
    if odd is not None or len({size.axis for size in sizes}) > 1:
        what = f"not {kind(odd)}" if odd is not None and not isinstance(odd, Polynomial) else "of one axis at a time"
        raise Fault(undecided(span, f"`{name}` takes sizes and numbers, {what}"))
    first = sizes[0]
    if name in ("ceil", "floor"):
        return first.replace_function(step(first.fn, first.divisor, 0 if name == "ceil" else 1 - first.divisor))
    choose = maximum if name == "max" else minimum
    extreme = first
    for value in arguments:
        other = first.convert_to_axis(value)
        f, g = scale(extreme.fn, other.divisor), scale(other.fn, extreme.divisor)
        extreme = first.convert_to_axis(first.replace_function(choose(f, g), extreme.divisor * other.divisor))
    return first.replace_function(extreme.fn, extreme.divisor)


# -- functions of sizes -----------------------------------------------------------------------------------------------


def apply_size_function(fn: SizeFn, size: Value) -> Value:
    """A size function of a whole number, or of a size that is whole everywhere."""
    if isinstance(size, SymInt):
        return size.replace_function(compose(fn, size.fn))
    assert isinstance(size, int)
    return evaluate(fn, size)


def evaluate_at(value: Value, point: Point) -> Value:
    """The number that a value is at a point."""
    match value:
        case SymInt():
            return value.evaluate(point[value.axis])
        case Polynomial():
            return normal(value.at(point))
        case tuple():
            return tuple(evaluate_at(v, point) for v in value)
    return value


# -- words ------------------------------------------------------------------------------------------------------------


def join_lines(text: str) -> str:
    """A piece of source in one line."""
    return " ".join(text.split())


def show_value(value: Value) -> str:
    """A value as the language writes it, long numbers in groups of three."""
    grouped = isinstance(value, int) and abs(value) >= 10_000 and value.bit_length() <= MAX_BITS
    return f"{value:_}" if grouped else describe(value)


DECIDED = "use `+`, `-`, `*` of sizes and numbers, `/` and `%` by numbers, `ceil`, `floor`, `min`, `max` on one axis"


def undecided(span: Span, why: str, help: str = DECIDED) -> Diagnostic:
    return Diagnostic(
        "E0403",
        f"`{join_lines(span.text)}` cannot be decided: {why}",
        Label(span, "undecided at some sizes"),
        helps=(help,),
    )
