"""Finds the smallest and the nearest sizes at which statements about several axes hold, or proves there are none."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import product
from math import gcd, lcm
from typing import NamedTuple

from resnetc.compiler.sizes import SizeFn, SizeSet, evaluate, from_minimum, is_monotone
from resnetc.compiler.sizes.budget import MAX_ONSET, charge_terms, memoized
from resnetc.compiler.sizes.functions import onset_of, period_gain, values
from resnetc.compiler.symbolic.polynomials import Atom, Key, Point, find_regular_onset, restrict_to_residues

Box = Mapping[int, SizeSet]
"""The sizes that are looked at, axis by axis."""

MAX_PIECES = 20_000
BASE_COST = 4  # terms that are as quick as all else that is done with a piece
MAX_CASES = 2**13
MAX_SEARCH_SIZE = (
    2**16
)  # how far to look where statements about several polynomials hold together somewhere, or nowhere


class Absence(Enum):
    """Why a search has no point: there is none, or it has not found one."""

    PROVED = "proved"
    UNDECIDED = "undecided"


class Undecided(Exception):
    """A statement that none of the methods here decides; the text says which."""


def find_nearest(atoms: Sequence[Atom], box: Box, origin: Point, witness_point: Point | None = None) -> Point | None:
    """The point at which all atoms hold with the least greatest distance from `origin`; `known` is one, if any is."""
    if any(sizes.is_empty for sizes in box.values()):
        return None
    radius = None
    if any(sizes.max is None for sizes in box.values()):
        witness_point = witness_point or find_witness(atoms, box)
        if witness_point is None:
            return None
        radius = max(abs(n - origin[axis]) for axis, n in witness_point.items())
    return BranchAndBound(atoms, box, origin).find_nearest(radius)


# -- finite boxes -----------------------------------------------------------------------------------------------------

Piece = tuple[tuple[int, int], ...]
"""A first and a last size on each axis, both members of the box."""


class Distance(NamedTuple):
    """How far a piece is from the origin, in the order of a search: on one axis, on all, then by its first point."""

    greatest: int
    total: int
    start: tuple[int, ...]


class BranchAndBound:
    """Splits a box, the nearest piece first, and leaves out the pieces in which some atom cannot hold."""

    # Branch and bound. The answer has to be the nearest point, not just some point, and "none" has to be a proof;
    # trying sizes one by one is neither feasible (two axes of thousands) nor a proof. On a piece each size function
    # lies between two numbers that cost two evaluations (`extent`), so interval arithmetic refutes most pieces whole.
    # It may be too wide, which only costs another split, never a wrong answer: a piece of one point is exact. Pieces
    # are taken by the least distance that a point of theirs can have, so the first single point that comes up is the
    # nearest of all, and an empty queue proves that there is none. The ends of a piece are members of the box, so a
    # sparse set of sizes (one residue of 32) is not split into pieces without members. Each look is charged by its
    # terms: pieces may be many.

    def __init__(self, atoms: Sequence[Atom], box: Box, origin: Point) -> None:
        self.atoms, self.box, self.axes = atoms, box, tuple(box)
        self.origin = tuple(origin[axis] for axis in self.axes)
        self.rows = [(atom, make_integer_terms(atom)) for atom in atoms]
        self.effort = sum(count_terms(atom) for atom in atoms)

    def find_nearest(self, radius: int | None) -> Point | None:
        first = self.trim_piece(
            tuple(
                (1, sizes.max or 1) if radius is None else (max(1, o - radius), o + radius)
                for o, sizes in zip(self.origin, self.box.values(), strict=True)
            )
        )
        pending = [(self.compute_distance(first), first)] if first is not None and self.is_possible(first) else []
        for _ in range(MAX_PIECES):
            if not pending:
                return None
            charge_terms(self.effort)
            _, piece = heapq.heappop(pending)
            if all(low == high for low, high in piece):
                return {axis: low for axis, (low, _) in zip(self.axes, piece, strict=True)}
            for half in self.split_piece(piece):
                if self.is_possible(half):
                    heapq.heappush(pending, (self.compute_distance(half), half))
        raise Undecided("checking all sizes would take too long")

    def trim_piece(self, bounds: Piece) -> Piece | None:
        """The piece with members at its ends; None where it has none."""
        ends = []
        for (low, high), sizes in zip(bounds, self.box.values(), strict=True):
            first, last = sizes.next_from(low), sizes.last_to(high)
            if first is None or last is None or first > high or last < low:
                return None
            ends.append((first, last))
        return tuple(ends)

    def split_piece(self, piece: Piece) -> Iterator[Piece]:
        i = max(range(len(piece)), key=lambda i: piece[i][1] - piece[i][0])
        low, high = piece[i]
        middle = (low + high) // 2
        for bounds in ((low, middle), (middle + 1, high)):
            half = self.trim_piece((*piece[:i], bounds, *piece[i + 1 :]))
            if half is not None:
                yield half

    def compute_distance(self, piece: Piece) -> Distance:
        """How near some point of a piece may be."""
        gaps = [max(low - o, o - high, 0) for (low, high), o in zip(piece, self.origin, strict=True)]
        return Distance(max(gaps), sum(gaps), tuple(low for low, _ in piece))

    def is_possible(self, piece: Piece) -> bool:
        place = dict(zip(self.axes, piece, strict=True))
        return all(atom.is_satisfiable(*self.bound_polynomial(row, place)) for atom, row in self.rows)

    def bound_polynomial(self, row: list[tuple[Key, int]], place: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
        """Numbers between which a polynomial stays on a piece: by its terms, each factor on its own."""
        low = high = 0
        for key, coefficient in row:
            least = greatest = coefficient
            for axis, fn in key:
                a, b = bound_function(fn, *place[axis])
                corners = (least * a, least * b, greatest * a, greatest * b)
                least, greatest = min(corners), max(corners)
            low, high = low + least, high + greatest
        return low, high


def count_terms(statement: Atom) -> int:
    """What it takes to look at an atom once: its terms with their factors."""
    return BASE_COST + sum(1 + len(key) for key in statement.p.terms)


def make_integer_terms(statement: Atom) -> list[tuple[Key, int]]:
    """The terms of an atom's polynomial, made whole by something positive."""
    scale = lcm(*(c.denominator for c in statement.p.terms.values()))
    return [(key, int(c * scale)) for key, c in statement.p.terms.items()]


