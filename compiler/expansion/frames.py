"""Makes the frames of blocks, policies and models: parameters with their values, and the slots that calls bind."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import partial

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Builder, Frame
from resnetc.compiler.evaluation.parameters import coerce, types_by_name
from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import Arguments, DefinedLayer, Tensor, Value
from resnetc.compiler.expansion.binding_effects import BindingEffects
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.expansion.statements import Statements
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Frames:
    """Makes the frames of one network."""

    def __init__(self, evaluator: Evaluator, statements: Statements, effects: BindingEffects) -> None:
        self.evaluator, self.statements, self.effects = evaluator, statements, effects

    def build_model_frame(self, request: Request) -> Frame:
        """The model's frame: sealed slots, parameters, `set`, `let`, `require`, then the slots that instances bind."""
        value, model = request.model, request.model.item
        slots = Slots({}, self.evaluator.lookups)
        for seal in request.seals:
            slots = slots.bind(seal.slot, seal.value, seal.span, sealed=True)
        frame = Frame(value.spec, slots)
        self.bind_parameters(frame, model, value.arguments, value.span, (), request.arguments)
        for statement in model.body:
            self.statements.statement(statement, frame)
        for bound in value.bindings:
            frame.slots = self.statements.bindings.bind(frame.slots, bound.slot, bound.value, bound.span)
        return frame

    def build_definition_frame(self, layer: DefinedLayer, source: Tensor, frame: Frame, scope: Builder | None) -> Frame:
        """The frame of a block or policy: `in`, its parameters with their defaults, the slots that the call binds."""
        item, slots = layer.item, frame.slots
        for bound in layer.bindings:
            self.effects.check_keyword(bound, layer, frame)
            slots = self.statements.bindings.bind(slots, bound.slot, bound.value, layer.span)
        inner = Frame(spec=layer.spec, slots=slots, locals={"in": source}, here=frame.here, scope=scope)
        self.bind_parameters(inner, item, layer.arguments, layer.span, frame.locals, {})
        return inner

    def bind_parameters(
        self,
        frame: Frame,
        item: syntax.Block | syntax.Policy | syntax.Model | syntax.Extern,
        arguments: Arguments,
        call: Span,
        scope: Container[str],
        from_request: Mapping[str, tuple[Value, Span]],
    ) -> None:
        """Gives every parameter what is asked for from outside, what the call says, or its default.

        `scope` has the names that mean something where the call stands.
        """
        call_arguments, fitting = dict(arguments), types_by_name(item.parameters)
        axes = set()
        for parameter in item.parameters:
            name = parameter.name.id
            if name in from_request:
                raw, span = from_request[name]
                value = coerce(raw, parameter, span, item.name.id)
            elif name in call_arguments:
                value = call_arguments[name]
            elif parameter.default is None:
                raise Fault(errors.missing_argument(item.name.id, name, call, item, scope))
            else:
                value = self.evaluator.evaluate(parameter.default, frame)
                if type(value) not in fitting[name]:
                    substituted = partial(self.evaluator.substituted, parameter.default, frame)
                    value = coerce(value, parameter, parameter.default.span, item.name.id, substituted)
            frame.locals[name] = value
            if parameter.type.id == "size":
                axes.add(name)
        frame.axes = frozenset(axes)
