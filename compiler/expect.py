"""`expect`: judges a model's claims. One about sizes is proved for every accepted size, or refuted by the smallest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

from resnetc.compiler import faults, syntax
from resnetc.compiler.calls import Caller
from resnetc.compiler.contracts import Contract
from resnetc.compiler.diagnostics import Diagnostic, Fault, Label
from resnetc.compiler.evaluate import Evaluator, Frame, Silent
from resnetc.compiler.ir import Network, Shape
from resnetc.compiler.modules import SpecFile
from resnetc.compiler.prove import Accepted
from resnetc.compiler.sizes import ALL, SizeSet, SizesTooIrregular, identity
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic import (
    Claim,
    Holds,
    Size,
    Truth,
    both,
    compared,
    computed,
    either,
    plain,
    rounded,
    undecided,
)
from resnetc.compiler.values import Path, Record, Value, apply_function, describe, normal_size, numbers_of, show_path

FIGURES = frozenset(("parameters", "buffers", "multiply_adds", "weighted_layers", "receptive_field"))


class Part(Protocol):
    """What is measured of a stage."""

    @property
    def name(self) -> str: ...

    @property
    def stride(self) -> int | tuple[int, ...]: ...


class Measures(Protocol):
    """What is measured of a network."""

    @property
    def parameters(self) -> int: ...

    @property
    def buffers(self) -> int: ...

    @property
    def weighted_layers(self) -> int: ...

    @property
    def receptive_field(self) -> int | tuple[int, ...] | None: ...

    @property
    def stages(self) -> Sequence[Part]: ...

    def multiply_adds(self, sizes: tuple[int, ...]) -> int: ...


# -- claims -----------------------------------------------------------------------------------------------------------


def declared(network: Network) -> list[SizeSet]:
    """The sizes behind `when`, axis by axis: a model claims nothing of others."""
    sets = [ALL] * len(network.input.symbols)
    for axis, sizes, _ in network.input.conditions:
        sets[axis] &= sizes
    return sets


def mentioned(expr: syntax.Expr) -> set[str]:
    """The names in an expression, fields apart."""
    found: set[str] = set()
    pending: list[Any] = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, syntax.Name):
            found.add(node.id)
        elif isinstance(node, syntax.Attribute):
            pending.append(node.value)
        elif isinstance(node, tuple):
            pending.extend(node)
        elif is_dataclass(node) and not isinstance(node, Span):
            pending.extend(getattr(node, field.name) for field in fields(node))
    return found


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a stage's path: `stages` or `stages[0]` of `stages[0].blocks`."""

    path: Path


