"""Statements that depend on the input's sizes: where one is false, with the smallest and the nearest such sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.arithmetic import compare
from resnetc.compiler.evaluation.values import Value, is_number, kind
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import ALL, EMPTY, SizeSet, equal_where, less_equal_where, scale
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic import counterexamples
from resnetc.compiler.symbolic.polynomials import Atom, Point, make_atom, solve
from resnetc.compiler.symbolic.values import OPEN, SymInt, compute_exactly, list_axes, to_polynomial, undecided
from resnetc.compiler.syntax import tree as syntax

MAX_REGIONS = 256


@record(eq=True)
class Comparison:
    """A comparison as it stands in the text, and both its values."""

    expr: syntax.Binary
    left: Value
    right: Value


@record(eq=True)
class Difference:
    """A comparison that does not hold, and the two values that differ: its sides, or elements of its lists."""

    comparison: Comparison
    left: Value
    right: Value


@record
class Region:
    """The sizes that lie in a set on each axis (on the others, all sizes) and meet all atoms.

    `compared` are the comparisons that this is about.
    """

    sets: Mapping[int, SizeSet]
    atoms: tuple[Atom, ...] = ()
    compared: tuple[Difference, ...] = ()

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that it says something about."""
        return tuple(sorted({*self.sets, *(axis for atom in self.atoms for axis in atom.p.axes)}))

    @property
    def is_void(self) -> bool:
        return any(sizes.is_empty for sizes in self.sets.values())

    def restrict(self, sets: Mapping[int, SizeSet]) -> Region:
        """What of it lies in some sets."""
        both = {axis: self.sets.get(axis, ALL) & sizes for axis, sizes in sets.items()}
        return replace(self, sets={**self.sets, **both})

    def intersect(self, other: Region) -> Region:
        met = self.restrict(other.sets)
        return replace(met, atoms=(*self.atoms, *other.atoms), compared=(*self.compared, *other.compared))

    def complement(self) -> tuple[Region, ...]:
        """Where not all of it holds: a region for each of its parts."""
        free = dict.fromkeys(self.sets, ALL)
        sets = [Region({**free, a: ~sizes}, (), self.compared) for a, sizes in self.sets.items() if sizes != ALL]
        return (*sets, *(Region(free, (atom.negate(),), self.compared) for atom in self.atoms))

    def find_smallest(self) -> Point | None:
        """The point with the least greatest size; None is a proof that the region is empty."""
        return self.find_nearest(None)

    def find_nearest(self, to: Sequence[int] | None, witness: Point | None = None) -> Point | None:
        """The point nearest to some sizes, on the axes that it says something about; `known` is one, if any is."""
        if self.is_void:
            return None
        if not self.atoms:
            return {a: s.nearest(to[a] if to else 1) or 1 for a, s in self.sets.items()}
        axes = {axis for atom in self.atoms for axis in atom.p.axes}
        origin = {axis: to[axis] if to else 0 for axis in axes}
        box = {axis: self.sets.get(axis, ALL) for axis in sorted(axes)}
        point = counterexamples.find_nearest(
            self.atoms, box, origin, {a: n for a, n in witness.items() if a in axes} if witness else None
        )
        if point is None:
            return None
        rest = {a: s.nearest(to[a] if to else 1) or 1 for a, s in self.sets.items() if a not in axes}
        return {**rest, **point}


@record
class SymBool:
    """A statement about sizes: it is broken in each of these regions, and holds elsewhere."""

    kind: ClassVar[str] = "a size"

    broken: tuple[Region, ...]


