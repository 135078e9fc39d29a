"""Size functions and their normal forms: two functions are equal for every size n >= 1 iff their forms are equal.

Tier 1 (`Affine`) is closed under convolution, pooling, padding, cropping and most upsampling. Tier 2 (`Table`) holds
everything else that is eventually affine on each residue class, and is closed under every operation of `algebra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from fractions import Fraction
from math import gcd
from weakref import WeakValueDictionary

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes.budget import charge_entries, check_onset, check_period


@record(weakref_slot=True)
class Affine:
    """The function u * ceil((n + D) / c) + d, with c >= 1 and 0 <= d < u; or the constant d, as (0, 1, 0, d).

    For c >= 2 the increments are u on one residue class modulo c and 0 elsewhere, so the function determines c, u and
    D mod c, and one value then fixes D and d. For c = 1 every increment is u. Hence one form for each function.
    """

    u: int
    c: int
    D: int
    d: int

    def __post_init__(self) -> None:
        constant = self.u == 0 and self.c == 1 and self.D == 0
        if not constant and not (self.c >= 1 and 0 <= self.d < self.u):
            raise ValueError(f"not a normal form: {self}")


@record(weakref_slot=True)
class Table:
    """A function with f(n + P) = f(n) + Q for every n >= onset, and no affine form.

    `head` holds f(1) .. f(onset - 1) and `cycle` holds f(onset) .. f(onset + P - 1). P is the least period and onset
    the least for it; the periods of f form a group and all share one onset, so this form is unique. Only `tabulate`
    makes tables.
    """

    P: int
    Q: int
    onset: int
    head: tuple[int, ...] = field(repr=False)
    cycle: tuple[int, ...] = field(repr=False)


SizeFn = Affine | Table

# Interned: equal functions are one object, so they are compared and hashed by identity, half a million times for the
# zoo; weakly, so that a long-lived process keeps none.
_affines: WeakValueDictionary[tuple[int, int, int, int], Affine] = WeakValueDictionary()
_tables: WeakValueDictionary[tuple[int, int, tuple[int, ...], tuple[int, ...]], Table] = WeakValueDictionary()


def affine(u: int, c: int, D: int, d: int) -> Affine:
    """The normal form of u * ceil((n + D) / c) + d, for u >= 0, c >= 1 and any D, d."""
    if u == 0:
        c, D = 1, 0
    else:
        q, d = divmod(d, u)
        D += q * c
    key = (u, c, D, d)
    form = _affines.get(key)
    if form is None:
        form = _affines[key] = Affine(u, c, D, d)
    return form


def tabulate(period: int, gain: int, values: Sequence[int]) -> SizeFn:
    """The normal form of the function that starts with `values`, the last `period` of which recur `gain` higher.

    The result is an `Affine` where there is one, so that the two tiers share one normal form.
    """
    # That two branches fit at every size is proved by comparing their functions, so equal functions must have one form,
    # whatever way led to them: ceil(ceil(n / 2) / 2) and ceil(n / 4), or a table that is a straight line. So period and
    # onset are made as small as they can be, in this order (a least onset depends on the period, but no period on the
    # onset), and a table with one jump in each period becomes the ceiling that it is.
    onset = len(values) - period + 1
    check_period(period)
    check_onset(onset)
    head, cycle = values[: onset - 1], values[onset - 1 :]
    period, gain = _least_period(period, gain, cycle)
    onset = _least_onset(period, gain, head, cycle)
    head, cycle = tuple(values[: onset - 1]), tuple(values[onset - 1 : onset - 1 + period])
    if onset == 1:
        demoted = _demoted(period, gain, cycle)
        if demoted is not None:
            return demoted
    key = (period, gain, head, cycle)
    form = _tables.get(key)
    if form is None:
        form = _tables[key] = Table(P=period, Q=gain, onset=onset, head=head, cycle=cycle)
    return form


def _least_period(period: int, gain: int, cycle: Sequence[int]) -> tuple[int, int]:
    for p in prime_factors(period):
        while period % p == 0 and gain % p == 0:
            shorter, less = period // p, gain // p
            if any(cycle[i + shorter] != cycle[i] + less for i in range(period - shorter)):
                break
            period, gain = shorter, less
    return period, gain


def _least_onset(period: int, gain: int, head: Sequence[int], cycle: Sequence[int]) -> int:
    """The least size from which the pattern of `cycle`, continued backwards, gives the function."""
    onset = len(head) + 1
    for n in range(onset - 1, 0, -1):
        turns, i = divmod(n - onset, period)
        if head[n - 1] != cycle[i] + turns * gain:
            return n + 1
    return 1


def _demoted(period: int, gain: int, cycle: Sequence[int]) -> Affine | None:
    """The affine form of a purely periodic function: one jump upwards in each period, or the same at every size."""
    if period == 1:
        return affine(gain, 1, 0, cycle[0] - gain) if gain >= 0 else None
    if gain <= 0:
        return None
    jumps = [n for n in range(1, period) if cycle[n] != cycle[n - 1]]
    if len(jumps) > 1 or (jumps and cycle[-1] != cycle[0] + gain):
        return None
    last = jumps[0] if jumps else period  # the last size before the jump
    return affine(gain, period, -last, cycle[last - 1])


def prime_factors(n: int) -> Iterator[int]:
    """The distinct primes that divide n >= 1, ascending."""
    p = 2
    while p * p <= n:
        if n % p == 0:
            yield p
            while n % p == 0:
                n //= p
        p += 1
    if n > 1:
        yield n


def identity() -> SizeFn:
    """The size of the input itself."""
    return affine(1, 1, 0, 0)


def constant(k: int) -> SizeFn:
    """The size k, whatever the input."""
    return affine(0, 1, 0, k)


def period_gain(f: SizeFn) -> tuple[int, int]:
    """P and Q of f(n + P) = f(n) + Q, P least."""
    return (f.P, f.Q) if isinstance(f, Table) else (f.c, f.u)


def onset_of(f: SizeFn) -> int:
    """The size from which f follows its pattern."""
    return f.onset if isinstance(f, Table) else 1


def evaluate(f: SizeFn, n: int) -> int:
    """f(n). A table read below 1, which no accepted size does, gives its value at 1."""
    if isinstance(f, Affine):
        return f.u * -(-(n + f.D) // f.c) + f.d
    n = max(n, 1)
    if n < f.onset:
        return f.head[n - 1]
    turns, i = divmod(n - f.onset, f.P)
    return f.cycle[i] + turns * f.Q


def values(f: SizeFn, stop: int) -> list[int]:
    """f(1), f(2), .. f(stop - 1)."""
    charge_entries(stop)
    if isinstance(f, Affine):
        u, c, D, d = f.u, f.c, f.D, f.d
        return [u * -(-n // c) + d for n in range(1 + D, stop + D)]
    table = list(f.head)
    for turn in range(-((f.onset - stop) // f.P)):
        table += [v + turn * f.Q for v in f.cycle]
    return table[: stop - 1]


def slope(f: SizeFn) -> Fraction:
    """The limit of f(n) / n."""
    period, gain = period_gain(f)
    return Fraction(gain, period)


def is_monotone(f: SizeFn) -> bool:
    """Whether f never falls. Only the last piece of a `chunk`, and differences, can fall."""
    if isinstance(f, Affine):
        return True
    row = values(f, f.onset + f.P + 1)
    return all(a <= b for a, b in zip(row, row[1:], strict=False))


def is_constant(f: SizeFn) -> bool:
    """Whether f has the same value at every size."""
    return isinstance(f, Affine) and f.u == 0


def common_period(f: SizeFn, g: SizeFn) -> int:
    """The least common period of f and g, if it can be written down."""
    p, q = period_gain(f)[0], period_gain(g)[0]
    period = p * q // gcd(p, q)
    check_period(period)
    return period