class Claims(Caller):
    """Evaluates claims: a stage has fields, `H` is a size, a comparison of sizes is a `Truth`."""

    def __init__(self, network: Network, accepted: Accepted, measures: Measures, evaluator: Evaluator) -> None:
        super().__init__(evaluator.prelude)
        self._handlers[syntax.Negate] = lambda e, f: computed("-", 0, self.evaluate(e.value, f), e.span)
        self.network, self.slot_home = network, evaluator.home
        self.within = [sizes & said for sizes, said in zip(accepted.axes, declared(network), strict=True)]
        self.false: list[Claim] = []
        strides = {part.name: part.stride for part in measures.stages}
        self.stages = {
            stage.path: self.record(
                stage.name,
                network.root.wires[network.root.steps[stage.step].outputs[0]].shape,
                {"stride": strides[stage.name], "blocks": stage.blocks},
            )
            for stage in network.stages
        }
        field = measures.receptive_field
        self.known: dict[str, Value] = {
            "parameters": measures.parameters,
            "buffers": measures.buffers,
            "weighted_layers": measures.weighted_layers,
            "multiply_adds": measures.multiply_adds(network.input.sizes),
            "receptive_field": Record("the whole input", {}) if field is None else normal_size(field),
            "input": self.record("input", network.root.shape_in, {}),
            "output": self.record("output", network.root.shape_out, {}),
        }
        for axis, symbol in enumerate(network.input.symbols):
            if symbol is not None:
                self.known[symbol] = Size(axis, symbol, identity())

    def record(self, name: str, shape: Shape, more: dict[str, Value]) -> Record:
        symbols = self.network.input.symbols
        sizes = (Size(i, symbols[i] or "n", identity()).made(f) for i, f in enumerate(shape.sizes))
        return Record(f"`{name}`", {"shape": (shape.channels, *sizes), "channels": shape.channels, **more})

    def home(self, slot: syntax.Slot) -> SpecFile:
        return self.slot_home(slot)

    # -- names --------------------------------------------------------------------------------------------------------

    def name(self, expr: syntax.Name, frame: Frame) -> Value:
        if expr.id not in frame.locals:
            if self.opens_stage(expr.id):
                return self.stage((expr.id,), expr.span)
            if expr.id in self.known:
                return self.known[expr.id]
        return super().name(expr, frame)

    def visible(self, frame: Frame) -> list[str]:
        return [*super().visible(frame), *self.known, *(str(path[0]) for path in self.stages)]

    def opens_stage(self, name: str) -> bool:
        return any(path[0] == name for path in self.stages)

    def stage(self, path: Path, span: Span) -> Record | Opening:
        """The stage of a path, or the beginning of one."""
        if path in self.stages:
            return self.stages[path]
        if any(known[: len(path)] == path for known in self.stages):
            return Opening(path)
        raise Fault(faults.unknown_name(show_path(path), span, [show_path(known) for known in self.stages]))

    def attribute(self, expr: syntax.Attribute, frame: Frame) -> Value:
        if not self.owns(expr):
            return super().attribute(expr, frame)
        value, name = self.evaluate(expr.value, frame), expr.name.id
        match value:
            case Opening(path):
                return self.stage((*path, name), expr.span)
            case Record(what, fields):
                if name not in fields:
                    raise Fault(faults.no_field(what, name, expr.name.span, list(fields)))
                return fields[name]
        raise Fault(faults.no_fields(value, name, expr.span))

    def index(self, expr: syntax.Index, frame: Frame) -> Value:
        if not self.owns(expr):
            return super().index(expr, frame)
        value, index = self.evaluate(expr.value, frame), self.integer(expr.index, frame)
        if isinstance(value, Opening):
            return self.stage((*value.path, index), expr.span)
        if not isinstance(value, tuple):
            raise Fault(faults.not_a_list(value, expr.value.span))
        if not 0 <= index < len(value):
            raise Fault(faults.no_element(expr.value.span.text, index, list(range(len(value))), expr.span))
        return value[index]

    def owns(self, expr: syntax.Expr) -> bool:
        """Whether a chain of fields and elements begins at a stage or at what is measured."""
        while isinstance(expr, (syntax.Attribute, syntax.Index)):
            expr = expr.value
        return isinstance(expr, syntax.Name) and (self.opens_stage(expr.id) or expr.id in self.known)

    # -- operators ----------------------------------------------------------------------------------------------------

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        left = self.evaluate(expr.left, frame)
        if expr.op in ("and", "or"):
            first = self.truth(left, expr.left)
            if first is (expr.op == "or"):
                return first
            second = self.truth(self.evaluate(expr.right, frame), expr.right)
            return both([first, second]) if expr.op == "and" else either(first, second, expr.span)
        right = self.evaluate(expr.right, frame)
        if expr.op in "+-*/%":
            return computed(expr.op, left, right, expr.span)
        left, right = self.settled(left, frame), self.settled(right, frame)
        claim = Claim(expr, left, right)
        found = compared(expr.op, left, right, claim)
        if found is False:
            self.false.append(claim)
        return found

    def truth(self, value: Value, expr: syntax.Expr) -> bool | Truth:
        if isinstance(value, (bool, Truth)):
            return value
        raise Fault(faults.not_a_flag(expr.span, value))

    def flag(self, expr: syntax.Expr, frame: Frame) -> bool:
        value = self.truth(self.evaluate(expr, frame), expr)
        if isinstance(value, Truth):
            raise Fault(undecided(expr.span, "a choice is the same for all sizes"))
        return value

    def function(self, name: str, expr: syntax.Call, frame: Frame) -> Value:
        if name not in ("ceil", "floor", "max", "min") or any(a.name for a in expr.arguments):
            return super().function(name, expr, frame)
        arguments = tuple(self.evaluate(a.value, frame) for a in expr.arguments)
        listed = numbers_of(arguments) if name in ("max", "min") else arguments
        if any(isinstance(v, Size) for v in listed) and (name in ("max", "min") or len(listed) == 1):
            return rounded(name, listed, expr.span)
        return apply_function(name, arguments, expr.span)

    # -- judgement ----------------------------------------------------------------------------------------------------

    def about_sizes(self, claim: syntax.Expr) -> bool:
        """Whether a claim speaks of shapes and sizes, and of nothing that slots change besides."""
        said = mentioned(claim)
        sizes = {*(str(path[0]) for path in self.stages), *self.known} - FIGURES
        return bool(said & sizes) and not said & FIGURES

    def judged(self, expect: syntax.Expect, frame: Frame) -> Contract:
        """What comes of a claim, on the sizes that its own condition leaves."""
        text, within, sized = plain(said(expect)), list(self.within), False
        if expect.condition is not None:
            held = self.truth(self.evaluate(expect.condition, frame), expect.condition)
            sized = isinstance(held, Truth)
            for part in held.parts if isinstance(held, Truth) else ():
                within[part.axis] &= part.sizes
            if held is False or any(sizes.is_empty for sizes in within):
                return Contract(text, expect.claim.span, "void")
        self.false.clear()
        found = self.truth(self.evaluate(expect.claim, frame), expect.claim)
        fault = None
        if found is False:
            fault = false_claim(expect, self.network, self.false[0] if self.false else None)
        for part in found.parts if isinstance(found, Truth) else ():
            broken = within[part.axis] - part.sizes
            if not broken.is_empty:
                fault = fault or false_claim(expect, self.network, part.claim, part, broken)
        if fault is not None:
            return Contract(text, expect.claim.span, "false", fault=fault)
        if sized or isinstance(found, Truth):
            return Contract(text, expect.claim.span, "proved", tuple(within))
        return Contract(text, expect.claim.span, "checked")

    def contract(self, expect: syntax.Expect, frame: Frame) -> Contract | None:
        """What comes of a claim; None where a fault that is reported already is in the way."""
        text, span = plain(said(expect)), expect.claim.span
        if self.network.rebound and not self.about_sizes(expect.claim):
            return Contract(text, span, "skipped")
        try:
            return self.judged(expect, frame)
        except Fault as raised:
            return Contract(text, span, "undecided", fault=raised.diagnostic)
        except SizesTooIrregular as error:
            return Contract(text, span, "undecided", fault=undecided(span, str(error)))
        except Silent:
            return None


