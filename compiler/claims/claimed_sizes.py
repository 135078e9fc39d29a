"""The sizes that a claim is about (promised, and under its condition), and those among them at which it is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resnetc.compiler.claims.facts import Facts
from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.values import Value
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import ALL, SizeSet, SizesTooIrregular
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.counterexamples import Undecided
from resnetc.compiler.symbolic.polynomials import Point
from resnetc.compiler.symbolic.predicates import (
    Comparison,
    Region,
    SymBool,
    compare_values,
    cover_sizes,
    intersect_regions,
    list_holding_regions,
)
from resnetc.compiler.symbolic.values import undecided
from resnetc.compiler.syntax import tree as syntax


class ClaimedSizes:
    """The sizes that the claim at hand is about so far, as its condition and what it mentions are evaluated."""

    def __init__(self, own: Facts) -> None:
        self.own = own
        self.within = dict(enumerate(own.promised))  # whatever its condition
        self.condition: tuple[Region, ...] = (Region({}),)  # where it is made
        self.mentions_sizes = False  # whether it has spoken of sizes
        self.limits: list[tuple[SizeSet, ...]] = []  # the sizes of other models that it has spoken of
        self.questioned: list[Region] = []  # of this network, by its questions

    def begin(self) -> None:
        """Forgets the claim before."""
        self.within, self.condition, self.mentions_sizes = dict(enumerate(self.own.promised)), (Region({}),), False
        self.limits.clear()
        self.questioned.clear()

    def restrict_to_condition(self, condition: bool | SymBool, span: Span) -> None:
        """The claim is made where its condition holds."""
        self.mentions_sizes = isinstance(condition, SymBool)
        self.condition = tuple(replace(r, compared=()) for r in list_holding_regions(condition, span))

    def add_model(self, facts: Facts, span: Span) -> None:
        """A claim about another model is made at the sizes that both take."""
        if facts.has_other_axes:
            axes = (
                f"the input of `{facts.name}` has {len(facts.symbols)} axes, that of this model {len(self.own.symbols)}"
            )
            raise Fault(undecided(span, axes))
        if facts is not self.own:
            self.limits.append(facts.promised)

    def apply_limits(self) -> None:
        """Leaves only the sizes of the other models that the claim has spoken of."""
        for limits in self.limits:
            self.within = {axis: sizes & limits[axis] for axis, sizes in self.within.items()}

    def list_sizes(self, axis: int) -> SizeSet:
        """The sizes of an axis at which the claim is made."""
        return cover_sizes(self.condition, axis)

    def intersect_region(self, region: Region, span: Span) -> tuple[Region, ...]:
        """What of a region the claim is about."""
        return intersect_regions([region.restrict(self.within)], self.condition, span)

    def restrict_point(self, point: Point, broken: Violation) -> Point:
        """A counterexample on the axes that the claim and its condition speak of."""
        atoms = [atom for r in broken.broken for atom in r.atoms]
        axes = {*broken.region.axes, *(axis for atom in atoms for axis in atom.p.axes)}
        axes |= {axis for r in self.condition for axis, sizes in r.sets.items() if sizes != ALL}
        return {axis: n for axis, n in point.items() if axis in axes}

    def is_equal(self, within: syntax.Binary, left: Value, right: Value) -> bool:
        """Whether two values are known to be equal at all the sizes that the claim is about."""
        try:
            statement = compare_values("==", left, right, Comparison(within, left, right))
            regions = statement.broken if isinstance(statement, SymBool) else ()
            met = (self.intersect_region(region, within.span) for region in regions)
            return statement is not False and all(
                find_counterexamples(broken, self.own.declared) is None for broken in met
            )
        except (Fault, SizesTooIrregular, Undecided):
            return False


@record
class Violation:
    """A region in which a claim is false: what of it the claim is about, its smallest point and the nearest one."""

    region: Region
    broken: tuple[Region, ...]
    least: Point
    near: Point | None


def is_nowhere(region: Region) -> bool:
    """Whether a region is known to be empty."""
    if region.is_void:
        return True
    try:
        return bool(region.atoms) and region.find_smallest() is None
    except Undecided:
        return False


def compute_extent(point: Point, origin: Sequence[int] | None = None) -> tuple[int, int]:
    """The greatest size of a point, and their sum; with an origin, how far it is from there."""
    gaps = [abs(n - origin[axis]) if origin else n for axis, n in point.items()]
    return max(gaps, default=0), sum(gaps)


def find_counterexamples(regions: Sequence[Region], declared: Sequence[int]) -> tuple[Point, Point | None] | None:
    """The smallest point of some regions, and the one nearest to the declared sizes."""
    least: list[Point] = []
    near: list[Point] = []
    for region in regions:
        point = region.find_smallest()
        if point is not None:
            least.append(point)
            other = region.find_nearest(declared, point)
            if other is not None:
                near.append(other)
    if not least:
        return None
    return min(least, key=compute_extent), min(
        near, key=lambda point: compute_extent(point, declared)
    ) if near else None


def list_distinct_points(least: Point | None, near: Point | None) -> tuple[Point, ...]:
    """The smallest counterexample, and the nearest to the declared sizes where it is another one."""
    if not least:
        return ()
    return (least, near) if near and near != least else (least,)
