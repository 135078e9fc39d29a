"""Statements about size functions, each answered by the set of sizes at which it holds, or by a counterexample."""

from __future__ import annotations

from itertools import islice
from math import gcd

from resnetc.compiler.sizes.algebra import scale, step, sub
from resnetc.compiler.sizes.budget import check_onset, check_period, memoized
from resnetc.compiler.sizes.functions import Affine, SizeFn, evaluate, onset_of, period_gain, values
from resnetc.compiler.sizes.sets import ALL, EMPTY, SizeSet, from_flags, from_minimum, only

_MAX_GLANCE = 64
"""Sizes to try before proving: a real counterexample appears among the first few, at any period."""


@memoized
def at_least(f: SizeFn, k: int) -> SizeSet:
    """Where f >= k. On tier 1 this is a Galois connection: from one size on."""
    if isinstance(f, Affine):
        if f.u == 0:
            return ALL if f.d >= k else EMPTY
        return from_minimum(f.c * (-(-(k - f.d) // f.u) - 1) - f.D + 1)
    if f.Q < 0:
        return ~at_least(scale(f, -1), 1 - k)
    # From some turn of the cycle on f >= k everywhere, or as now if f only repeats.
    turns = max(0, -((min(f.cycle) - k) // f.Q)) if f.Q else 0
    stop = f.onset + f.P * (turns + 1)
    check_onset(stop - f.P)
    return from_flags([v >= k for v in values(f, stop)], f.P)


@memoized
def congruent(f: SizeFn, m: int, r: int) -> SizeSet:
    """Where f is congruent to r modulo m."""
    P, Q = period_gain(f)
    P *= m // gcd(Q, m)
    check_period(P)
    return from_flags([(v - r) % m == 0 for v in values(f, onset_of(f) + P)], P)


@memoized
def equal_where(f: SizeFn, g: SizeFn) -> SizeSet:
    """Where f = g. Finite where the slopes differ."""
    if f == g:
        return ALL
    gap = sub(f, g)
    return at_least(gap, 0) - at_least(gap, 1)


@memoized
def less_equal_where(f: SizeFn, g: SizeFn) -> SizeSet:
    """Where f <= g."""
    return at_least(sub(g, f), 0)


def preimage(fn: SizeFn, sizes: SizeSet) -> SizeSet:
    """The sizes that a function takes into a set. One that falls without end is below every size, so in none."""
    P, Q = period_gain(fn)
    onset, period = onset_of(fn), P
    if Q < 0:
        onset += P * max(0, -(-max(values(fn, onset + P)[onset - 1 :]) // -Q))
    elif Q:
        period = P * (sizes.period // gcd(Q, sizes.period))
        lowest = min(values(fn, onset + P)[onset - 1 :])
        onset += P * max(0, -((lowest - sizes.onset) // Q))
    check_period(period)
    check_onset(onset)
    return from_flags([v in sizes for v in values(fn, onset + period)], period)


def threshold(f: SizeFn, k: int) -> int | None:
    """The least size from which on f stays at least k; None where there is none."""
    where = at_least(f, k)
    return where.onset if (~where).is_finite else None


def first_difference(f: SizeFn, g: SizeFn, within: SizeSet = ALL) -> int | None:
    """The least size in `within` at which f and g differ; None proves that they are equal there."""
    if f == g:
        return None
    for n in islice(within, _MAX_GLANCE):
        if evaluate(f, n) != evaluate(g, n):
            return n
    return within.first_missing(equal_where(f, g))


def nearest_difference(f: SizeFn, g: SizeFn, within: SizeSet, to: int) -> int | None:
    """The size in `within` nearest to `to` at which f and g differ, the smaller of two as near; None is a proof."""
    if f == g:
        return None
    for _ in range(_MAX_GLANCE):
        n = within.nearest(to)
        if n is None or evaluate(f, n) != evaluate(g, n):
            return n
        within -= only(n)
    return (within - equal_where(f, g)).nearest(to)


def bounds(f: SizeFn, within: SizeSet = ALL) -> tuple[int, int | None]:
    """The least and the greatest value of f on a set that is not empty; None where f grows without end."""
    least, greatest = within.min, within.max
    if least is None:
        raise ValueError("a function has no bounds on the empty set")
    P, Q = period_gain(f)
    if Q < 0 and greatest is None:
        raise ValueError("the function falls without end")
    endless = bool(Q) and greatest is None
    if isinstance(f, Affine):
        # Without a greatest member only a constant is bounded.
        return evaluate(f, least), None if endless else evaluate(f, greatest or least)
    if greatest is not None:
        stop = greatest + 1
    else:
        period = P * within.period // gcd(P, within.period)
        check_period(period)
        stop = max(onset_of(f), within.onset) + period
    members = f"{within.members_below(stop):b}"[-2::-1]  # the flags of 1, 2, ..
    row = [v for v, member in zip(values(f, stop), members, strict=False) if member == "1"]
    return min(row), None if endless else max(row)


def exact_quotient(f: SizeFn, r: int, within: SizeSet = ALL) -> SizeFn:
    """f / r, for an f that is a multiple of r at every size in `within`; elsewhere it is rounded down."""
    if (n := within.first_missing(congruent(f, r, 0))) is not None:
        raise ValueError(f"{evaluate(f, n)} is not a multiple of {r}, at size {n}")
    return step(f, r, 1 - r)
