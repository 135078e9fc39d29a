"""A model with all its parameters known -> `ir.Network`: stem, stages, head, every shape, every condition on sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation import errors as evaluation_errors
from resnetc.compiler.evaluation.evaluator import Silent
from resnetc.compiler.evaluation.frame import Frame, Here
from resnetc.compiler.evaluation.parameters import coerce
from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import (
    LAYERS,
    Absent,
    ChainLayer,
    DefinedLayer,
    Definition,
    LabelLayer,
    Layer,
    ModelValue,
    SlotLayer,
    Tensor,
    Value,
    describe,
)
from resnetc.compiler.expansion import errors, input_declaration
from resnetc.compiler.expansion.application import Applier
from resnetc.compiler.expansion.dataflow_builder import Scope
from resnetc.compiler.expansion.limits import MAX_BLOCKS, too_many_blocks
from resnetc.compiler.ir.network import Declared, Module, Network, Sequence, Stage
from resnetc.compiler.ir.paths import Arguments, Path, show_path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.record import record
from resnetc.compiler.remedies.call_text import shipped
from resnetc.compiler.sizes import constant, identity
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

MAX_CLAIMS = 1_000


@record
class Request:
    """A network to be made: its name, its model with arguments, and what `--set` seals."""

    name: str
    item: str  # the model or instance it comes from
    model: ModelValue
    arguments: dict[str, tuple[Value, Span]]
    seals: tuple[tuple[syntax.Slot, Value, Span], ...] = ()


@record
class Origin:
    """What a network is expanded from: its request, the prelude, the file of every slot."""

    request: Request
    prelude: SpecFile
    homes: Mapping[syntax.Slot, SpecFile]


@record
class Stated:
    """What holds for a network although another text may have made it: its name, its input, its claims."""

    item: syntax.Model | syntax.Instance
    input: syntax.Input
    expects: tuple[syntax.AnyClaim, ...]
    input_frame: Frame
    claim_frame: Frame
    bound: int  # how many bindings the claims were made with


def expand(request: Request, prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile]) -> Network:
    """`Request` -> `ir.Network`; raises the first `Fault` of the network."""
    return Expander(prelude, homes).network(request)


class Expander(Applier):
    """Expands one network."""

    def __init__(self, prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile]) -> None:
        super().__init__(prelude, homes)
        self.overruled: dict[str, None] = {}
        self.claimed = 0

    def network(self, request: Request) -> Network:
        value = request.model
        model = value.item
        frame = self.opened(request)
        stated = self.stated(request, frame)
        docs = [*(item.doc for item, _, _ in reversed(value.instances)), model.doc]
        declared = input_declaration.declared(stated.input, self, stated.input_frame)
        sizes = tuple(identity() if s else constant(n) for s, n in zip(declared.symbols, declared.sizes, strict=True))
        scope = Scope(Shape(declared.channels, sizes))
        claim_frame = replace(stated.claim_frame, locals=dict(frame.locals))
        frame.scope = scope
        current = self.flowing(self.applied(model.stem, scope.input, frame, "stem"), model.stem.span)
        stages = []
        for stage, blocks in self.planned(model, frame):
            path = self.path(stage.path, frame)
            module = self.stage(stage, path, blocks, current, frame)
            placed = scope.place(path, module, [current], stage.span, None, owned=True)
            current = placed[0]
            name = show_path(path)
            stages.append(Stage(name, path, len(scope.steps) - 1, len(module.children), stage.span))
        ended = self.applied(model.head, current, frame, "head")
        features = isinstance(ended, Absent)
        if features and not stages:
            raise Fault(evaluation_errors.absent_value(model.head.span, "the head of a model without stages"))
        out = current if features else self.flowing(ended, model.head.span)
        self.reads = set()
        root = self.finished(model, scope, out)
        if scope.places is not None:
            stages = [replace(stage, step=scope.places[stage.step]) for stage in stages]
        network = Network(
            request.name,
            stated.item.name.id,
            root,
            tuple(stages),
            declared,
            tuple(self.claims(stated.expects, claim_frame)),
            tuple((p.name.id, frame.locals[p.name.id]) for p in model.parameters),
            next(doc for doc in docs if doc or doc is model.doc),
            "\n".join(docs),
            tuple(self.overruled),
            features,
            tuple(dict.fromkeys(slot.name.id for slot, _, _ in (*value.bindings[stated.bound :], *request.seals))),
        )
        self.check_effects(request, network, frame)
        return network

    def check_effects(self, request: Request, network: Network, frame: Frame) -> None:
        """What `--set` binds is applied in this network; what a text binds, in this one or with other arguments."""
        value, model = request.model, request.model.item
        for sealed, _, span in request.seals:
            if sealed not in self.asked_slots:
                raise Fault(errors.in_network(sealed, span, network, model, self.asked_slots))
        statements = (s for s in model.body if isinstance(s, syntax.SetSlot))
        own = ((self.slot_named(s.name.id, frame, value.spec), s.span) for s in statements)
        bound = [(found, span) for found, span in own if found is not None]
        bound += [(found, span) for found, _, span in value.bindings]
        if all(slot in self.asked_slots for slot, _ in bound) or any(
            has_layers(v) for v, _ in request.arguments.values()
        ):
            return
        texts = [(model, value.spec), *((item.value, spec) for item, spec, _ in value.instances)]
        for slot, span in bound:
            others = [layer for other, layer, _ in value.bindings if other is not slot]
            known = slot in self.asked_slots
            if not known and not self.texts.apply(slot, span, texts, [value.arguments, *others], frame.slots):
                raise Fault(errors.in_network(slot, span, network, model, self.asked_slots))

    # -- parameters and slots -----------------------------------------------------------------------------------------

    def opened(self, request: Request) -> Frame:
        """The model's frame: sealed slots, parameters, `set`, `let`, `require`, then the slots that instances bind."""
        value, model = request.model, request.model.item
        slots = Slots({})
        for slot, layer, span in request.seals:
            slots = slots.bind(slot, layer, span, sealed=True)
        frame = Frame(value.spec, slots)
        given = dict(value.arguments)
        axes = set()
        for parameter in model.parameters:
            name = parameter.name.id
            if name in request.arguments:
                raw, span = request.arguments[name]
                frame.locals[name] = coerce(raw, parameter, span, model.name.id)
            elif name in given:
                frame.locals[name] = given[name]
            elif parameter.default is None:
                raise Fault(evaluation_errors.missing_argument(model.name.id, name, value.span, model))
            else:
                made = self.evaluate(parameter.default, frame)
                worked = partial(self.worked, parameter.default, frame)
                frame.locals[name] = coerce(made, parameter, parameter.default.span, model.name.id, worked)
            if parameter.type.id == "size":
                axes.add(name)
        frame.axes = frozenset(axes)
        self.asked = request
        for statement in model.body:
            self.statement(statement, frame)
        for slot, layer, span in value.bindings:
            self.bind(slot, layer, span, frame)
        return frame

    def bind(self, slot: syntax.Slot, value: Value, span: Span, frame: Frame) -> None:
        self.overrule(slot, value, span, frame)
        super().bind(slot, value, span, frame)

    def overrule(self, slot: syntax.Slot, value: Value, span: Span, frame: Frame) -> None:
        """Note a binding that one from outside wins over."""
        current = frame.slots.get(slot)
        if current is not None and current.sealed and current.value != value:
            self.overruled[f"{slot.name.id} = {describe(value)} ({span})"] = None

    def entered(self, layer: DefinedLayer, source: Tensor, frame: Frame, scope: Any) -> Frame:
        for bound in layer.bindings:
            self.overrule(bound.slot, bound.value, layer.span, frame)
        return super().entered(layer, source, frame, scope)

    def stated(self, request: Request, frame: Frame) -> Stated:
        """Whose name, input and `expect` hold: of the outermost instance that states them anew, else the model's.

        A claim is made for the slots that its own text binds: those bound further out are `rebound` to it.
        """
        value = request.model
        model: syntax.Model | syntax.Instance = value.item
        stated = Stated(model, value.item.input, value.item.expects, frame, frame, 0)
        for item, spec, bound in value.instances:
            own = Frame(spec, frame.slots, frame.locals, axes=frame.axes)
            stated = replace(stated, item=item)
            if item.input is not None:
                stated = replace(stated, input=item.input, input_frame=own)
            if item.expects:
                stated = replace(stated, expects=item.expects, claim_frame=own, bound=bound)
        return stated

    def require(self, statement: syntax.Require, frame: Frame) -> None:
        if self.flag(statement.condition, frame):
            return
        raise Fault(requirement(statement, self.traced(statement.condition, frame), self.asked_span(frame)))

    def asked_span(self, frame: Frame) -> Span | None:
        """Where the arguments of the model came from, if the requirement is the model's."""
        request: Request = self.asked
        if frame.scope is not None:
            return None
        spans = [span for _, span in request.arguments.values()]
        if spans:
            return spans[0]
        return request.model.span if request.model.instances or request.model.arguments else None

    def traced(self, condition: syntax.Expr, frame: Frame) -> list[str]:
        """The values that made a condition false: `33 % 6 is 3`."""
        if isinstance(condition, syntax.Binary) and condition.op in ("and", "or"):
            return [*self.traced(condition.left, frame), *self.traced(condition.right, frame)]
        if not isinstance(condition, syntax.Binary):
            return []
        out = []
        for side in (condition.left, condition.right):
            value = self.evaluate(side, frame)
            if isinstance(side, (syntax.Number, syntax.String)) or isinstance(value, Definition):
                continue
            text = side.span.text if isinstance(side, (syntax.Name, syntax.Attribute)) else self.worked(side, frame)
            out.append(f"`{text}` is {describe(value)}")
        return out

    def claims(self, claims: tuple[syntax.AnyClaim, ...], frame: Frame) -> Iterator[tuple[syntax.Expect, Frame]]:
        """Every claim with what it sees; those of an `each` once for each element."""
        for claim in claims:
            if isinstance(claim, syntax.Expect):
                self.claimed += 1
                if self.claimed > MAX_CLAIMS:
                    raise Fault(too_many_claims(claim.span))
                yield claim, frame
                continue
            values = self.evaluate(claim.values, frame)
            if not isinstance(values, tuple) or not values:
                raise Fault(evaluation_errors.no_values(claim.values.span))
            for value in values:
                name = claim.name.id
                locals, rounds = {**frame.locals, name: value}, (*frame.rounds, name)
                yield from self.claims(claim.claims, replace(frame, locals=locals, rounds=rounds))

    # -- stem, stages, head -------------------------------------------------------------------------------------------

    def applied(self, expr: syntax.Expr, tensor: Tensor, frame: Frame, part: str) -> Value:
        try:
            layer = self.layer(expr, frame)
            return self.apply(layer, tensor, frame, expr.span)
        except Fault as fault:
            raise Fault(located(fault.diagnostic, f"in the {part} ({expr.span})", expr.span)) from None

    def flowing(self, value: Value, span: Span) -> Tensor:
        if isinstance(value, Absent):
            raise Fault(evaluation_errors.absent_value(span, "this part of the model"))
        return self.single(value, span)

    def planned(
        self, model: syntax.Model, frame: Frame
    ) -> list[tuple[syntax.Stage, list[tuple[syntax.Repeat, Value, int]]]]:
        """How many blocks each group of each stage has: known before the first is expanded, and limited."""
        plan, total = [], 0
        for stage in model.stages:
            groups: list[tuple[syntax.Repeat, Value, int]] = []
            for repeat in stage.groups:
                if repeat.count is not None:
                    count = self.integer(repeat.count, frame)
                    if count < 0 or (count == 0 and len(stage.groups) == 1):
                        raise Fault(no_blocks(repeat.count.span, count))
                    groups.append((repeat, None, count))
                else:
                    assert repeat.values is not None
                    elements = self.evaluate(repeat.values, frame)
                    if not isinstance(elements, tuple) or not elements:
                        raise Fault(evaluation_errors.not_a_list(elements, repeat.values.span))
                    groups.append((repeat, elements, len(elements)))
                total += groups[-1][2]
                if total > MAX_BLOCKS:
                    raise Fault(too_many_blocks(repeat.span, total, "blocks"))
            plan.append((stage, groups))
        self.total, self.position = total, 0
        return plan

    def stage(
        self,
        stage: syntax.Stage,
        path: Path,
        groups: list[tuple[syntax.Repeat, Value, int]],
        source: Tensor,
        frame: Frame,
    ) -> Sequence:
        """The blocks of a stage, one after the other."""
        count = sum(n for _, _, n in groups)
        inner = Frame(frame.spec, frame.slots, dict(frame.locals), None, frame.scope, frame.axes)
        children: list[tuple[str, Module]] = []
        current, index = source, 0
        for layer in self.layers(groups, inner):
            inner.here = Here(index, count, self.position, self.total)
            try:
                made, start = self.make(layer if index == 0 else later(layer), current, inner)
            except Fault as fault:
                where = f"in block {index + 1} of {count} of stage `{show_path(path)}` ({stage.span}){given(layer)}"
                raise Fault(located(fault.diagnostic, where, stage.span)) from None
            if isinstance(made, Absent):
                raise Fault(evaluation_errors.absent_value(stage.span, "this stage"))
            if start is not current:
                raise Fault(evaluation_errors.wrong_source(stage.span))
            children.append((str(index), made))
            current = Tensor(-1, made.outputs[0])
            index, self.position = index + 1, self.position + 1
        return Sequence(tuple(children), source.shape, current.shape, None, (), stage.span)

    def layers(self, groups: list[tuple[syntax.Repeat, Value, int]], frame: Frame) -> Iterator[Layer]:
        for repeat, elements, count in groups:
            if elements is None:
                layer = self.stage_layer(repeat.block, frame)
                for _ in range(count):
                    yield layer
                continue
            assert repeat.name is not None
            for element in elements:
                frame.locals[repeat.name.id] = element
                yield self.stage_layer(repeat.block, frame)
            del frame.locals[repeat.name.id]

    def stage_layer(self, expr: syntax.Expr, frame: Frame) -> Layer:
        frame.here = None
        layer = self.layer(expr, frame)
        if isinstance(layer, Absent):
            raise Fault(evaluation_errors.absent_value(expr.span, "the block of this stage"))
        if isinstance(layer, LabelLayer):
            raise Fault(evaluation_errors.labelled_stage_block(layer.span))
        return layer


