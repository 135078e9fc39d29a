"""`expect`, and what a model's `require` says of the made network: every claim with its verdict.

A claim about sizes is proved for every size that the network accepts and its input allows, or refuted by the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from resnetc.compiler.claims import errors
from resnetc.compiler.claims.contract import Contract, Verdict
from resnetc.compiler.claims.corrections import instead
from resnetc.compiler.claims.evaluator import Mentions
from resnetc.compiler.claims.facts import FIGURES, QUESTIONS, Facts, facts, open_sizes
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault
from resnetc.compiler.evaluation.evaluator import Frame, Silent
from resnetc.compiler.evaluation.values import Value, describe, is_number
from resnetc.compiler.expansion.application import Applier
from resnetc.compiler.ir.network import Network
from resnetc.compiler.measures.summary import Measures
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.record import record
from resnetc.compiler.sizes import ALL, SizeSet, SizesTooIrregular
from resnetc.compiler.sizes.budget import Budget, BudgetSpent, within
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.counterexamples import Undecided
from resnetc.compiler.symbolic.evaluator import mentioned, sized
from resnetc.compiler.symbolic.polynomials import Point
from resnetc.compiler.symbolic.predicates import Claim, Region, Truth, compared, covered, crossed, holding
from resnetc.compiler.symbolic.values import Size, plain, undecided
from resnetc.compiler.syntax import tree as syntax


@record
class Finding:
    """What comes of a claim, as in its `Contract`."""

    verdict: Verdict
    sizes: tuple[SizeSet, ...] = ()
    fault: Diagnostic | None = None


class Claims(Mentions):
    """Evaluates claims, and judges them: a comparison of sizes is a `Truth`."""

    def __init__(self, own: Facts, evaluator: Applier) -> None:
        super().__init__(own, evaluator)
        self.sized = False  # the claim has spoken of sizes
        self.within = dict(enumerate(own.promised))  # the sizes that the claim is about, whatever its condition
        self.refused: list[errors.Refusal] = []  # what makes `accepts` and `refuses` false

    def found_false(self) -> Sequence[list[Any]]:
        return (self.false, self.refused)

    # -- accepted sizes -----------------------------------------------------------------------------------------------

    def question(self, known: Facts, name: str, values: list[Value], expr: syntax.Call) -> bool:
        """`accepts(...)`: every size that is meant is accepted; `refuses(...)`: none is."""
        if known.apart:
            self.speaks_of(known, expr.span)
        self.sized = True
        meant = self.meant(known, name, values, expr)
        if isinstance(meant, bool):
            return meant
        regions = crossed(meant, self.condition, expr.span)
        if name == "accepts":
            broken = [region.within({axis: ~sizes}) for region in regions for axis, sizes in enumerate(known.axes)]
        else:
            broken = [region.within(dict(enumerate(known.axes))) for region in regions]
        found = found_in(broken, self.own.declared)
        if found is None:
            return True
        said = [(axis, sizes) for region in regions for axis, sizes in region.sets.items()]
        axes = {axis for axis, sizes in said if sizes != ALL or name == "refuses"}
        axes |= {axis for region in regions for atom in region.atoms for axis in atom.p.axes}
        axes |= {axis for axis, n in found[0].items() if name == "accepts" and n not in known.axes[axis]}
        least, near = ({a: n for a, n in p.items() if a in axes} for p in (found[0], found[1] or {}))
        self.refused.append(errors.wrong_sizes(known, self.own, name, expr, least, near or None))
        return False

    def meant(self, known: Facts, name: str, values: list[Value], expr: syntax.Call) -> bool | tuple[Region, ...]:
        """The sizes that are asked about: those that meet a condition, every size of an axis, or given ones."""
        flags = [value for value in values if isinstance(value, (bool, Truth))]
        if flags and len(values) == 1:
            if isinstance(flags[0], bool):
                return self.told(known, name, flags[0], expr)
            return tuple(replace(region, compared=()) for region in holding(flags[0], expr.span))
        alone = expr.arguments[0].value if len(values) == 1 else None
        if isinstance(alone, syntax.Name) and alone.id in self.symbols:
            axis = self.own.symbols.index(alone.id)
            if isinstance(values[0], Size):
                return (Region({axis: ALL}),)
            return (values[0] in known.axes[axis]) is (name == "accepts")
        if len(values) != len(known.symbols) or not all(isinstance(v, Size) or is_number(v) for v in values):
            raise Fault(
                errors.misasked(name, expr.span, "is asked about a condition, or one size an axis", known.symbols)
            )
        sets: dict[int, SizeSet] = {}
        for axis, value in enumerate(values):
            if isinstance(value, Size):
                if value.axis != axis or value.divisor != 1 or value.fn is not self.sizes_of(axis):
                    raise Fault(
                        undecided(expr.span, "it is asked about numbers, and about sizes of the input themselves")
                    )
                sets[axis] = ALL
            elif not isinstance(value, int):
                raise Fault(errors.not_whole(name, value, expr.span, known.symbols))
            elif value not in known.axes[axis]:
                if name == "accepts":
                    self.refused.append(errors.wrong_sizes(known, self.own, name, expr, {axis: value}, None))
                return name == "refuses"
        if not sets:
            if name == "refuses":
                self.refused.append(errors.wrong_sizes(known, self.own, name, expr, dict(enumerate(values)), None))
            return name == "accepts"
        return (Region(sets),)

    def sizes_of(self, axis: int) -> object:
        size = self.own.inputs[axis]
        return size.fn if isinstance(size, Size) else None

    def told(self, known: Facts, name: str, condition: bool, expr: syntax.Call) -> bool | tuple[Region, ...]:
        """Of a condition that no open size decides; at given sizes of the input, whether these are as claimed."""
        if not condition:
            return True
        numbers = [size for size in known.inputs if not isinstance(size, Size)]
        if len(numbers) == len(known.inputs):
            fits = all(size in sizes for size, sizes in zip(numbers, known.axes, strict=True))
            return fits if name == "accepts" else not fits
        return (Region({}),)

    # -- judgement ----------------------------------------------------------------------------------------------------

    def about_sizes(self, claim: syntax.Expr) -> bool:
        """Whether a claim speaks of shapes and sizes, and of nothing that slots change besides."""
        said = mentioned(claim, of_fields=True)
        stages = {str(path[0]) for path in self.own.stages}
        return bool(said & {*stages, *self.symbols, *QUESTIONS, "output"}) and not said & FIGURES

    def begin(self, expect: syntax.Expect) -> None:
        """Forgets the claim before. A cost alone is that of the declared size, but under a condition about sizes."""
        self.false.clear()
        self.refused.clear()
        self.limits.clear()
        self.condition, self.sized, self.around = (Region({}),), False, None
        self.within = dict(enumerate(self.own.promised))
        self.open = expect.condition is not None and sized(expect.condition, self.symbols)

    def judged(self, expect: syntax.Expect, frame: Frame) -> Finding:
        """What comes of a claim, at the sizes that its own condition leaves."""
        span = expect.claim.span
        self.begin(expect)
        if expect.condition is not None:
            held = self.truth(expect.condition, frame)
            if held is False:
                return Finding("void")
            self.sized = isinstance(held, Truth)
            self.condition = tuple(replace(r, compared=()) for r in holding(held, expect.condition.span))
        asked = mentioned(expect.claim, of_fields=True) & {*QUESTIONS}
        if all(self.nowhere(region.within({} if asked else self.within)) for region in self.condition):
            return Finding("void")
        self.false.clear()
        found = self.truth(expect.claim, frame)
        for limits in self.limits:
            self.within = {axis: sizes & limits[axis] for axis, sizes in self.within.items()}
        if found is False:
            return Finding("false", fault=self.refuted(expect, frame))
        if self.limits and any(sizes.is_empty for sizes in self.within.values()):
            raise Fault(undecided(span, "no size goes through both models"))
        breaks: list[Break] = []
        open: Exception | None = None
        for region in found.broken if isinstance(found, Truth) else ():
            try:
                broken = self.meant_in(region, span)
                where = found_in(broken, self.own.declared)
            except (SizesTooIrregular, Undecided) as error:
                open = open or error
                continue
            if where is not None:
                breaks.append(Break(region, broken, *where))
        if open is not None and not breaks:
            raise open
        if breaks:
            least = min(breaks, key=lambda b: extent(b.least))
            nearest = min(breaks, key=lambda b: extent(b.near or b.least, self.own.declared))
            points = (self.restricted(least.least, least), self.restricted(nearest.near or nearest.least, nearest))
            shown = (least.region.compared, *points, nearest.region.compared)
            write = self.instead(least.region.compared[0][0], frame)
            return Finding("false", fault=errors.false_claim(expect, self.own, *shown, *write))
        if not self.sized and not isinstance(found, Truth):
            return Finding("checked")
        regions = [region.within({} if asked else self.within) for region in self.condition]
        return Finding("proved", tuple(covered(regions, axis) for axis in self.within))

    def restricted(self, point: Point, found: Break) -> Point:
        """A counterexample on the axes that a claim and its condition speak of."""
        atoms = [atom for r in found.broken for atom in r.atoms]
        axes = {*found.region.axes, *(axis for atom in atoms for axis in atom.p.axes)}
        axes |= {axis for r in self.condition for axis, sizes in r.sets.items() if sizes != ALL}
        return {axis: n for axis, n in point.items() if axis in axes}

    def meant_in(self, region: Region, span: Span) -> tuple[Region, ...]:
        """What of a region a claim is about."""
        return crossed([region.within(self.within)], self.condition, span)

    def nowhere(self, region: Region) -> bool:
        """Whether a region is known to be empty."""
        if region.is_void:
            return True
        try:
            return bool(region.atoms) and region.smallest() is None
        except Undecided:
            return False

    def refuted(self, expect: syntax.Expect, frame: Frame) -> Diagnostic:
        """The fault of a claim that is false whatever the sizes."""
        if self.refused:
            why = self.refused[0]
            return errors.refuted(expect, self.own, why.message, why.primary, why.labels, why.notes, why.help)
        if not self.false:
            return errors.false_claim(expect, self.own, (), None, None)
        claim = self.false[0]
        compared = ((claim, claim.left, claim.right),)
        return errors.false_claim(expect, self.own, compared, None, None, (), *self.instead(claim, frame))

    def instead(self, claim: Claim, frame: Frame) -> tuple[str | None, bool]:
        """The equality to write instead of one that is false, and whether the network stands on the right of it."""
        left, right = (self.speaks(side) for side in (claim.expr.left, claim.expr.right))
        turned = right and not left
        return instead(claim, turned, frame.spec, partial(self.equal, claim.expr)), turned

    def speaks(self, expr: syntax.Expr) -> bool:
        """Whether an expression speaks of this network or its sizes."""
        return any(name in self.known or self.has(self.own, name) for name in mentioned(expr))

    def equal(self, within: syntax.Binary, left: Value, right: Value) -> bool:
        try:
            found = compared("==", left, right, Claim(within, left, right))
            regions = found.broken if isinstance(found, Truth) else ()
            met = (self.meant_in(region, within.span) for region in regions)
            return found is not False and all(found_in(broken, self.own.declared) is None for broken in met)
        except (Fault, SizesTooIrregular, Undecided):
            return False

    def contract(self, expect: syntax.Expect, frame: Frame, rebound: bool) -> Contract | None:
        """What comes of a claim; None where a fault that is reported already is in the way."""
        rounds = ", ".join(f"{name} = {describe(frame.locals[name])}" for name in frame.rounds)
        text = plain(said(expect)) + (f" for {rounds}" if rounds else "")
        made = Contract(expect, frame, text, expect.claim.span, "skipped")
        if rebound and not self.about_sizes(expect.claim):
            return made
        try:
            found = self.judged(expect, frame)
        except Fault as raised:
            found = Finding("undecided", fault=raised.diagnostic)
        except BudgetSpent as error:
            help = "make fewer claims or simpler ones: bounds in place of `==` and `!=`, `%` and `/` by smaller numbers"
            found = Finding("undecided", fault=undecided(expect.claim.span, str(error), help))
        except (SizesTooIrregular, Undecided) as error:
            found = Finding("undecided", fault=undecided(expect.claim.span, str(error)))
        except Silent:
            return None
        if rebound and found.verdict == "false":
            return made  # not of the network that it was made for
        fault = found.fault
        if fault is not None and rounds:
            fault = replace(fault, notes=(*fault.notes, f"for {rounds}"))
        return replace(made, verdict=found.verdict, sizes=found.sizes, fault=fault)


@record
class Break:
    """A region in which a claim is false: what of it the claim is about, its smallest point and the nearest one."""

    region: Region
    broken: tuple[Region, ...]
    least: Point
    near: Point | None


def extent(point: Point, origin: Sequence[int] | None = None) -> tuple[int, int]:
    """The greatest size of a point, and their sum; with an origin, how far it is from there."""
    gaps = [abs(n - origin[axis]) if origin else n for axis, n in point.items()]
    return max(gaps, default=0), sum(gaps)


def found_in(regions: Sequence[Region], declared: Sequence[int]) -> tuple[Point, Point | None] | None:
    """The smallest point of some regions, and the one nearest to the declared sizes."""
    least: list[Point] = []
    near: list[Point] = []
    for region in regions:
        point = region.smallest()
        if point is not None:
            least.append(point)
            other = region.nearest(declared, point)
            if other is not None:
                near.append(other)
    if not least:
        return None
    return min(least, key=extent), min(near, key=lambda point: extent(point, declared)) if near else None


def said(expect: syntax.Expect) -> str:
    """The claim and its condition as they are written."""
    end = (expect.condition or expect.claim).span.end
    return expect.span.source.text[expect.claim.span.start : end]


def contracts(
    network: Network, accepted: Accepted, measures: Measures, evaluator: Applier, budget: Budget
) -> tuple[Contract, ...]:
    """All claims of a network, in the order of their text, each with its verdict; a budget pays for all of them."""
    own = facts(network.name, network, accepted, measures, open_sizes(network))
    claims = Claims(own, evaluator)
    with within(budget):
        found = [claims.contract(expect, frame, bool(network.rebound)) for expect, frame in network.expects]
    return tuple(contract for contract in found if contract is not None)