def bound_function(fn: SizeFn, low: int, high: int) -> tuple[int, int]:
    """Numbers between which a function stays from one size to another."""
    if low == high or is_rising(fn):
        return evaluate(fn, low), evaluate(fn, high)
    (P, Q), (down, up) = period_gain(fn), bound_remainder(fn)
    ends = sorted((Q * low, Q * high))
    return (ends[0] + down) // P, -(-(ends[1] + up) // P)


@memoized
def is_rising(fn: SizeFn) -> bool:
    return is_monotone(fn)


@memoized
def bound_remainder(fn: SizeFn) -> tuple[int, int]:
    """The least and the greatest of P f(n) - Q n."""
    P, Q = period_gain(fn)
    row = [P * v - Q * n for n, v in enumerate(values(fn, onset_of(fn) + P), start=1)]
    return min(row), max(row)


# -- boxes without end ------------------------------------------------------------------------------------------------


def find_witness(atoms: Sequence[Atom], box: Box) -> Point | None:
    """Some point of an endless box at which all atoms hold; None is a proof that there is none."""
    if len(atoms) == 1:
        return find_witness_of_atom(atoms[0], box)
    if any(find_witness_of_atom(atom, {axis: box[axis] for axis in atom.p.axes}) is None for atom in atoms):
        return None
    point = BranchAndBound(atoms, box, dict.fromkeys(box, 0)).find_nearest(MAX_SEARCH_SIZE)
    if point is None:
        raise Undecided(f"it holds at all sizes up to {MAX_SEARCH_SIZE:,}, but larger sizes are undecided")
    return point


def find_witness_of_atom(statement: Atom, box: Box) -> Point | None:
    """Some point at which one atom holds."""
    axes = statement.p.axes
    rest = {axis: sizes.min or 1 for axis, sizes in box.items() if axis not in axes}
    if not axes:
        return rest if statement.is_satisfied(statement.p.at({})) else None
    outcome = search_cases(statement, box)
    if outcome is Absence.UNDECIDED:
        nearest = BranchAndBound([statement], {axis: box[axis] for axis in axes}, dict.fromkeys(axes, 0)).find_nearest(
            MAX_SEARCH_SIZE
        )
        outcome = Absence.PROVED if nearest is None else nearest
        for axis in axes if nearest is None else ():
            outcome = search_cases(statement, {**box, axis: box[axis] & from_minimum(MAX_SEARCH_SIZE + 1)})
            if outcome is Absence.UNDECIDED:
                raise Undecided(f"it holds at all sizes up to {MAX_SEARCH_SIZE:,}, but larger sizes are undecided")
            if outcome is not Absence.PROVED:
                break
    return None if isinstance(outcome, Absence) else {**rest, **outcome}