def has_layers(value: Value) -> bool:
    """Whether a value is a layer, or a list that holds one."""
    return isinstance(value, LAYERS) or isinstance(value, tuple) and any(has_layers(v) for v in value)


def later(layer: Layer) -> Layer:
    """A stage's block after the first: its `first` parameters have their defaults, in each step of a chain."""
    match layer:
        case ChainLayer(steps):
            return ChainLayer(tuple(later(step) for step in steps), layer.span)
        case LabelLayer(path, inner):
            return LabelLayer(path, later(inner), layer.span)
        case DefinedLayer(item):
            return replace(layer, arguments=without_first(item.parameters, layer.arguments))
        case SlotLayer(slot):
            return replace(layer, arguments=without_first(slot.parameters, layer.arguments))
    return layer


def without_first(parameters: tuple[syntax.Parameter, ...], arguments: Arguments) -> Arguments:
    first = {p.name.id for p in parameters if p.first}
    return tuple((name, value) for name, value in arguments if name not in first)


def given(layer: Layer) -> str:
    """`, width = 64`: the numbers a block was called with."""
    if not isinstance(layer, DefinedLayer):
        return ""
    return "".join(f", {n} = {describe(v)}" for n, v in layer.arguments if isinstance(v, (int, tuple)))


def located(diagnostic: Diagnostic, where: str, span: Span) -> Diagnostic:
    """A fault with the place of the model it was found at, unless it is that place.

    What the library cannot make of its arguments is for the model to mend.
    """
    primary, notes = diagnostic.primary, (*diagnostic.notes, where)
    if primary.span.source is span.source:
        inside = span.start <= primary.span.start and primary.span.end <= span.end
        return diagnostic if inside else replace(diagnostic, notes=notes)
    asked = Label(span, "asked for here")
    if shipped(primary.span):
        return replace(diagnostic, primary=asked, labels=(primary, *diagnostic.labels), notes=notes, fix=())
    return replace(diagnostic, labels=(*diagnostic.labels, asked), notes=notes)


def requirement(statement: syntax.Require, values: list[str], asked: Span | None) -> Diagnostic:
    return Diagnostic(
        "E0401",
        statement.text or "a requirement is not met",
        Label(statement.condition.span, f"{', '.join(values)}, so this is false" if values else "this is false"),
        (Label(asked, "asked for here"),) if asked is not None else (),
        helps=("give arguments that meet the requirement",),
    )


def no_blocks(span: Span, count: int) -> Diagnostic:
    return Diagnostic(
        "E0318",
        f"a stage has at least one block, not {count}",
        Label(span, f"this is {count}"),
        helps=("leave the stage out, or give it a positive number of blocks",),
    )


def too_many_claims(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0409",
        f"a model makes at most {MAX_CLAIMS:_} claims",
        Label(span, "one more"),
        helps=("let `each` run over a shorter list",),
    )


__all__ = ["Declared", "Request", "Silent", "expand"]
