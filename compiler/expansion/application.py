"""Applies layers to tensors: resolves slots, decides policies, expands blocks; the naming rules are here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator, chain
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import as_layer
from resnetc.compiler.evaluation.values import (
    ABSENT,
    Absent,
    Arguments,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    Layer,
    Local,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    describe,
    is_number,
)
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.choices import Decision
from resnetc.compiler.expansion.dataflow_builder import Scope, find_free_name
from resnetc.compiler.expansion.equal_blocks import EqualBlocks
from resnetc.compiler.expansion.interpreter import Interpreter
from resnetc.compiler.expansion.leaves import LIST_RULES, list_tensors, require_tensor
from resnetc.compiler.expansion.shared_blocks import BlockCache, SharedBlock
from resnetc.compiler.expansion.tensor_operators import TensorOperators
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, NamedNumber, Sequence
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

MAX_BINDINGS_TOLD = 3  # of a slot in a slot in a slot
Steps = list[tuple[Layer, Frame]]
Origin = syntax.Slot | syntax.Policy | None


class Unfolded:
    """What a slot or policy stands for at one place: the tensor it starts at, and its steps."""

    __slots__ = ("source", "steps", "origin", "parameters")

    def __init__(self, source: Tensor, steps: Steps, origin: Origin, parameters: Arguments = ()) -> None:
        self.source, self.steps, self.origin, self.parameters = source, steps, origin, parameters


class Applier:
    """Makes modules of layers, and applies them."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.evaluator, self.leaves = interpreter.evaluator, interpreter.leaves
        self.inside = self.evaluator.work.inside
        self.statements, self.frames, self.choices = interpreter.statements, interpreter.frames, interpreter.choices
        self.effects = interpreter.effects
        self.equal_blocks: EqualBlocks[SharedBlock] = EqualBlocks(self.evaluator)
        self.block_cache = BlockCache(
            shared=interpreter.shared,
            evaluator=self.evaluator,
            leaves=self.leaves,
            bindings=interpreter.bindings,
            texts=self.effects.texts,
        )
        TensorOperators(self.evaluator, self)

    # -- in a block scope ---------------------------------------------------------------------------------------------

    def apply(self, layer: Layer | Absent, tensor: Value, frame: Frame, span: Span, label: Path | None = None) -> Value:
        """`tensor |> layer` in the scope of `frame`; the result is a tensor, a list of tensors, or absent."""
        if isinstance(layer, Absent) or isinstance(tensor, Absent):
            return ABSENT
        if isinstance(layer, LabelLayer):
            return self.apply(layer.layer, tensor, frame, layer.span, layer.path)
        if isinstance(layer, PrimitiveLayer):
            return self.apply_primitive(layer, tensor, frame, label)
        if isinstance(layer, ChainLayer):
            if label is None:
                for step in layer.steps:
                    tensor = self.apply(step, tensor, frame, step.span)
                return tensor
            span = layer.span
        source = require_tensor(tensor, span)
        slot, attribute = None, ""
        if isinstance(layer, SlotLayer):
            slot, attribute, span = layer.slot.name.id, layer.slot.attribute, layer.span
        elif isinstance(layer, DefinedLayer):
            attribute, span = layer.item.name.id, layer.span
        if not attribute and label is None:
            unfolded = self.unfold(layer, source, frame)
            if isinstance(unfolded, Absent):
                return ABSENT
            value: Value = unfolded.source
            for step, place in unfolded.steps:
                if len(unfolded.steps) == 1 and isinstance(step, DefinedLayer) and isinstance(step.item, syntax.Block):
                    return self.write_out(step, step.item, require_tensor(value, step.span), place)
                value = self.apply(step, value, place, step.span)
            return value
        scope = require_scope(frame)
        path = label or scope.number_attribute(attribute)
        module, start = self.build_module(layer, source, frame.within(scope.open_part(path, span)))
        if isinstance(module, Absent):
            return ABSENT
        return scope.place_module(path, module, [start], span, slot, find_base_attribute(attribute, label))[0]

    def apply_primitive(self, layer: PrimitiveLayer, value: Value, frame: Frame, label: Path | None) -> Value:
        primitive = layer.primitive
        inputs = list_tensors(layer, value, layer.span)
        leaf = self.leaves.build_leaf(layer, tuple([t.shape for t in inputs]), frame)
        scope = require_scope(frame)
        out = scope.place_module(
            label or scope.number_attribute(primitive.attribute),
            leaf,
            inputs,
            layer.span,
            None,
            find_base_attribute(primitive.attribute, label),
        )
        return out[0] if len(out) == 1 and primitive.rule not in ("split", "list_same") else tuple(out)

    # -- modules ------------------------------------------------------------------------------------------------------

    def build_module(self, layer: Layer, source: Tensor, frame: Frame) -> tuple[Module | Absent, Tensor]:
        """The module that a layer becomes, and its input. A chain of one unlabelled step is that step."""
        try:
            if isinstance(layer, (PrimitiveLayer, SlotLayer)) or is_policy(layer):
                return self.build_module_unguarded(layer, source, frame)
            with self.inside(layer.span):
                return self.build_module_unguarded(layer, source, frame)
        except Fault as fault:
            if not isinstance(layer, SlotLayer) or (binding := frame.slots.get(layer.slot)) is None:
                raise
            note = f"`{layer.slot.name.id}` is `{describe(binding.value)}` here, bound at {binding.span}"
            notes = fault.diagnostic.notes
            if sum("here, bound at" in other for other in notes) < MAX_BINDINGS_TOLD:
                notes = (note, *notes)
            raise Fault(replace(fault.diagnostic, notes=notes)) from None

    def build_module_unguarded(self, layer: Layer, source: Tensor, frame: Frame) -> tuple[Module | Absent, Tensor]:
        if isinstance(layer, PrimitiveLayer):
            return self.build_leaf(layer, source, frame), source
        if isinstance(layer, DefinedLayer) and isinstance(layer.item, syntax.Block):
            return self.expand_cached(layer, source.shape, frame), source
        if isinstance(layer, DefinedLayer) and isinstance(layer.item, syntax.Extern):
            from resnetc.compiler.expansion.externs import make_leaf  # few specs have one

            return make_leaf(layer, source, frame, self.frames, self.leaves), source
        if isinstance(layer, (LabelLayer, ChainLayer)):
            layers = layer.steps if isinstance(layer, ChainLayer) else (layer,)
            return self.build_sequence([(s, frame) for s in layers], source, frame, None, (), layer.span), source
        unfolded = self.unfold(layer, source, frame)
        if isinstance(unfolded, Absent):
            return ABSENT, source
        if not unfolded.steps:
            start = unfolded.source
            nothing = PrimitiveLayer(PRIMITIVES["identity"], (), layer.span)
            return self.leaves.build_leaf(nothing, (start.shape,), frame), start
        only, inner = unfolded.steps[0]
        if len(unfolded.steps) == 1 and not isinstance(only, LabelLayer):
            if isinstance(only, PrimitiveLayer):
                return self.build_leaf(only, unfolded.source, inner), unfolded.source
            with self.inside(layer.span):
                return self.build_module(only, unfolded.source, inner)
        start = unfolded.source
        return self.build_sequence(
            unfolded.steps, start, frame, unfolded.origin, unfolded.parameters, layer.span
        ), start

    def build_leaf(self, layer: PrimitiveLayer, source: Tensor, frame: Frame) -> Leaf:
        """The operation that a primitive becomes as a module of its own, with one input and one output."""
        primitive = layer.primitive
        if primitive.rule in LIST_RULES:
            raise Fault(application_errors.list_needed(primitive.name, layer.span))
        if primitive.rule == "split":
            raise Fault(application_errors.not_a_tensor(layer.span, (layer,), "the output of a step in a sequence"))
        return self.leaves.build_leaf(layer, (source.shape,), frame)

    def build_sequence(
        self,
        steps: Steps,
        source: Tensor,
        frame: Frame,
        origin: Origin,
        parameters: Arguments,
        span: Span,
    ) -> Sequence | Absent:
        """An `nn.Sequential`: steps are called by their position, or by their label."""
        self.leaves.count(span)
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
                    raise Fault(application_errors.dotted_in_sequence(".".join(map(str, layer.path)), layer.span))
                key = str(layer.path[0])
                if key in labels:
                    raise Fault(
                        application_errors.duplicate_path(
                            key, layer.span, key, labels[key], find_free_name(key, labels)
                        )
                    )
                labels[key], layer = layer.span, layer.layer
            module, start = self.build_module(layer, current, inner)
            if isinstance(module, Absent):
                return ABSENT
            if isinstance(module, Leaf) and module.is_parameter:
                raise Fault(application_errors.parameter_outside_block(module.primitive.name, layer.span))
            if start is not current:
                raise Fault(application_errors.wrong_source(layer.span))
            children.append((key, module))
            current = Tensor(-1, module.outputs[0])
        return Sequence(
            children=tuple(children),
            shape_in=source.shape,
            shape_out=current.shape,
            origin=origin,
            parameters=parameters,
            span=span,
        )

    # -- slots and policies -------------------------------------------------------------------------------------------

    def unfold(self, layer: Layer, source: Tensor, frame: Frame) -> Unfolded | Absent:
        """The steps that a slot, policy or chain stands for here."""
        if isinstance(layer, SlotLayer):
            with self.inside(layer.span):
                return self.unfold_slot(layer, source, frame)
        if is_policy(layer):
            with self.inside(layer.span):
                return self.unfold_case(self.choices.decide(layer, source, frame), source)
        steps = layer.steps if isinstance(layer, ChainLayer) else (layer,)
        return Unfolded(source, [(s, frame) for s in steps], None)

    def unfold_slot(self, layer: SlotLayer, source: Tensor, frame: Frame) -> Unfolded | Absent:
        value, inner = self.choices.resolve(layer, source, frame)
        if isinstance(value, Absent):
            return ABSENT
        if isinstance(value, PrimitiveLayer):
            return Unfolded(source, [(value, inner)], layer.slot)
        unfolded = self.unfold(value, source, inner)
        if isinstance(unfolded, Unfolded) and unfolded.origin is None:
            unfolded.origin = layer.slot
        return unfolded

    def unfold_case(self, decision: Decision, source: Tensor) -> Unfolded | Absent:
        """A case is a layer, applied to `in`, or a pipe that starts at a tensor argument."""
        expr, frame, policy, numbers = decision.case, decision.frame, decision.policy, decision.numbers
        first, *rest = self.choices.flatten_pipe(expr, frame)
        value = self.evaluator.evaluate(first, frame)
        if isinstance(value, Absent):
            return ABSENT
        if isinstance(value, Tensor):
            source = value
            layers = [self.evaluator.layer(s, frame) for s in rest]
            scope = require_scope(frame)
            if scope.prefix and scope.owns:  # modules stand here already, as those of a block do
                for step in layers:
                    value = self.apply(step, value, frame, step.span if not isinstance(step, Absent) else expr.span)
                if isinstance(value, Absent):
                    return ABSENT
                return Unfolded(require_tensor(value, expr.span), [], policy, numbers)
        else:
            layers = [as_layer(value, first.span), *[self.evaluator.layer(s, frame) for s in rest]]
        joined = chain(layers, expr.span) if layers else ChainLayer((), expr.span)
        if isinstance(joined, Absent):
            return ABSENT
        steps = joined.steps if isinstance(joined, ChainLayer) else (joined,)
        return Unfolded(source, [(s, frame) for s in steps], policy, numbers)

    # -- blocks -------------------------------------------------------------------------------------------------------

    def expand_cached(self, layer: DefinedLayer, shape: Shape, frame: Frame) -> ExpandedBlock:
        """A block expanded, or that of an equal expansion."""
        # A stage of a thousand blocks is a few distinct ones, and all that follows (proof, measures, code) looks at
        # each distinct object once: that keeps the compiler linear in the text, not in the network. What a block
        # becomes depends on its arguments, the shape of its input and the slots in force, and on `here` only if
        # something inside reads it. Whether it does is known once it is expanded, not before: the evaluator notes
        # each field of `here` that is read, and the next occurrence is compared in these alone. What a block has read
        # its outer block has read too, also where an equal expansion is returned: else the outer one would be reused
        # where the two differ.
        # Other networks may have expanded it: then it is borrowed (`shared_blocks.py`).
        expand = partial(self.expand_block, layer, shape, frame)
        shared = self.equal_blocks.get(layer, shape, frame, partial(self.block_cache.get, layer, shape, frame, expand))
        self.block_cache.add(shared, shape)
        return shared.block

    def write_out(self, layer: DefinedLayer, block: syntax.Block, source: Tensor, frame: Frame) -> Tensor:
        """A block whose steps are those of the scope around it: what a transparent slot stands for has no module."""
        scope = require_scope(frame)
        with self.inside(layer.span), scope.attach_remark(block.doc):
            return self.expand_body(layer, block, source, frame, scope, lambda name, type, value: None)

    def expand_block(self, layer: DefinedLayer, shape: Shape, frame: Frame) -> ExpandedBlock:
        assert isinstance(layer.item, syntax.Block)
        scope = Scope(shape)
        return self.finish_block(
            layer.item,
            scope,
            self.expand_body(layer, layer.item, scope.input, frame, scope, partial(note_number, scope)),
        )

    def expand_body(
        self,
        layer: DefinedLayer,
        block: syntax.Block,
        source: Tensor,
        frame: Frame,
        scope: Scope,
        note: Callable[[str, str, Local], None],
    ) -> Tensor:
        """The output of a block for a tensor, its steps placed in a scope; its numbers are noted by their names."""
        for name, value in layer.arguments:
            if holds_tensor(value):
                raise Fault(application_errors.tensor_into_block(block, name, layer.span))
        inner = self.frames.build_definition_frame(layer, source, frame, scope)
        for parameter in block.parameters:
            note(parameter.name.id, parameter.type.id, inner.locals[parameter.name.id])
        for number, statement in enumerate(block.body):
            self.statements.statement(statement, inner)
            if not isinstance(statement, syntax.Let):
                self.effects.check_sets(block, number, inner)
            elif statement.index is None:
                note(statement.name.id, "int", inner.locals[statement.name.id])
        out = self.evaluator.evaluate(block.out, inner)
        if isinstance(out, Absent):
            raise Fault(application_errors.absent_value(block.out.span, f"the output of `{block.name.id}`"))
        if not isinstance(out, Tensor):
            raise Fault(application_errors.not_a_tensor(block.out.span, out, f"the output of `{block.name.id}`"))
        return out

    def finish_block(self, definition: syntax.Block | syntax.Model, scope: Scope, out: Tensor) -> ExpandedBlock:
        scope.drop_unneeded_steps(out)
        leaves = [(s.path, s.operation) for s in scope.steps if isinstance(s.operation, Leaf)]
        own = [path for path, leaf in leaves if leaf.is_parameter]  # torch has a module's own first
        return ExpandedBlock(
            definition=definition,
            steps=tuple(scope.steps),
            wires=tuple(scope.wires),
            output=out.ref,
            order=tuple(scope.order if not own else sorted(scope.order, key=lambda path: path not in own)),
            numbers=tuple(scope.numbers),
            conditions=tuple(scope.constraints),
            here=frozenset(self.evaluator.reads),
        )


def require_scope(frame: Frame) -> Scope:
    """The block or model that layers are applied in."""
    assert isinstance(frame.scope, Scope)
    return frame.scope


def is_policy(layer: Layer) -> TypeGuard[DefinedLayer]:
    return isinstance(layer, DefinedLayer) and isinstance(layer.item, syntax.Policy)


def holds_tensor(value: Value) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, tuple) and any(holds_tensor(v) for v in value))


def find_base_attribute(attribute: str, label: Path | None) -> str | None:
    """The attribute without its ordinal, where no label took its place."""
    return attribute.partition("#")[0] if label is None else None


def note_number(scope: Scope, name: str, type: str, value: Local) -> None:
    """Numbers by their name in the text: what constructor arguments are called after."""
    if isinstance(value, bool):
        scope.numbers.append(NamedNumber(name, "bool", value))
    elif is_number(value):
        scope.numbers.append(NamedNumber(name, type, value))
    elif type == "size" and isinstance(value, tuple):
        scope.numbers.append(NamedNumber(name, type, tuple(number for number in value if isinstance(number, int))))


def make_tensor_evaluator(prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile]) -> Evaluator:
    """An evaluator that also applies layers."""
    return Applier(Interpreter(prelude, homes)).evaluator
