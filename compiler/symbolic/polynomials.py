"""Polynomials in the sizes of several axes, such as costs, and the sizes of one axis at which they are positive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm
from typing import ClassVar, Literal

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import SizeFn, SizeSet, SizesTooIrregular, evaluate, is_constant, show
from resnetc.compiler.sizes.budget import charge_entries, check_onset, check_period
from resnetc.compiler.sizes.functions import onset_of, period_gain
from resnetc.compiler.sizes.sets import from_flags

Factor = tuple[int, SizeFn]
Key = tuple[Factor, ...]
Point = Mapping[int, int]
"""A size for each axis."""

MAX_TERMS = 256
MAX_FLAGS = 2**18
FLAG = 2**4  # values of a table, which are as quick as one of a polynomial
MAX_SHOWN_TERMS = 3  # terms of a polynomial in a message


@record
class Polynomial:
    """A sum of products of size functions, each of one axis; the constant is under `()`."""

    kind: ClassVar[str] = "a size"

    terms: Mapping[Key, Fraction]
    symbols: tuple[tuple[int, str], ...]  # of its axes, ascending

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(axis for axis, _ in self.symbols)

    def at(self, point: Point) -> Fraction:
        """The value at a point."""
        total = Fraction(0)
        for key, coefficient in self.terms.items():
            for axis, fn in key:
                coefficient *= evaluate(fn, point[axis])
            total += coefficient
        return total

    def plus(self, other: Polynomial, sign: int = 1) -> Polynomial:
        terms = dict(self.terms)
        for key, coefficient in other.terms.items():
            terms[key] = terms.get(key, Fraction(0)) + sign * coefficient
        return normalize(terms, (*self.symbols, *other.symbols))

    def times(self, other: Polynomial) -> Polynomial:
        terms: dict[Key, Fraction] = {}
        for key, coefficient in self.terms.items():
            for more, factor in other.terms.items():
                joined = order_factors((*key, *more))
                terms[joined] = terms.get(joined, Fraction(0)) + coefficient * factor
        return normalize(terms, (*self.symbols, *other.symbols))

    def negative(self) -> Polynomial:
        return Polynomial({key: -coefficient for key, coefficient in self.terms.items()}, self.symbols)

    def __str__(self) -> str:
        names = dict(self.symbols)
        shown = []
        for key, coefficient in sorted(self.terms.items(), key=lambda term: -abs(term[1]))[:MAX_SHOWN_TERMS]:
            factors = [show(fn, names[axis]) for axis, fn in key]
            texts = [f"({text})" if "(" not in text and " " in text else text for text in factors]
            number = f"{abs(coefficient.numerator):_}" if coefficient.denominator == 1 else str(abs(coefficient))
            text = " * ".join([number, *texts] if abs(coefficient) != 1 or not texts else texts)
            shown.append((" - " if coefficient < 0 else " + ") + text)
        more = " + ..." if len(self.terms) > MAX_SHOWN_TERMS else ""
        return "".join(shown).removeprefix(" + ").strip() + more or "0"


def order_factors(key: Key) -> Key:
    """Factors in an order of their own, so that equal products are equal keys."""
    return tuple(sorted(key, key=lambda factor: (factor[0], hash(factor[1]))))


def normalize(terms: Mapping[Key, Fraction], symbols: Iterable[tuple[int, str]]) -> Polynomial:
    """A polynomial without terms of zero; a factor that is constant is part of the coefficient."""
    normalized: dict[Key, Fraction] = {}
    for key, coefficient in terms.items():
        for _, fn in key:
            if is_constant(fn):
                coefficient *= evaluate(fn, 1)
        factors = tuple(factor for factor in key if not is_constant(factor[1]))
        normalized[factors] = normalized.get(factors, Fraction(0)) + coefficient
    normalized = {key: coefficient for key, coefficient in normalized.items() if coefficient}
    if len(normalized) > MAX_TERMS or any(len(key) > MAX_DEGREE for key in normalized):
        raise SizesTooIrregular(f"a polynomial of more than {MAX_TERMS} terms, or of a degree above {MAX_DEGREE}")
    used = {axis for key in normalized for axis, _ in key}
    return Polynomial(normalized, tuple(sorted({(axis, symbol) for axis, symbol in symbols if axis in used})))


MAX_DEGREE = 8

# -- statements about one polynomial ----------------------------------------------------------------------------------


@record
class Atom:
    """`p > 0`, `p >= 0`, `p == 0` or `p != 0`."""

    op: Literal[">", ">=", "==", "!="]
    p: Polynomial

    def is_satisfied(self, value: Fraction | int) -> bool:
        match self.op:
            case ">":
                return value > 0
            case ">=":
                return value >= 0
            case "==":
                return value == 0
        return value != 0

    def is_satisfiable(self, low: Fraction | int, high: Fraction | int) -> bool:
        """Whether some number from `low` to `high` would do."""
        match self.op:
            case ">":
                return high > 0
            case ">=":
                return high >= 0
            case "==":
                return low <= 0 <= high
        return low != 0 or high != 0

    def negate(self) -> Atom:
        match self.op:
            case ">":
                return Atom(">=", self.p.negative())
            case ">=":
                return Atom(">", self.p.negative())
            case "==":
                return Atom("!=", self.p)
        return Atom("==", self.p)


def make_atom(op: str, difference: Polynomial) -> Atom:
    """`left op right`, of the difference `left - right`."""
    match op:
        case ">":
            return Atom(">", difference)
        case ">=":
            return Atom(">=", difference)
        case "<":
            return Atom(">", difference.negative())
        case "<=":
            return Atom(">=", difference.negative())
        case "==":
            return Atom("==", difference)
    return Atom("!=", difference)


# -- along residues ---------------------------------------------------------------------------------------------------

Coefficients = dict[tuple[int, ...], int]
"""A polynomial in whole numbers q: the coefficient of each tuple of exponents."""


def find_regular_onset(p: Polynomial, axis: int) -> tuple[int, int]:
    """Onset and period of an axis: from there on every factor is a line along each residue."""
    functions = {fn for key in p.terms for a, fn in key if a == axis}
    period = lcm(*(period_gain(fn)[0] for fn in functions))
    check_period(period)
    return max((onset_of(fn) for fn in functions), default=1), period


def restrict_to_residues(p: Polynomial, starts: Mapping[int, tuple[int, int]]) -> Coefficients:
    """p at n = start + q * period on each axis, in the q; a period of 0 holds the axis at its start.

    The numbers are scaled to whole ones, by something positive.
    """
    axes = tuple(axis for axis in sorted(starts) if starts[axis][1])
    place = {axis: i for i, axis in enumerate(axes)}
    scale = lcm(*(c.denominator for c in p.terms.values()))
    total: Coefficients = {}
    for key, coefficient in p.terms.items():
        product: Coefficients = {(0,) * len(axes): int(coefficient * scale)}
        for axis, fn in key:
            start, period = starts[axis]
            value = evaluate(fn, start)
            rise = 0
            if period:
                P, Q = period_gain(fn)
                rise = Q * (period // P)
            further: Coefficients = {}
            for exponents, c in product.items():
                further[exponents] = further.get(exponents, 0) + c * value
                if rise:
                    raised = tuple(e + (i == place[axis]) for i, e in enumerate(exponents))
                    further[raised] = further.get(raised, 0) + c * rise
            product = further
        for exponents, c in product.items():
            total[exponents] = total.get(exponents, 0) + c
    return {exponents: c for exponents, c in total.items() if c}


def bound_sign_changes(coefficients: list[int]) -> int:
    """From which q on the sign of a polynomial in one variable never changes."""
    q, row = 0, coefficients
    while any(c > 0 for c in row) and any(c < 0 for c in row):
        q = 2 * q or 1
        check_onset(q)
        row = shift(coefficients, q)
    return q + (len(row) > 1)


def shift(row: list[int], q: int) -> list[int]:
    """The coefficients around q."""
    coefficients = list(row)
    for i in range(len(coefficients)):
        for j in range(len(coefficients) - 2, i - 1, -1):
            coefficients[j] += q * coefficients[j + 1]
    return coefficients


def solve(statement: Atom) -> SizeSet:
    """The sizes at which a statement about one axis holds, exactly."""
    p = statement.p
    (axis,) = p.axes
    onset, period = find_regular_onset(p, axis)
    last = 0
    charge_entries(FLAG * period)
    for start in range(onset, onset + period):
        row = restrict_to_residues(p, {axis: (start, period)})
        degree = max((e for (e,) in row), default=0)
        last = max(last, bound_sign_changes([row.get((e,), 0) for e in range(degree + 1)]))
        if (last + 2) * period + onset > MAX_FLAGS:
            raise SizesTooIrregular(f"sizes too irregular: exceptions up to {(last + 1) * period + onset}")
    stop = onset + (last + 1) * period
    charge_entries(FLAG * stop)
    return from_flags([statement.is_satisfied(p.at({axis: n})) for n in range(1, stop)], period)
