"""`expect`, and what a model's `require` says of the made network: every claim with its verdict.

A claim about sizes is proved for every size that the network accepts and its input allows, or refuted by the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resnetc.compiler import faults, syntax
from resnetc.compiler.accepted import Accepted
from resnetc.compiler.apply import Applier
from resnetc.compiler.claims import words
from resnetc.compiler.claims.facts import COSTS, FIGURES, PRECISIONS, QUESTIONS, Facts, facts, open_sizes
from resnetc.compiler.claims.others import Others
from resnetc.compiler.claims.polynomials import Point
from resnetc.compiler.claims.search import Undecided
from resnetc.compiler.claims.sized import SizedEvaluator, mentioned
from resnetc.compiler.claims.truths import Region, Truth, covered, crossed, holding
from resnetc.compiler.claims.values import Size, plain, preimage, undecided
from resnetc.compiler.contracts import Contract, Verdict
from resnetc.compiler.diagnostics import Diagnostic, Fault
from resnetc.compiler.evaluate import Frame, Silent
from resnetc.compiler.ir import Network
from resnetc.compiler.measure import Measures
from resnetc.compiler.sizes import ALL, SizeSet, SizesTooIrregular
from resnetc.compiler.source import Span
from resnetc.compiler.values import ModelValue, Path, Record, Value, describe, is_number, show_path


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a stage's path: `stages` or `stages[0]` of `stages[0].blocks`."""

    facts: Facts
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What comes of a claim, as in its `Contract`."""

    verdict: Verdict
    sizes: tuple[SizeSet, ...] = ()
    fault: Diagnostic | None = None


class Claims(SizedEvaluator):
    """Evaluates claims: a stage has fields, `H` is a size, a comparison of sizes is a `Truth`."""

    def __init__(self, own: Facts, evaluator: Applier) -> None:
        sizes = zip(own.symbols, own.inputs, strict=True)
        super().__init__(evaluator, {symbol: size for symbol, size in sizes if symbol is not None})
        self.own, self.others = own, Others(evaluator, own.inputs)
        self.symbols = frozenset(self.known)
        self.open = False  # costs are told for the sizes of the input, and not for the declared ones
        self.sized = False  # the claim has spoken of sizes
        self.limits: list[tuple[SizeSet, ...]] = []  # the sizes of other models that it has spoken of
        self.condition: tuple[Region, ...] = (Region({}),)  # where the claim is made
        self.refused: list[words.Refusal] = []  # what makes `accepts` and `refuses` false

    # -- names --------------------------------------------------------------------------------------------------------

    def name(self, expr: syntax.Name, frame: Frame) -> Value:
        if expr.id not in frame.locals and expr.id not in self.known and self.has(self.own, expr.id):
            return self.of(self.own, expr.id, expr.span)
        return super().name(expr, frame)

    def visible(self, frame: Frame) -> list[str]:
        stages = (str(path[0]) for path in self.own.stages)
        return [*super().visible(frame), *self.own.fields, *COSTS, *QUESTIONS, *stages]

    def has(self, known: Facts, name: str) -> bool:
        return known.opens_stage(name) or name in known.fields or name in (*COSTS, *QUESTIONS)

    def of(self, known: Facts, name: str, span: Span) -> Value:
        """What is known of a network under a name."""
        if known.opens_stage(name):
            return self.stage(known, (name,), span)
        if name in COSTS:
            return self.cost(known, name, known.inputs if self.open else known.declared, 1, "float32", span)
        if name in QUESTIONS:
            raise Fault(words.misasked(name, span, "is asked about sizes", known.symbols))
        if name not in known.fields:
            names = [*known.fields, *COSTS, *QUESTIONS, *(str(path[0]) for path in known.stages)]
            raise Fault(faults.no_field(f"`{known.name}`", name, span, names))
        if isinstance(known.fields[name], Record) and "shape" in known.fields[name].fields:
            self.speaks_of(known, span)
        return known.fields[name]

    def speaks_of(self, known: Facts, span: Span) -> None:
        """A claim about another model is made at the sizes that both take."""
        if known.apart:
            axes = f"the input of `{known.name}` has {len(known.symbols)} axes, and this one {len(self.own.symbols)}"
            raise Fault(undecided(span, axes))
        if known is not self.own:
            self.limits.append(known.promised)

    def stage(self, known: Facts, path: Path, span: Span) -> Record | Opening:
        """The stage of a path, or the beginning of one."""
        if path in known.stages:
            self.speaks_of(known, span)
            return known.stages[path]
        if any(other[: len(path)] == path for other in known.stages):
            return Opening(known, path)
        raise Fault(faults.unknown_name(show_path(path), span, [show_path(other) for other in known.stages]))

    def field(self, value: Value, expr: syntax.Attribute) -> Value:
        name = expr.name.id
        match value:
            case Opening(known, path):
                return self.stage(known, (*path, name), expr.span)
            case Record(what, fields):
                if name not in fields:
                    raise Fault(faults.no_field(what, name, expr.name.span, list(fields)))
                return fields[name]
            case ModelValue():
                return self.of(self.others.facts(value, expr.value.span), name, expr.name.span)
        return super().field(value, expr)

    def element(self, value: Value, index: int, expr: syntax.Index) -> Value:
        if isinstance(value, Opening):
            return self.stage(value.facts, (*value.path, index), expr.span)
        return super().element(value, index, expr)

    # -- comparisons and calls ----------------------------------------------------------------------------------------

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        outer = self.open
        self.open = outer or (expr.op not in ("and", "or") and bool(mentioned(expr) & self.symbols))
        made = super().binary(expr, frame)
        self.open = outer
        return made

    def call(self, expr: syntax.Call, frame: Frame) -> Value:
        asked = self.asked(expr.callee, frame)
        if asked is None:
            return super().call(expr, frame)
        known, name = asked
        named = {a.name.id: a for a in expr.arguments if a.name is not None}
        values = [self.evaluate(a.value, frame) for a in expr.arguments if a.name is None]
        parameters = ["batch", "precision"] if name == "activation_bytes" else []
        for keyword, argument in named.items():
            if keyword not in parameters:
                raise Fault(faults.unknown_parameter(name, keyword, argument.span, parameters, []))
        if name in QUESTIONS:
            return self.question(known, name, values, expr)
        sizes = values or list(known.inputs if self.open else known.declared)
        if len(sizes) != len(known.symbols):
            raise Fault(
                words.misasked(name, expr.span, f"is told {len(sizes)} of {len(known.symbols)} sizes", known.symbols)
            )
        batch, precision = 1, "float32"
        if "batch" in named:
            batch = self.integer(named["batch"].value, frame)
            if batch < 1:
                raise Fault(words.misasked(name, named["batch"].span, f"is told a batch of {batch}", known.symbols))
        if "precision" in named:
            precision = self.evaluate(named["precision"].value, frame)
            if not isinstance(precision, str) or precision not in PRECISIONS:
                raise Fault(words.not_a_precision(named["precision"].span, precision))
        return self.cost(known, name, sizes, batch, precision, expr.span)

    def asked(self, callee: syntax.Expr, frame: Frame) -> tuple[Facts, str] | None:
        """The network and the name where a call asks for a cost, or whether sizes are accepted."""
        match callee:
            case syntax.Name(id) if id in (*COSTS, *QUESTIONS) and id not in frame.locals:
                return None if self.own.opens_stage(id) else (self.own, id)
            case syntax.Attribute(value, name) if name.id in (*COSTS, *QUESTIONS):
                target = self.evaluate(value, frame)
                if isinstance(target, ModelValue):
                    return self.others.facts(target, value.span), name.id
        return None

    def cost(self, known: Facts, name: str, sizes: Sequence[Value], batch: int, precision: str, span: Span) -> Value:
        """A cost at these sizes, which the network must accept."""
        for axis, size in enumerate(sizes):
            whole = isinstance(size, Size) and size.divisor == 1
            if not (whole or (isinstance(size, int) and not isinstance(size, bool))):
                raise Fault(
                    words.misasked(name, span, f"is told {words.said(size)}, and a size is whole", known.symbols)
                )
            self.reached(known, axis, size, span)
        if any(isinstance(size, Size) for size in sizes):
            self.speaks_of(known, span)
        if name == "multiply_adds":
            return known.multiply_adds(sizes, span)
        return known.activation_bytes(sizes, batch, precision, span)

    def reached(self, known: Facts, axis: int, size: Value, span: Span) -> None:
        """Refuses a size that the network does not take."""
        if isinstance(size, Size):
            mine = self.own.promised[size.axis] & self.spoken(size.axis)
            if known is not self.own:
                mine &= known.promised[axis] if size.axis == axis else ALL
            outside = (mine - preimage(size.fn, known.axes[axis])).min
            if outside is not None:
                raise Fault(words.not_taken(known, axis, size.at(outside), span, f" at {size.symbol} = {outside}"))
        elif size < 1 or size not in known.axes[axis]:
            raise Fault(words.not_taken(known, axis, size, span))

    def spoken(self, axis: int) -> SizeSet:
        """The sizes of an axis at which the claim is made."""
        return covered(self.condition, axis)

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
        self.refused.append(words.wrong_sizes(known, self.own, name, expr, least, near or None))
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
                words.misasked(name, expr.span, "is asked about a condition, or one size an axis", known.symbols)
            )
        sets: dict[int, SizeSet] = {}
        for axis, value in enumerate(values):
            if isinstance(value, Size):
                if value.axis != axis or value.fn is not self.sizes_of(axis):
                    raise Fault(
                        undecided(expr.span, "it is asked about numbers, and about sizes of the input themselves")
                    )
                sets[axis] = ALL
            elif value not in known.axes[axis]:
                if name == "accepts":
                    self.refused.append(words.wrong_sizes(known, self.own, name, expr, {axis: value}, None))
                return name == "refuses"
        if not sets:
            if name == "refuses":
                self.refused.append(words.wrong_sizes(known, self.own, name, expr, dict(enumerate(values)), None))
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
        self.condition, self.sized = (Region({}),), False
        self.open = expect.condition is not None and bool(mentioned(expect.condition) & self.symbols)

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
        within = dict(enumerate(self.own.promised))
        asked = mentioned(expect.claim, of_fields=True) & {*QUESTIONS}
        if all(self.nowhere(region.within({} if asked else within)) for region in self.condition):
            return Finding("void")
        self.false.clear()
        found = self.truth(expect.claim, frame)
        if found is False:
            return Finding("false", fault=self.refuted(expect))
        for limits in self.limits:
            within = {axis: sizes & limits[axis] for axis, sizes in within.items()}
        if self.limits and any(sizes.is_empty for sizes in within.values()):
            raise Fault(undecided(span, "no size goes through both models"))
        for region in found.broken if isinstance(found, Truth) else ():
            broken = crossed([region.within(within)], self.condition, span)
            where = found_in(broken, self.own.declared)
            if where is not None:
                fault = words.false_claim(expect, self.own, region.compared, *restricted(where, broken, region))
                return Finding("false", fault=fault)
        if not self.sized and not isinstance(found, Truth):
            return Finding("checked")
        regions = [region.within({} if asked else within) for region in self.condition]
        return Finding("proved", tuple(covered(regions, axis) for axis in within))

    def nowhere(self, region: Region) -> bool:
        """Whether a region is known to be empty."""
        if region.is_void:
            return True
        try:
            return bool(region.atoms) and region.smallest() is None
        except Undecided:
            return False

    def refuted(self, expect: syntax.Expect) -> Diagnostic:
        """The fault of a claim that is false whatever the sizes."""
        if self.refused:
            why = self.refused[0]
            return words.refuted(expect, self.own, why.message, why.primary, why.labels, why.notes, why.help)
        compared = ((self.false[0], self.false[0].left, self.false[0].right),) if self.false else ()
        return words.false_claim(expect, self.own, compared, None, None)

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
        except (SizesTooIrregular, Undecided) as error:
            found = Finding("undecided", fault=undecided(expect.claim.span, str(error)))
        except Silent:
            return None
        fault = found.fault
        if fault is not None and rounds:
            fault = replace(fault, notes=(*fault.notes, f"for {rounds}"))
        return replace(made, verdict=found.verdict, sizes=found.sizes, fault=fault)


def found_in(regions: Sequence[Region], declared: Sequence[int]) -> tuple[Point, Point | None] | None:
    """The smallest point of some regions, and the one nearest to the declared sizes."""
    least: list[tuple[tuple[int, int], int, Point]] = []
    near: list[tuple[tuple[int, int], int, Point]] = []
    for i, region in enumerate(regions):
        point = region.smallest()
        if point is not None:
            least.append(((max(point.values(), default=0), sum(point.values())), i, point))
            other = region.nearest(declared, point)
            if other is not None:
                gaps = [abs(n - declared[axis]) for axis, n in other.items()]
                near.append(((max(gaps, default=0), sum(gaps)), i, other))
    return (min(least)[2], min(near)[2] if near else None) if least else None


def restricted(
    where: tuple[Point, Point | None], broken: Sequence[Region], region: Region
) -> tuple[Point, Point | None]:
    """Counterexamples on the axes that a claim, or a condition of several axes, speaks of."""
    axes = {*region.axes, *(axis for r in broken for atom in r.atoms for axis in atom.p.axes)}
    least, near = where
    return {a: n for a, n in least.items() if a in axes}, {a: n for a, n in near.items() if a in axes} if near else None


def said(expect: syntax.Expect) -> str:
    """The claim and its condition as they are written."""
    end = (expect.condition or expect.claim).span.end
    return expect.span.source.text[expect.claim.span.start : end]


def contracts(network: Network, accepted: Accepted, measures: Measures, evaluator: Applier) -> tuple[Contract, ...]:
    """All claims of a network, in the order of their text, each with its verdict."""
    own = facts(network.name, network, accepted, measures, open_sizes(network))
    claims = Claims(own, evaluator)
    found = (claims.contract(expect, frame, bool(network.rebound)) for expect, frame in network.expects)
    return tuple(contract for contract in found if contract is not None)