def search_cases(statement: Atom, box: Box) -> Point | Absence:
    """Some point at which an atom holds, or why there is none.

    From some size on a polynomial in size functions is one in plain numbers along each residue.
    """
    axes = statement.p.axes
    if any(box[axis].is_empty for axis in axes):
        return Absence.PROVED
    rows = [list(list_residue_starts(statement, axis, box[axis])) for axis in axes]
    for first in product(*(row[:2] for row in rows)):  # a glance, before all cases
        point = {axis: start for axis, (start, _) in zip(axes, first, strict=True)}
        if statement.is_satisfied(statement.p.at(point)):
            return point
    count = 1
    for row in rows:
        count *= len(row)
    if count > MAX_CASES:
        raise Undecided(f"its terms repeat in {count:,} different ways")
    absence = Absence.PROVED
    for case in product(*rows):
        charge_terms(count_terms(statement))
        outcome = search_case(statement, dict(zip(axes, case, strict=True)))
        if not isinstance(outcome, Absence):
            return outcome
        if outcome is Absence.UNDECIDED:
            absence = outcome
    return absence


def list_residue_starts(statement: Atom, axis: int, sizes: SizeSet) -> Iterator[tuple[int, int]]:
    """The members of an axis: one by one up to where all is regular, then the first of each residue with its period."""
    onset, period = find_regular_onset(statement.p, axis)
    onset = max(onset, sizes.onset)
    n = sizes.next_from(1)
    count = 0
    while n is not None and n < onset:
        yield n, 0
        count += 1
        if count > MAX_CASES:
            raise Undecided("its sizes are irregular for too long")
        n = sizes.next_from(n + 1)
    if n is None:
        return
    common = lcm(period, sizes.period)
    stop = onset + common
    while n is not None and n < stop:
        yield n, common
        count += 1
        if count > MAX_CASES:
            raise Undecided("its sizes have too long a period")
        n = sizes.next_from(n + 1)


def search_case(statement: Atom, case: Mapping[int, tuple[int, int]]) -> Point | Absence:
    """Some point along the residues of a case at which the atom holds, or why there is none.

    At q = 0 the constant decides. A polynomial in which no variable has a square, and which is positive nowhere at
    q >= 0, has no positive coefficient: with the variables of one large, and the others 0, that one would win.
    """
    row = restrict_to_residues(statement.p, case)
    moving = [axis for axis in sorted(case) if case[axis][1]]
    still = {axis: start for axis, (start, period) in case.items()}
    constant = row.get((0,) * len(moving), 0)
    if statement.is_satisfied(constant):
        return still
    others = {exponents: c for exponents, c in row.items() if any(exponents)}
    if statement.op == "==":
        common = gcd(*others.values())
        odd = bool(common) and constant % common != 0
        one_sign = all(c > 0 for c in row.values()) or all(c < 0 for c in row.values())
        return Absence.PROVED if odd or one_sign else Absence.UNDECIDED
    winning = others if statement.op == "!=" else {e: c for e, c in others.items() if c > 0}
    if not winning:
        return Absence.PROVED
    for exponents in sorted(winning, key=lambda e: (sum(e), e)):
        point = search_far_out(statement, case, moving, exponents)
        if point is not None:
            return point
    return Absence.UNDECIDED


def search_far_out(
    statement: Atom, case: Mapping[int, tuple[int, int]], moving: list[int], exponents: tuple[int, ...]
) -> Point | None:
    """A point far along the variables of one monomial, unless another one wins there."""
    t = 1
    while True:
        point = {}
        for axis, (start, period) in case.items():
            i = moving.index(axis) if period else 0
            point[axis] = start + (period * t if period and exponents[i] else 0)
        if max(point.values()) > MAX_ONSET * 2**40:
            return None
        if statement.is_satisfied(statement.p.at(point)):
            return point
        t *= 2
