"""Operations on size functions. All are total: a result that is not of tier 1 becomes an exact table."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import gcd

from resnetc.compiler.sizes.budget import check_onset, check_period, memoized
from resnetc.compiler.sizes.functions import (
    Affine,
    SizeFn,
    Table,
    affine,
    common_period,
    constant,
    evaluate,
    identity,
    is_constant,
    onset_of,
    period_gain,
    tabulate,
    values,
)


def step(f: SizeFn, stride: int, delta: int) -> SizeFn:
    """ceil((f + delta) / stride): what a convolution, a pool, padding, a crop or a strided slice does to a size."""
    if stride < 1:
        raise ValueError(f"a stride is at least 1, not {stride}")
    if isinstance(f, Affine) and (stepped := _stepped_affine(f, stride, delta)) is not None:
        return stepped
    return _stepped_table(f, stride, delta)


@lru_cache(maxsize=2**12)
def _stepped_affine(f: Affine, stride: int, delta: int) -> Affine | None:
    """The step where it stays on tier 1.

    Of u * ceil(x / c) + d it is ceil((u/g * ceil(x / c) + E) / (stride/g)) with g = gcd(u, stride) and
    E = ceil((d + delta) / g), and that nests into one ceiling where stride/g = 1 or u/g = 1.
    """
    g = gcd(f.u, stride)
    u, s = f.u // g, stride // g
    E = -(-(f.d + delta) // g)
    if s == 1:
        return affine(u, f.c, f.D, E)
    if u == 1:
        return affine(1, f.c * s, f.D + f.c * E, 0)
    return None


@memoized
def _stepped_table(f: SizeFn, stride: int, delta: int) -> SizeFn:
    P, Q = period_gain(f)
    turns = stride // gcd(Q, stride)
    check_period(P * turns)
    row = [-(-(v + delta) // stride) for v in values(f, onset_of(f) + P * turns)]
    return tabulate(P * turns, Q * turns // stride, row)


def scale(f: SizeFn, k: int) -> SizeFn:
    """k * f."""
    if isinstance(f, Affine) and k >= 0:
        return affine(f.u * k, f.c, f.D, f.d * k)
    P, Q = period_gain(f)
    check_period(P)
    row = [v * k for v in values(f, onset_of(f) + P)]
    return tabulate(P, Q * k, row)


def shift(f: SizeFn, k: int) -> SizeFn:
    """f + k."""
    return step(f, 1, k)


def add(f: SizeFn, g: SizeFn) -> SizeFn:
    """f + g."""
    return _combined(f, g, 1)


def sub(f: SizeFn, g: SizeFn) -> SizeFn:
    """f - g, which may be negative and may fall."""
    return _combined(f, g, -1)


def _combined(f: SizeFn, g: SizeFn, sign: int) -> SizeFn:
    """f + sign * g. Two ceilings that step at the same sizes stay on tier 1, whatever their period."""
    if isinstance(g, Affine) and g.u == 0:
        return shift(f, sign * g.d)
    if isinstance(f, Affine) and isinstance(g, Affine) and f.c == g.c:
        apart, rest = divmod(g.D - f.D, f.c)
        u = f.u + sign * g.u
        if rest == 0 and u >= 0:
            return affine(u, f.c, f.D, f.d + sign * (g.u * apart + g.d))
    P = common_period(f, g)
    (p, q), (r, s) = period_gain(f), period_gain(g)
    stop = max(onset_of(f), onset_of(g)) + P
    row = [a + sign * b for a, b in zip(values(f, stop), values(g, stop), strict=True)]
    return tabulate(P, P // p * q + sign * (P // r * s), row)


def minimum(f: SizeFn, g: SizeFn) -> SizeFn:
    """The smaller of f and g at each size."""
    return _selected(f, g, min)


def maximum(f: SizeFn, g: SizeFn) -> SizeFn:
    """The larger of f and g at each size."""
    return _selected(f, g, max)


def _selected(f: SizeFn, g: SizeFn, choose: Callable[[int, int], int]) -> SizeFn:
    """The choice of min or max between f and g. Unequal slopes: the sign of f - g settles, then the choice is one."""
    if f == g:
        return f
    gap = sub(f, g)
    P, Q = period_gain(gap)
    onset = onset_of(gap)
    if Q:
        cycle = [evaluate(gap, n) for n in range(onset, onset + P)]
        wrong = -min(cycle) if Q > 0 else max(cycle)
        onset += P * max(0, -(-wrong // abs(Q)))
    check_onset(onset)
    P = common_period(f, g)
    # The gap may settle before its terms do, and a term alone repeats only from its own onset.
    stop = max(onset, onset_of(f), onset_of(g)) + P
    row = [choose(a, b) for a, b in zip(values(f, stop), values(g, stop), strict=True)]
    slopes = [P // p * q for p, q in (period_gain(f), period_gain(g))]
    return tabulate(P, choose(slopes[0], slopes[1]), row)


def compose(outer: SizeFn, inner: SizeFn) -> SizeFn:
    """outer(inner(n)): the whole of a network whose first part is `inner`. Where inner(n) < 1 no size is accepted."""
    if isinstance(outer, Affine):
        return shift(scale(step(inner, outer.c, outer.D), outer.u), outer.d)
    if inner is identity():
        return outer
    if is_constant(inner):
        return constant(evaluate(outer, evaluate(inner, 1)))
    return _composed_table(outer, inner)


def _composed_table(outer: Table, inner: SizeFn) -> SizeFn:
    # The composition repeats when the inner function has gained a whole number of outer periods: after P * turns sizes,
    # `turns` being the least number of inner periods whose gain is divisible by the outer one. It does so only from
    # where the inner values have passed the outer onset for good, which may be much later than the inner onset: the
    # smallest value of one inner cycle says how many more cycles that takes. With Q == 0 the inner values recur
    # unchanged, so whether they lie below the outer onset does not matter.
    P, Q = period_gain(inner)
    if Q < 0:
        raise ValueError("the inner function falls below every size")
    turns = outer.P // gcd(Q, outer.P)
    check_period(P * turns)
    onset = onset_of(inner)
    if Q:
        cycle = [evaluate(inner, n) for n in range(onset, onset + P)]
        onset += P * max(0, -((min(cycle) - outer.onset) // Q))
    check_onset(onset)
    row = [evaluate(outer, v) for v in values(inner, onset + P * turns)]
    return tabulate(P * turns, outer.Q * (Q * turns // outer.P), row)
