"""Formats size functions, from their normal form only, so that equal functions always look the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import gcd

from resnetc.compiler.sizes.algebra import maximum, minimum
from resnetc.compiler.sizes.budget import number
from resnetc.compiler.sizes.format_sets import span
from resnetc.compiler.sizes.functions import (
    SizeFn,
    Table,
    affine,
    constant,
    evaluate,
    is_constant,
    onset_of,
    period_gain,
    tabulate,
    values,
)
from resnetc.compiler.sizes.relations import first_difference
from resnetc.compiler.sizes.sets import ALL, SizeSet, from_residues

MAX_TERMS = 4
"""A sum of more ceilings, or more exceptions, would be harder to read than a row of values."""

MAX_VALUES = 12
"""A row of values is a sample beyond these."""

MAX_SEARCH = 2**12
"""A formula is not searched for beyond this period."""


def show(f: SizeFn, symbol: str = "H", within: SizeSet = ALL) -> str:
    """The function as a formula, such as `ceil(H / 32)`; simpler where that serves at the sizes of `within`.

    A function without a short formula is shown as a row of its values.
    """
    if (text := _formula(f, symbol, within)) is not None:
        return text
    row = values(f, onset_of(f) + period_gain(f)[0])
    shown = ", ".join(map(str, row[:MAX_VALUES])) + (", ..." if len(row) > MAX_VALUES else "")
    period, gain = period_gain(f)
    return f"table({shown}; {'-' if gain < 0 else '+'} {abs(gain)} every {period} from {symbol} = {onset_of(f)})"


def _formula(f: SizeFn, symbol: str, within: SizeSet = ALL) -> str | None:
    """A function in words, in the first of the forms below that fits; None where none does."""
    if isinstance(f, Table) and f.onset > 1:
        return _with_exceptions(f, symbol, within)
    P, Q = period_gain(f)
    if P > 1 and (n := _only_residue(within, P)) is not None:
        return _exact_quotient(f, symbol, n)
    if isinstance(f, Table):
        rises = _rises(f)
        return _quotient(f, rises, symbol) or _sum_of_ceilings(f, rises, symbol)
    if f.c == 1:
        return _sum([(f.u, symbol)], f.u * f.D + f.d)
    text, rest = _ceiling(symbol, f.D, f.c)
    return _sum([(f.u, text)], f.u * rest + f.d)


def _sum(terms: Sequence[tuple[int, str]], rest: int) -> str:
    """a * x + b * y + rest, without what is zero, and with a positive part first where there is one."""
    parts = [(k < 0, x if abs(k) == 1 else f"{number(abs(k))} * {x}") for k, x in terms if k]
    if rest or not parts:
        parts.append((rest < 0, number(abs(rest))))
    parts.sort(key=lambda part: part[0])
    (negative, first), *others = parts
    return ("-" if negative else "") + first + "".join((" - " if minus else " + ") + part for minus, part in others)


def _ceiling(x: str, D: int, c: int) -> tuple[str, int]:
    """A text and a rest whose sum is ceil((x + D) / c), rounded whichever way leaves the smaller number inside."""
    down, up = (D + c - 1) % c, -D % c  # floor((x + down) / c) and ceil((x - up) / c), but for the rest
    if up == 0 or 0 < up < down:
        return f"ceil({f'({x} - {number(up)})' if up else x} / {number(c)})", (D + up) // c
    return f"floor({f'({x} + {number(down)})' if down else x} / {number(c)})", (D + c - 1 - down) // c


def _only_residue(within: SizeSet, modulus: int) -> int | None:
    """The least member, if there are several and all are congruent."""
    least = within.first(2)
    if len(least) < 2 or (least[1] - least[0]) % modulus:
        return None
    if within.is_finite:
        congruent = all((n - least[0]) % modulus == 0 for n in within)
    else:  # n and n + period are members, so the modulus divides the period
        congruent = within.period % modulus == 0 and within.subset_of(from_residues(modulus, [least[0]]))
    return least[0] if congruent else None


def _exact_quotient(f: SizeFn, symbol: str, n: int) -> str:
    """A purely periodic f on the residue class of n, where it is a line: no rounding is needed."""
    P, Q = period_gain(f)
    g = gcd(P, Q)
    P, Q = P // g, Q // g
    if P == 1:
        return _sum([(Q, symbol)], evaluate(f, n) - Q * n)
    k = -(n % P) if n % P <= P // 2 else P - n % P
    numerator = _sum([(1, symbol)], k)
    return _sum([(Q, f"{f'({numerator})' if k else symbol} / {P}")], evaluate(f, n) - Q * ((n + k) // P))


def _rises(f: SizeFn) -> list[int]:
    """For each residue r modulo the period, f(n + 1) - f(n) where n is congruent to r."""
    P, Q = period_gain(f)
    row = values(f, P + 1)
    return [row[0] + Q - row[-1]] + [b - a for a, b in zip(row, row[1:], strict=False)]


def _quotient(f: Table, rises: Sequence[int], symbol: str) -> str | None:
    """f as u * floor((q * y + B) / p) + d, where y = ceil((n - j) / c) is the coarsest ceiling that determines f.

    u is the content of the rises, and y steps wherever one may be. f is such a quotient iff some B satisfies
    p * z <= q * y + B <= p * z + p - 1 for every z = (f - d) / u of one period.
    """
    P, Q = period_gain(f)
    if Q <= 0:
        return None
    u = gcd(*rises)
    jumps = [r for r, rise in enumerate(rises) if rise]
    c = gcd(P, *(r - jumps[0] for r in jumps))
    j, p, q = jumps[0] % c, P // c, Q // u
    d = evaluate(f, 1) % u
    offsets = [p * ((evaluate(f, y * c + j) - d) // u) - q * y for y in range(1, p + 1)]
    B = max(offsets)
    if B > min(offsets) + p - 1:
        return None
    inner, _ = _ceiling(symbol, -j, c) if c > 1 else (symbol, 0)
    text, rest = _ceiling(_sum([(q, inner)], 0), B - p + 1, p)
    return _sum([(u, text)], u * rest + d)


def _sum_of_ceilings(f: Table, rises: list[int], symbol: str) -> str | None:
    """f as a sum of k * ceil((n - r) / c): for each divisor c of the period, k is what most rises of a class share."""
    if f.P > MAX_SEARCH:
        return None
    left, terms = list(rises), list[tuple[int, int, int]]()
    for c in (c for c in range(1, f.P + 1) if f.P % c == 0):
        for r in range(c):
            ((rise, count),) = Counter(left[r::c]).most_common(1)
            if rise and 2 * count > f.P // c:
                terms.append((rise, r, c))
                if len(terms) > MAX_TERMS:
                    return None
                left[r::c] = [other - rise for other in left[r::c]]
    rest = evaluate(f, 1) - sum(k * -((r - 1) // c) for k, r, c in terms)
    return _sum([(k, _ceiling(symbol, -r, c)[0] if c > 1 else symbol) for k, r, c in terms], rest)


def _with_exceptions(f: Table, symbol: str, within: SizeSet) -> str | None:
    """A table that starts off its pattern: without the exceptions, as a min or max, or with the exceptions listed."""
    pattern = _pattern(f)
    if first_difference(f, pattern, within) is None:
        return _formula(pattern, symbol, within)
    after = _formula(pattern, symbol)
    if after is None:
        return None
    if (clamped := _clamped(f, pattern, symbol)) is not None:
        return clamped
    pieces = list(_pieces(f, pattern))
    if len(pieces) > MAX_TERMS:
        return None
    listed = ", ".join(f"{v} if {symbol} = {span(first, last)}" for v, first, last in pieces)
    return f"({listed}, else {after})"


def _pattern(f: Table) -> SizeFn:
    """The function that follows from 1 on the pattern which f follows from its onset."""
    row = [f.cycle[(n - f.onset) % f.P] + (n - f.onset) // f.P * f.Q for n in range(1, f.P + 1)]
    return tabulate(f.P, f.Q, row)


def _clamped(f: Table, pattern: SizeFn, symbol: str) -> str | None:
    """f as the min or max of its pattern and what its exceptions might come from."""
    for other in _sources(f):
        if f.P * period_gain(other)[0] > MAX_SEARCH:
            continue
        for name, choose, combine in (("min", min, minimum), ("max", max, maximum)):
            # A glance at the exceptions comes first: the whole comparison of unrelated slopes may be long.
            if all(v == choose(evaluate(pattern, n), evaluate(other, n)) for n, v in enumerate(f.head, start=1)):
                if combine(pattern, other) == f:
                    growing, bound = (other, pattern) if is_constant(pattern) else (pattern, other)
                    return f"{name}({show(growing, symbol)}, {show(bound, symbol)})"
    return None


def _sources(f: Table) -> Iterator[SizeFn]:
    """A constant, and the ceiling that steps where the first values do."""
    yield constant(f.head[0])
    row = (*f.head, f.cycle[0])
    jumps = [n for n in range(1, len(row)) if row[n] != row[n - 1]]
    if jumps and (rise := row[jumps[0]] - row[0]) > 0:
        stride = jumps[1] - jumps[0] if len(jumps) > 1 else jumps[0]
        yield affine(rise, stride, -jumps[0], row[0])


def _pieces(f: Table, pattern: SizeFn) -> Iterator[tuple[int, int, int]]:
    """The exceptions of f as (value, first size, last size), runs of one value together."""
    run: tuple[int, int, int] | None = None
    for n, (v, expected) in enumerate(zip(f.head, values(pattern, f.onset), strict=True), start=1):
        if run and v == run[0] and v != expected and run[2] == n - 1:
            run = (v, run[1], n)
        elif v != expected:
            if run:
                yield run
            run = (v, n, n)
    if run:
        yield run