def compare_values(op: str, left: Value, right: Value, claim: Comparison) -> bool | SymBool:
    """A comparison, of lists element by element."""
    span = claim.expr.span
    listed = next((len(v) for v in (left, right) if isinstance(v, tuple)), 0)
    parts = (*repeat_value(left, 1), *repeat_value(right, 1))
    if listed and op in ("==", "!=") and any(isinstance(v, (*OPEN, tuple)) for v in parts):
        # A number stands for each element of a list, as where `stride == 1` holds for `[1, 1, 1]`.
        left, right = repeat_value(left, listed), repeat_value(right, listed)
        if len(left) != len(right):
            return op == "!="
        same = combine_all(compare_values("==", a, b, claim) for a, b in zip(left, right, strict=True))
        return same if op == "==" else negate(same, span)
    if not (isinstance(left, OPEN) or isinstance(right, OPEN)):
        return compare(op, left, right, span)
    odd = next((v for v in (left, right) if not isinstance(v, OPEN) and not is_number(v)), None)
    if odd is not None:
        raise Fault(undecided(span, f"a size and {kind(odd)}"))
    values = (Difference(claim, left, right),)
    sizes = [v for v in (left, right) if isinstance(v, SymInt)]
    if len({size.axis for size in sizes}) == 1 and not any(
        not isinstance(v, SymInt) for v in (left, right) if not is_number(v)
    ):
        holds = compare_on_axis(op, sizes[0].convert_to_axis(left), sizes[0].convert_to_axis(right))
        return SymBool((Region({sizes[0].axis: ~holds}, (), values),))
    difference = compute_exactly("-", left, right, span)
    if is_number(difference):
        everywhere = compare(op, difference, 0, span)
        sets = {
            axis: EMPTY if everywhere else ALL for v in (left, right) if isinstance(v, OPEN) for axis in list_axes(v)
        }
        return SymBool((Region(sets, (), values),))
    statement = make_atom(op, to_polynomial(difference))
    # What cancels out of the difference has a value all the same, which a counterexample shows.
    sets = {axis: ALL for v in (left, right) if isinstance(v, OPEN) for axis in list_axes(v)}
    if len(statement.p.axes) == 1:
        return SymBool((Region({**sets, statement.p.axes[0]: ~solve(statement)}, (), values),))
    return SymBool((Region(sets, (statement.negate(),), values),))


def repeat_value(value: Value, count: int) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,) * count


def compare_on_axis(op: str, a: SymInt, b: SymInt) -> SizeSet:
    """The sizes at which two values of one axis compare as claimed."""
    f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
    if op in ("==", "!="):
        sizes = equal_where(f, g)
    else:
        sizes = less_equal_where(f, g) if op in ("<=", ">") else less_equal_where(g, f)
    return ~sizes if op in ("!=", "<", ">") else sizes


def combine_all(truths: Iterable[bool | SymBool]) -> bool | SymBool:
    """All of them at once."""
    broken: list[Region] = []
    sized = False
    for truth in truths:
        if truth is False:
            return False
        if isinstance(truth, SymBool):
            sized = True
            broken += truth.broken
    return SymBool(tuple(broken)) if sized else True


def combine_any(left: bool | SymBool, right: bool | SymBool, span: Span) -> bool | SymBool:
    """One of the two."""
    if isinstance(left, bool) or isinstance(right, bool):
        return True if True in (left, right) else right if left is False else left
    return SymBool(intersect_regions(left.broken, right.broken, span))


def negate(truth: bool | SymBool, span: Span) -> bool | SymBool:
    """Where a statement is broken."""
    if isinstance(truth, bool):
        return not truth
    return SymBool(list_holding_regions(truth, span))


def list_holding_regions(truth: bool | SymBool, span: Span) -> tuple[Region, ...]:
    """The regions in which a statement holds."""
    if isinstance(truth, bool):
        return (Region({}),) if truth else ()
    regions: tuple[Region, ...] = (Region({}),)
    for region in truth.broken:
        regions = intersect_regions(regions, region.complement(), span)
    return regions


def intersect_regions(left: Iterable[Region], right: Iterable[Region], span: Span) -> tuple[Region, ...]:
    """The regions where one of the left and one of the right meet."""
    right = tuple(right)
    regions: list[Region] = []
    for a in left:
        for b in right:
            met = a.intersect(b)
            if not met.is_void:
                regions.append(met)
                if len(regions) > MAX_REGIONS:
                    raise Fault(undecided(span, f"it has more than {MAX_REGIONS} cases"))
    return tuple(regions)


def cover_sizes(regions: Iterable[Region], axis: int) -> SizeSet:
    """The sizes of an axis that some region speaks of."""
    sizes = EMPTY
    for region in regions:
        sizes |= region.sets.get(axis, ALL)
    return sizes
