"""`accepts(...)` and `refuses(...)`: whether a network accepts the given sizes."""

from __future__ import annotations

from dataclasses import replace

from resnetc.compiler.claims import errors
from resnetc.compiler.claims.claimed_sizes import ClaimedSizes, find_counterexamples
from resnetc.compiler.claims.facts import Facts
from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.values import Value, is_number
from resnetc.compiler.sizes import ALL, SizeSet
from resnetc.compiler.symbolic.predicates import Region, SymBool, intersect_regions, list_holding_regions
from resnetc.compiler.symbolic.values import SymInt, undecided
from resnetc.compiler.syntax import tree as syntax


class Questions:
    """Answers what a claim asks, and keeps what makes an answer `false`."""

    def __init__(self, about: ClaimedSizes) -> None:
        self.claimed_sizes, self.own = about, about.own
        self.refusals: list[errors.Refusal] = []

    def begin(self) -> None:
        """Forgets the claim before."""
        self.refusals.clear()

    def answer(self, facts: Facts, name: str, values: list[Value], expr: syntax.Call) -> bool:
        """`accepts(...)`: every size that is meant is accepted; `refuses(...)`: none is."""
        if facts.has_other_axes:
            self.claimed_sizes.add_model(facts, expr.span)
        self.claimed_sizes.mentions_sizes = True
        regions_asked = self.find_regions(facts, name, values, expr)
        if isinstance(regions_asked, bool):
            return regions_asked
        if facts is self.own:
            self.claimed_sizes.questioned += regions_asked
        regions = intersect_regions(regions_asked, self.claimed_sizes.condition, expr.span)
        if name == "accepts":
            broken = [
                region.restrict({axis: ~sizes}) for region in regions for axis, sizes in enumerate(facts.accepted)
            ]
        else:
            broken = [region.restrict(dict(enumerate(facts.accepted))) for region in regions]
        points = find_counterexamples(broken, self.own.declared)
        if points is None:
            return True
        said = [(axis, sizes) for region in regions for axis, sizes in region.sets.items()]
        axes = {axis for axis, sizes in said if sizes != ALL or name == "refuses"}
        axes |= {axis for region in regions for atom in region.atoms for axis in atom.p.axes}
        axes |= {axis for axis, n in points[0].items() if name == "accepts" and n not in facts.accepted[axis]}
        least, near = ({a: n for a, n in p.items() if a in axes} for p in (points[0], points[1] or {}))
        self.refusals.append(errors.wrong_sizes(facts, self.own, name, expr, least, near or None))
        return False

    def find_regions(
        self, facts: Facts, name: str, values: list[Value], expr: syntax.Call
    ) -> bool | tuple[Region, ...]:
        """The sizes that are asked about: those that meet a condition, every size of an axis, or given ones."""
        flags = [value for value in values if isinstance(value, (bool, SymBool))]
        if flags and len(values) == 1:
            if isinstance(flags[0], bool):
                return self.decide_condition(facts, name, flags[0], expr)
            return tuple(replace(region, compared=()) for region in list_holding_regions(flags[0], expr.span))
        alone = expr.arguments[0].value if len(values) == 1 else None
        if isinstance(alone, syntax.Name) and alone.id in self.own.symbols:
            axis = self.own.symbols.index(alone.id)
            if isinstance(values[0], SymInt):
                return (Region({axis: ALL}),)
            return (isinstance(values[0], int) and values[0] in facts.accepted[axis]) is (name == "accepts")
        if len(values) != len(facts.symbols) or not all(isinstance(v, SymInt) or is_number(v) for v in values):
            raise Fault(
                errors.wrong_question(name, expr.span, "takes a condition, or one size per axis", facts.symbols)
            )
        sets: dict[int, SizeSet] = {}
        for axis, value in enumerate(values):
            if isinstance(value, SymInt):
                if value.axis != axis or value.divisor != 1 or value.fn is not self.get_size_function(axis):
                    raise Fault(undecided(expr.span, "it takes numbers, or the sizes of the input unchanged"))
                sets[axis] = ALL
            elif not isinstance(value, int):
                raise Fault(errors.not_an_integer(name, value, expr.span, facts.symbols))
            elif value not in facts.accepted[axis]:
                if name == "accepts":
                    self.refusals.append(errors.wrong_sizes(facts, self.own, name, expr, {axis: value}, None))
                return name == "refuses"
        if not sets:
            if name == "refuses":
                point = {axis: value for axis, value in enumerate(values) if isinstance(value, int)}  # all are
                self.refusals.append(errors.wrong_sizes(facts, self.own, name, expr, point, None))
            return name == "accepts"
        return (Region(sets),)

    def get_size_function(self, axis: int) -> object:
        size = self.own.inputs[axis]
        return size.fn if isinstance(size, SymInt) else None

    def decide_condition(
        self, facts: Facts, name: str, condition: bool, expr: syntax.Call
    ) -> bool | tuple[Region, ...]:
        """The answer where no open size decides the condition; at given sizes of the input, whether these fit."""
        if not condition:
            return True
        numbers = [size for size in facts.inputs if isinstance(size, int)]
        if len(numbers) == len(facts.inputs):
            fits = all(size in sizes for size, sizes in zip(numbers, facts.accepted, strict=True))
            return fits if name == "accepts" else not fits
        return (Region({}),)
