"""Sets of sizes: the eventually periodic subsets of 1, 2, 3, ..., which suffice for every condition on one size.

They are closed under and, or, not. A set is two integers used as bit strings: intersection is a shift and an AND.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import gcd
from operator import and_, or_

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes.budget import charge_entries, check_onset, check_period
from resnetc.compiler.sizes.functions import prime_factors

BITS = 2**9
"""Members of a set that are as quick as one value of a table."""


@record(eq=True)
class SizeSet:
    """Below `onset`, n is a member iff bit n of `head` is set; from there on, iff bit n mod `period` of `residues` is.

    Period and onset are the least possible, which makes the form unique: equal sets have equal fields. Made by the
    functions of this module only.
    """

    onset: int
    period: int
    head: int
    residues: int

    def __repr__(self) -> str:
        # Python refuses to print very long integers in decimal.
        return f"SizeSet(onset={self.onset}, period={self.period}, head={self.head:#x}, residues={self.residues:#x})"

    def __contains__(self, n: int) -> bool:
        if n < self.onset:
            return n >= 1 and bool(self.head >> n & 1)
        return bool(self.residues >> n % self.period & 1)

    def __and__(self, other: SizeSet) -> SizeSet:
        return _combined(self, other, and_)

    def __or__(self, other: SizeSet) -> SizeSet:
        return _combined(self, other, or_)

    def __sub__(self, other: SizeSet) -> SizeSet:
        return _combined(self, other, lambda a, b: a & ~b)

    def __invert__(self) -> SizeSet:
        return ALL - self

    def __iter__(self) -> Iterator[int]:
        """The members, ascending; without end where the set is infinite."""
        n = self.next_from(1)
        while n is not None:
            yield n
            n = self.next_from(n + 1)

    def first(self, k: int) -> tuple[int, ...]:
        """The k least members, or all where there are fewer."""
        return tuple(islice(self, k))

    @property
    def is_empty(self) -> bool:
        return not self.head and not self.residues

    @property
    def is_finite(self) -> bool:
        return not self.residues

    @property
    def min(self) -> int | None:
        """The least member; None where there is none."""
        return self.next_from(1)

    @property
    def max(self) -> int | None:
        """The greatest member; None where there is none, or no greatest."""
        return self.head.bit_length() - 1 if self.head and not self.residues else None

    @property
    def continued(self) -> SizeSet:
        """The set that follows from 1 on the pattern which this set follows from its onset."""
        return SizeSet(1, self.period, 0, self.residues)

    def next_from(self, n: int) -> int | None:
        """The least member that is at least n."""
        n = max(n, 1)
        if n < self.onset:
            if above := self.head >> n:
                return n + _lowest(above)
            n = self.onset
        if not self.residues:
            return None
        r = n % self.period
        if above := self.residues >> r:
            return n + _lowest(above)
        return n - r + self.period + _lowest(self.residues)

    def last_to(self, n: int) -> int | None:
        """The greatest member that is at most n."""
        if n >= self.onset and self.residues:
            r = n % self.period
            below = self.residues & _mask(r + 1)
            member = n - r + below.bit_length() - 1 if below else n - r - self.period + self.residues.bit_length() - 1
            if member >= self.onset:
                return member
        below = self.head & _mask(min(max(n, 0), self.onset) + 1)  # a size may be longer than any memory
        return below.bit_length() - 1 if below else None

    def nearest(self, n: int) -> int | None:
        """The member nearest to n; the smaller of two equally near."""
        below, above = self.last_to(n), self.next_from(n)
        if below is None or above is None:
            return above if below is None else below
        return above if above - n < n - below else below

    def subset_of(self, other: SizeSet) -> bool:
        return (self - other).is_empty

    def first_missing(self, other: SizeSet) -> int | None:
        """The least member of this set that is not in `other`; None proves that there is none."""
        return (self - other).min

    def members_below(self, stop: int) -> int:
        """The members below `stop` as a bit string: bit n stands for n."""
        if stop <= self.onset:
            return self.head & _mask(stop)
        tail = _repeated(self.residues, self.period, stop) >> self.onset << self.onset
        return self.head | tail

    def residues_modulo(self, modulus: int) -> int:
        """The residues from `onset` on as a bit string, for a multiple of the period."""
        return _repeated(self.residues, self.period, modulus)


def _mask(bits: int) -> int:
    return (1 << bits) - 1


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _repeated(bits: int, period: int, length: int) -> int:
    """The bit string of `length` whose bit i is bit i mod `period` of `bits`."""
    if bits == 0:
        return 0
    if bits == _mask(period):
        return _mask(length)
    while period < length:
        bits |= bits << period
        period *= 2
    return bits & _mask(length)


def _normal(onset: int, period: int, head: int, residues: int) -> SizeSet:
    """The set with its least period and, for that, its least onset."""
    for p in prime_factors(period):
        while period % p == 0:
            shorter = period // p
            if residues >> shorter != residues & _mask(period - shorter):
                break
            period, residues = shorter, residues & _mask(shorter)
    # The onset follows the greatest size at which the pattern alone would be wrong; bit 0 is no size.
    wrong = (head ^ _repeated(residues, period, onset)) >> 1 << 1
    onset = max(1, wrong.bit_length())
    return SizeSet(onset, period, head & _mask(onset), residues)


def _combined(a: SizeSet, b: SizeSet, op: Callable[[int, int], int]) -> SizeSet:
    period = a.period * b.period // gcd(a.period, b.period)
    check_period(period)
    onset = max(a.onset, b.onset)
    charge_entries((onset + period) // BITS)
    head = op(a.members_below(onset), b.members_below(onset))
    residues = op(a.residues_modulo(period), b.residues_modulo(period))
    return _normal(onset, period, head, residues)


ALL = SizeSet(1, 1, 0, 1)
"""Every size from 1 on."""

EMPTY = SizeSet(1, 1, 0, 0)


def from_minimum(least: int) -> SizeSet:
    """Every size from `least` on."""
    onset = max(least, 1)
    check_onset(onset)
    charge_entries(onset // BITS)
    return _normal(onset, 1, 0, 1)


def only(*sizes: int) -> SizeSet:
    """Exactly these sizes; what is below 1 is no size."""
    head = 0
    for n in sizes:
        check_onset(n + 1)
        charge_entries(n // BITS)
        head |= 1 << max(n, 0)
    return _normal(head.bit_length(), 1, head, 0) if head > 1 else EMPTY


def between(least: int, greatest: int) -> SizeSet:
    """Every size from `least` to `greatest`, both included."""
    return from_minimum(least) - from_minimum(greatest + 1)


def from_residues(modulus: int, residues: Iterable[int]) -> SizeSet:
    """Every size that is congruent to one of `residues`."""
    check_period(modulus)
    bits = 0
    for r in residues:
        bits |= 1 << r % modulus
    return _normal(1, modulus, 0, bits)


def from_flags(flags: Sequence[bool], period: int) -> SizeSet:
    """The set that holds n iff flags[n - 1]; the last `period` flags recur."""
    onset = len(flags) - period + 1
    check_period(period)
    check_onset(onset)
    bits = int("".join("1" if flag else "0" for flag in reversed(flags)), 2) << 1
    r = onset % period
    cycle = bits >> onset
    rotated = (cycle << r | cycle >> period - r) & _mask(period)
    return _normal(onset, period, bits & _mask(onset), rotated)
