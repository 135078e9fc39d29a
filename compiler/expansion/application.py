"""Applies layers to tensors: slots are resolved, policies decided, blocks expanded; the naming rules live here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors as evaluation_errors
from resnetc.compiler.evaluation.evaluator import chain
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import as_layer, coerce
from resnetc.compiler.evaluation.reachable_slots import Text, Texts
from resnetc.compiler.evaluation.values import (
    ABSENT,
    Absent,
    Bound,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    Layer,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    describe,
    is_number,
)
from resnetc.compiler.expansion import errors
from resnetc.compiler.expansion.dataflow_builder import MAX_STEPS, Scope, free_name
from resnetc.compiler.expansion.limits import MAX_NODES, too_many_blocks
from resnetc.compiler.expansion.statements import Statements
from resnetc.compiler.expansion.tensor_operators import TensorOperators
from resnetc.compiler.ir.network import Leaf, Module, Sequence, Template
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.shapes import rules
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

MAX_BINDINGS_TOLD = 3  # of a slot in a slot in a slot
DECISION = 8  # what a policy costs beside its statements: absent layers leave no operation that would count
LIST_RULES = {"concat", "sum", "list_same"}
Steps = list[tuple[Layer, Frame]]


class Unfolded:
    """What a slot or policy stands for at one place: the tensor it starts at, and its steps."""

    __slots__ = ("source", "steps", "origin", "parameters")

    def __init__(self, source: Tensor, steps: Steps, origin: Any, parameters: tuple[tuple[str, Any], ...] = ()) -> None:
        self.source, self.steps, self.origin, self.parameters = source, steps, origin, parameters


class Applier(Statements):
    """An evaluator that can apply layers. Blocks are expanded once for equal arguments, shapes, slots and places."""

    def __init__(self, prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile]) -> None:
        super().__init__(prelude, homes)
        TensorOperators(self, self)
        self.texts = Texts(prelude, self.home, self.work.charge)
        self.memo: dict[Any, list[tuple[tuple[str, ...], dict[tuple[Any, ...], Template]]]] = {}
        self.nodes = self.total = 0

    @property
    def cost(self) -> int:
        """What the expansion took: statements, blocks (also those that equal others), fifty for an operation."""
        return self.work.done + self.total + 50 * self.nodes

    # -- in a block scope ---------------------------------------------------------------------------------------------

    def apply(self, layer: Value, tensor: Value, frame: Frame, span: Span, label: Any = None) -> Value:
        """`tensor |> layer` in the scope of `frame`; the result is a tensor, a list of tensors, or absent."""
        scope = built_in(frame)
        if isinstance(layer, Absent) or isinstance(tensor, Absent):
            return ABSENT
        match layer:
            case LabelLayer(path, inner, span):
                return self.apply(inner, tensor, frame, span, path)
            case ChainLayer(steps, span) if label is None:
                for step in steps:
                    tensor = self.apply(step, tensor, frame, step.span)
                return tensor
            case PrimitiveLayer(primitive, _, span):
                inputs = self.tensors_for(layer, tensor, span)
                leaf = self.leaf(layer, tuple(t.shape for t in inputs), frame)
                out = scope.place(
                    label or scope.numbered(primitive.attribute),
                    leaf,
                    inputs,
                    span,
                    None,
                    based(primitive.attribute, label),
                )
                return out[0] if len(out) == 1 and primitive.rule not in ("split", "list_same") else tuple(out)
        source = self.single(tensor, span)
        slot = None
        match layer:
            case SlotLayer(item, _, span):
                slot, attribute = item.name.id, item.attribute
            case DefinedLayer(item, _, _, _, span):
                attribute = item.name.id
            case _:
                attribute = ""
        if not attribute and label is None:
            unfolded = self.unfold(layer, source, frame)
            if isinstance(unfolded, Absent):
                return ABSENT
            value: Value = unfolded.source
            for step, place in unfolded.steps:
                value = self.apply(step, value, place, step.span)
            return value
        path = label or scope.numbered(attribute)
        made, start = self.make(layer, source, replace(frame, scope=scope.below(path, span)))
        if isinstance(made, Absent):
            return ABSENT
        return scope.place(path, made, [start], span, slot, based(attribute, label))[0]

    def tensors_for(self, layer: PrimitiveLayer, value: Value, span: Span) -> list[Tensor]:
        """The inputs of a primitive: one tensor, or for those that take one, a list (of lists)."""
        takes_list = layer.primitive.rule in LIST_RULES
        if isinstance(value, tuple):
            if not takes_list:
                raise Fault(evaluation_errors.list_applied(layer.primitive.name, span))
            flat: list[Tensor] = []
            for item in value:
                flat.extend(
                    self.tensors_for(layer, item, span) if isinstance(item, tuple) else [self.single(item, span)]
                )
            return flat
        if takes_list and not isinstance(value, tuple) and layer.primitive.rule != "concat":
            raise Fault(evaluation_errors.list_needed(layer.primitive.name, span))
        return [self.single(value, span)]

    def single(self, value: Value, span: Span) -> Tensor:
        if isinstance(value, Tensor):
            return value
        if isinstance(value, Absent):
            raise Fault(evaluation_errors.absent_value(span, "an element of the list"))
        if isinstance(value, tuple):
            raise Fault(evaluation_errors.list_applied(span.text, span))
        raise Fault(evaluation_errors.not_a_tensor(span, value, "what a layer is applied to"))

    # -- modules ------------------------------------------------------------------------------------------------------

    def leaf(self, layer: PrimitiveLayer, inputs: tuple[Shape, ...], frame: Frame) -> Leaf:
        self.count(layer.span)
        args = rules.settle(layer.primitive, dict(layer.arguments), inputs[0].rank, layer.span)
        if layer.primitive.rule == "split" and args["parts"] > MAX_STEPS:
            raise Fault(evaluation_errors.too_many_steps(layer.span, MAX_STEPS))
        demands = frame.scope.demands if frame.scope is not None else []
        outputs = rules.rule(layer.primitive, args, inputs, layer.span, demands)
        return Leaf(layer.primitive, tuple(args.items()), inputs, tuple(outputs), layer.span)

    def count(self, span: Span) -> None:
        """One operation more, or one chain of them."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Fault(too_many_blocks(span, self.nodes, "distinct operations"))

    def make(self, layer: Layer, source: Tensor, frame: Frame) -> tuple[Module | Absent, Tensor]:
        """The module that a layer becomes, and its input. A chain of one unlabelled step is that step."""
        if isinstance(layer, SlotLayer) and (binding := frame.slots.get(layer.slot)) is not None:
            try:
                return self.made(layer, source, frame)
            except Fault as fault:
                note = f"`{layer.slot.name.id}` is `{describe(binding.value)}` here, bound at {binding.span}"
                told = fault.diagnostic.notes
                notes = (note, *told) if sum("here, bound at" in n for n in told) < MAX_BINDINGS_TOLD else told
                raise Fault(replace(fault.diagnostic, notes=notes)) from None
        return self.made(layer, source, frame)

    def made(self, layer: Layer, source: Tensor, frame: Frame) -> tuple[Module | Absent, Tensor]:
        if isinstance(layer, PrimitiveLayer | SlotLayer) or is_policy(layer):
            return self.module(layer, source, frame)
        with self.work.inside(layer.span):
            return self.module(layer, source, frame)

    def module(self, layer: Layer, source: Tensor, frame: Frame) -> tuple[Module | Absent, Tensor]:
        match layer:
            case PrimitiveLayer(primitive):
                if primitive.rule in LIST_RULES:
                    raise Fault(evaluation_errors.list_needed(primitive.name, layer.span))
                if primitive.rule == "split":
                    raise Fault(evaluation_errors.not_a_tensor(layer.span, (layer,), "what a step of a sequence gives"))
                return self.leaf(layer, (source.shape,), frame), source
            case DefinedLayer(syntax.Block()):
                return self.block(layer, source.shape, frame), source
            case LabelLayer():
                return self.sequence([(layer, frame)], source, frame, None, (), layer.span), source
            case ChainLayer(steps):
                return self.sequence([(s, frame) for s in steps], source, frame, None, (), layer.span), source
        unfolded = self.unfold(layer, source, frame)
        if isinstance(unfolded, Absent):
            return ABSENT, source
        if not unfolded.steps:
            start = unfolded.source
            return self.leaf(PrimitiveLayer(PRIMITIVES["identity"], (), layer.span), (start.shape,), frame), start
        only, inner = unfolded.steps[0]
        if len(unfolded.steps) == 1 and not isinstance(only, LabelLayer):
            with self.work.inside(layer.span):
                return self.make(only, unfolded.source, inner)
        made = self.sequence(unfolded.steps, unfolded.source, frame, unfolded.origin, unfolded.parameters, layer.span)
        return made, unfolded.source

    def sequence(
        self,
        steps: Steps,
        source: Tensor,
        frame: Frame,
        origin: Any,
        parameters: tuple[tuple[str, Any], ...],
        span: Span,
    ) -> Sequence | Absent:
        """An `nn.Sequential`: steps are called by their position, or by their label."""
        self.count(span)
        children: list[tuple[str, Module]] = []
        labels: dict[str, Span] = {}
        current = source
        pending = list(reversed(steps))
        while pending:
            layer, inner = pending.pop()
            if isinstance(layer, SlotLayer) and not layer.slot.attribute:
                opened = self.unfold(layer, current, inner)
                if isinstance(opened, Absent):
                    return ABSENT
                pending.extend(reversed(opened.steps))
                continue
            key = str(len(children))
            if isinstance(layer, LabelLayer):
                if len(layer.path) != 1:
                    raise Fault(evaluation_errors.dotted_in_sequence(".".join(map(str, layer.path)), layer.span))
                key = str(layer.path[0])
                if key in labels:
                    raise Fault(
                        evaluation_errors.duplicate_path(key, layer.span, key, labels[key], free_name(key, labels))
                    )
                labels[key], layer = layer.span, layer.layer
            made, start = self.make(layer, current, inner)
            if isinstance(made, Absent):
                return ABSENT
            if start is not current:
                raise Fault(evaluation_errors.wrong_source(layer.span))
            children.append((key, made))
            current = Tensor(-1, made.outputs[0])
        return Sequence(tuple(children), source.shape, current.shape, origin, parameters, span)

    # -- slots and policies -------------------------------------------------------------------------------------------

    def unfold(self, layer: Layer, source: Tensor, frame: Frame) -> Unfolded | Absent:
        """The steps that a slot, policy or chain stands for here."""
        if not isinstance(layer, SlotLayer) and not is_policy(layer):
            return self.unfolded(layer, source, frame)
        with self.work.inside(layer.span):
            return self.unfolded(layer, source, frame)

    def unfolded(self, layer: Layer, source: Tensor, frame: Frame) -> Unfolded | Absent:
        match layer:
            case SlotLayer():
                value, inner = self.resolve(layer, source, frame)
                if isinstance(value, Absent):
                    return ABSENT
                unfolded = self.unfold(value, source, inner)
                if isinstance(unfolded, Unfolded) and unfolded.origin is None:
                    unfolded.origin = layer.slot
                return unfolded
            case DefinedLayer(syntax.Policy()):
                return self.decide(layer, source, frame)
            case ChainLayer(steps):
                return Unfolded(source, [(s, frame) for s in steps], None)
        return Unfolded(source, [(layer, frame)], None)

    def resolve(self, layer: SlotLayer, source: Tensor, frame: Frame) -> tuple[Value, Frame]:
        """What a slot is bound to here, with the arguments of this call; and the frame in which it is applied."""
        slot = layer.slot
        self.asked_slots[slot] = None
        binding = frame.slots.get(slot)
        value = binding.value if binding else self.default(slot)
        inner = Frame(frame.spec, frame.slots.peel(slot), {}, frame.here, frame.scope)
        if isinstance(value, Absent):
            return value, inner
        passed = dict(layer.arguments)
        signature = Frame(self.home(slot), frame.slots, {**passed, "in": source}, frame.here, frame.scope)
        implied: dict[str, Value] = {}
        for parameter in slot.parameters:
            name = parameter.name.id
            if name in passed:
                continue
            if parameter.default is None:
                raise Fault(evaluation_errors.missing_argument(slot.name.id, name, layer.span, slot))
            implied[name] = signature.locals[name] = self.evaluate(parameter.default, signature)
        return self.passed_on(value, passed, implied, layer.span), inner

    def passed_on(self, value: Layer, passed: dict[str, Value], implied: dict[str, Value], call: Span) -> Layer:
        """A layer with the arguments of a slot's call, as far as it has parameters for them.

        What the call says wins over the binding, the binding over the defaults of the slot's signature. Faults point to
        the call, where the slot's name stands.
        """
        match value:
            case PrimitiveLayer(primitive, given):
                known = [p.name for p in primitive.parameters]
                return PrimitiveLayer(primitive, merged(known, given, passed, implied), call)
            case DefinedLayer(item, spec, given, bindings):
                known = [p.name.id for p in item.parameters]
                return DefinedLayer(item, spec, merged(known, given, passed, implied), bindings, call)
            case SlotLayer(item, given):
                known = [p.name.id for p in item.parameters]
                return SlotLayer(item, merged(known, given, passed, implied), call)
        return value

    def decide(self, layer: DefinedLayer, source: Tensor, frame: Frame) -> Unfolded | Absent:
        """The case of a policy that holds here."""
        policy = layer.item
        assert isinstance(policy, syntax.Policy)
        self.work.charge(DECISION, layer.span)
        inner = self.entered(layer, source, frame, frame.scope)
        for statement in policy.body:
            self.statement(statement, inner)
        numbers = tuple((n, v) for n, v in inner.locals.items() if is_number(v) or isinstance(v, tuple))
        for case in policy.cases:
            if case.condition is not None and not self.flag(case.condition, inner):
                continue
            return self.case(case.value, source, inner, policy, numbers)
        raise AssertionError("a table ends in `otherwise`")

    def case(
        self,
        expr: syntax.Expr,
        source: Tensor,
        frame: Frame,
        policy: syntax.Policy,
        numbers: tuple[tuple[str, Any], ...],
    ) -> Unfolded | Absent:
        """A case is a layer, applied to `in`, or a pipe that starts at a tensor argument."""
        first, *rest = self.piped(expr, frame)
        value = self.evaluate(first, frame)
        if isinstance(value, Absent):
            return ABSENT
        if isinstance(value, Tensor):
            source = value
            layers = [self.layer(s, frame) for s in rest]
            scope = built_in(frame)
            if scope.prefix and scope.owns:  # modules stand here already, as those of a block do
                for step in layers:
                    value = self.apply(step, value, frame, step.span if not isinstance(step, Absent) else expr.span)
                if isinstance(value, Absent):
                    return ABSENT
                return Unfolded(self.single(value, expr.span), [], policy, numbers)
        else:
            layers = [as_layer(value, first.span), *(self.layer(s, frame) for s in rest)]
        joined = chain(layers, expr.span) if layers else ChainLayer((), expr.span)
        if isinstance(joined, Absent):
            return ABSENT
        steps = joined.steps if isinstance(joined, ChainLayer) else (joined,)
        return Unfolded(source, [(s, frame) for s in steps], policy, numbers)

    def piped(self, expr: syntax.Expr, frame: Frame) -> list[syntax.Expr]:
        """The steps of a pipe from its beginning, inside of parentheses and of the side that a choice takes."""
        match expr:
            case syntax.Choice(value, condition, other):
                return self.piped(value if self.flag(condition, frame) else other, frame)
            case syntax.Pipe((first, *rest)):
                return [*self.piped(first, frame), *rest]
        return [expr]

    def entered(self, layer: DefinedLayer, source: Tensor, frame: Frame, scope: Any) -> Frame:
        """The frame of a block or policy: `in`, its parameters with their defaults, the slots that the call binds."""
        item, slots = layer.item, frame.slots
        for bound in layer.bindings:
            self.check_keyword(bound, layer, frame)
            current = slots.get(bound.slot)
            if current is None or not current.sealed:
                slots = slots.bind(bound.slot, bound.value, layer.span)
        inner = Frame(layer.spec, slots, {"in": source}, frame.here, scope)
        given = dict(layer.arguments)
        axes = set()
        for parameter in item.parameters:
            name = parameter.name.id
            if name in given:
                value = given[name]
            elif parameter.default is None:
                raise Fault(evaluation_errors.missing_argument(item.name.id, name, layer.span, item))
            else:
                value = self.evaluate(parameter.default, inner)
                worked = partial(self.worked, parameter.default, inner)
                value = coerce(value, parameter, parameter.default.span, item.name.id, worked)
            inner.locals[name] = value
            if parameter.type.id == "size":
                axes.add(name)
        inner.axes = frozenset(axes)
        return inner

    # -- bindings without effect --------------------------------------------------------------------------------------

    def check_keyword(self, bound: Bound, layer: DefinedLayer, frame: Frame) -> None:
        """A keyword binds a slot that the block or policy could apply, whatever its arguments are."""
        others = (other.value for other in layer.bindings if other.slot is not bound.slot)
        texts, values = [(layer.item, layer.spec)], [layer.arguments, *others]
        if not self.texts.apply(bound.slot, bound.span, texts, values, frame.slots):
            known = self.texts.slots(texts, values, frame.slots, bound.span)
            raise Fault(errors.of_a_keyword(bound, layer.item, known))

    def check_sets(self, block: syntax.Block, number: int, frame: Frame) -> None:
        """`set` in a block binds what could be applied behind it; a loop around it comes round again."""
        statement = block.body[number]
        for binding in errors.sets(statement):
            slot = self.slot_named(binding.name.id, frame, frame.spec)
            assert slot is not None  # it has been bound
            again = [statement] if isinstance(statement, syntax.Each) else []
            behind: list[Text] = [(part, frame.spec) for part in (*again, *block.body[number + 1 :], block.out)]
            if not self.texts.apply(slot, binding.span, behind, frame.locals.values(), frame.slots):
                known = self.texts.slots([(block, frame.spec)], (), frame.slots, binding.span)
                raise Fault(errors.of_a_statement(slot, binding.span, block, known))

    # -- blocks -------------------------------------------------------------------------------------------------------

    def block(self, layer: DefinedLayer, shape: Shape, frame: Frame) -> Template:
        """A block expanded, or the template of an equal expansion."""
        key = (layer.item, layer.arguments, layer.bindings, shape, frame.slots)
        for fields, variants in self.memo.get(key, ()):
            found = variants.get(tuple(getattr(frame.here, f) for f in fields))
            if found is not None:
                self.reads |= found.here
                return found
        outer, self.reads = self.reads, set()
        template = self.expanded(layer, shape, frame)
        fields = tuple(sorted(template.here))
        place = tuple(getattr(frame.here, f) for f in fields)
        rows = self.memo.setdefault(key, [])
        row = next((variants for known, variants in rows if known == fields), None)
        if row is None:
            row = {}
            rows.append((fields, row))
        row[place] = template
        self.reads = outer | template.here
        return template

    def expanded(self, layer: DefinedLayer, shape: Shape, frame: Frame) -> Template:
        block = layer.item
        assert isinstance(block, syntax.Block)
        for name, value in layer.arguments:
            if holds_tensor(value):
                raise Fault(evaluation_errors.tensor_into_block(block, name, layer.span))
        scope = Scope(shape)
        inner = self.entered(layer, scope.input, frame, scope)
        for parameter in block.parameters:
            self.note_number(scope, parameter.name.id, parameter.type.id, inner.locals[parameter.name.id])
        for number, statement in enumerate(block.body):
            self.statement(statement, inner)
            self.check_sets(block, number, inner)
            if isinstance(statement, syntax.Let) and statement.index is None:
                self.note_number(scope, statement.name.id, "int", inner.locals[statement.name.id])
        out = self.evaluate(block.out, inner)
        if isinstance(out, Absent):
            raise Fault(evaluation_errors.absent_value(block.out.span, f"the output of `{block.name.id}`"))
        if not isinstance(out, Tensor):
            raise Fault(evaluation_errors.not_a_tensor(block.out.span, out, f"the output of `{block.name.id}`"))
        return self.finished(block, scope, out)

    def finished(self, definition: syntax.Block | syntax.Model, scope: Scope, out: Tensor) -> Template:
        scope.keep(out)
        return Template(
            definition,
            tuple(scope.steps),
            tuple(scope.wires),
            out.ref,
            tuple(scope.order),
            tuple(scope.numbers),
            tuple(scope.demands),
            frozenset(self.reads),
        )

    def note_number(self, scope: Scope, name: str, type: str, value: Value) -> None:
        """Numbers by their name in the text: what constructor arguments are called after."""
        if isinstance(value, (bool, int, Fraction)) or (type == "size" and isinstance(value, tuple)):
            scope.numbers.append((name, type, value))


def built_in(frame: Frame) -> Scope:
    """The block or model that layers are applied in."""
    assert isinstance(frame.scope, Scope)
    return frame.scope


def is_policy(layer: Layer) -> bool:
    return isinstance(layer, DefinedLayer) and isinstance(layer.item, syntax.Policy)


def holds_tensor(value: Value) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, tuple) and any(holds_tensor(v) for v in value))


def based(attribute: str, label: Any) -> str | None:
    """The attribute without its ordinal, where no label took its place."""
    return attribute.replace("#", "") if label is None else None


def merged(
    known: list[str], given: tuple[tuple[str, Any], ...], passed: dict[str, Value], implied: dict[str, Value]
) -> tuple[tuple[str, Any], ...]:
    values = {**implied, **dict(given), **passed}
    return tuple((n, values[n]) for n in known if n in values)