def contracts(network: Network, accepted: Accepted, measures: Measures, evaluator: Evaluator) -> tuple[Contract, ...]:
    """All claims of a network, in the order of their text, each with its verdict."""
    claims = Claims(network, accepted, measures, evaluator)
    found = (claims.contract(expect, frame) for expect, frame in network.expects)
    return tuple(contract for contract in found if contract is not None)


def said(expect: syntax.Expect) -> str:
    """The claim and its condition as they are written."""
    end = (expect.condition or expect.claim).span.end
    return expect.span.source.text[expect.claim.span.start : end]


def shown(value: Value) -> str:
    """A value as the language writes it, long numbers in groups of three."""
    return f"{value:_}" if isinstance(value, int) and value >= 10_000 else describe(value)


def false_claim(
    expect: syntax.Expect,
    network: Network,
    claim: Claim | None,
    part: Holds | None = None,
    broken: SizeSet = ALL,
) -> Diagnostic:
    if claim is None:
        text = f"`{plain(expect.claim.span.text)}` does not hold"
        help = "correct the claim, or the model"
        return Diagnostic("E0402", expect.text or text, Label(expect.claim.span, "this is false"), helps=(help,))
    left, right = (part.left, part.right) if part else (claim.left, claim.right)
    notes = []
    if part:
        found = {broken.min: "smallest accepted size that breaks it"}
        found.setdefault(broken.nearest(network.input.sizes[part.axis]), "nearest to the declared one")
        values = {n: f"{part.left.symbol} = {n} ({part.left.at(n)} and {part.right.at(n)})" for n in found if n}
        notes.append("; ".join(f"{found[n]}: {value}" for n, value in values.items()))
    if network.name != network.model:
        notes.append(f"in the network `{network.name}`")
    # Of `a and b`, the part that is false; of `a or b`, all, for neither holds.
    whole = isinstance(expect.claim, syntax.Binary) and expect.claim.op == "or"
    text, ours = plain((expect.claim if whole else claim.expr).span.text), plain(claim.expr.left.span.text)
    help = f"write `{ours} == {shown(claim.left)}`, or change the model"
    if claim.expr.op != "==" or ours == shown(claim.left):
        help = "weaken the claim, or change the model"
    return Diagnostic(
        "E0402",
        expect.text or f"`{text}` does not hold: {shown(left)} and {shown(right)}",
        Label(claim.expr.span, f"`{ours}` is {shown(claim.left)}"),
        notes=tuple(notes),
        helps=(help,),
    )
