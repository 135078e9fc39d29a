"""Decides what a slot or a policy stands for at one place of the network."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import AnyParameter, as_layer, parameters_by_name
from resnetc.compiler.evaluation.values import (
    Absent,
    Arguments,
    DefinedLayer,
    Layer,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    is_number,
)
from resnetc.compiler.expansion.frames import Frames
from resnetc.compiler.expansion.statements import Statements
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

DECISION = 8  # what a policy costs beside its statements: absent layers leave no operation that would count


@record
class Decision:
    """The case of a policy that holds, what it sees, and the numbers that decided."""

    case: syntax.Expr
    frame: Frame
    policy: syntax.Policy
    numbers: Arguments


class Choices:
    """Looks up the slots of one network, and decides its policies."""

    def __init__(self, evaluator: Evaluator, statements: Statements, frames: Frames) -> None:
        self.evaluator, self.statements, self.frames = evaluator, statements, frames

    def resolve(self, layer: SlotLayer, source: Tensor, frame: Frame) -> tuple[Layer | Absent, Frame]:
        """What a slot is bound to here, with the arguments of this call; and the frame in which it is applied."""
        slot = layer.slot
        self.evaluator.used_slots[slot] = None
        binding = frame.slots.get(slot)
        value = binding.value if binding else as_layer(self.evaluator.default(slot), slot.default.span)
        slots = frame.slots if isinstance(value, PrimitiveLayer) else frame.slots.peel(slot)  # it looks up none
        inner = Frame(spec=frame.spec, slots=slots, locals={}, here=frame.here, scope=frame.scope)
        if isinstance(value, Absent):
            return value, inner
        implied: dict[str, Value] = {}
        if len(layer.arguments) < len(slot.parameters):
            passed = dict(layer.arguments)
            signature = Frame(
                spec=self.evaluator.home(slot),
                slots=frame.slots,
                locals={**passed, "in": source},
                here=frame.here,
                scope=frame.scope,
            )
            for parameter in slot.parameters:
                name, default = parameter.name.id, parameter.default
                if name in passed:
                    continue
                if default is None:
                    raise Fault(errors.missing_argument(slot.name.id, name, layer.span, slot, frame.locals))
                implied[name] = signature.locals[name] = self.evaluator.evaluate(default, signature)
        return pass_arguments(value, layer.arguments, implied, layer.span), inner

    def decide(self, layer: DefinedLayer, source: Tensor, frame: Frame) -> Decision:
        """The case of a policy that holds here."""
        policy = layer.item
        assert isinstance(policy, syntax.Policy)
        self.evaluator.work.charge(DECISION, layer.span)
        inner = self.frames.build_definition_frame(layer, source, frame, frame.scope)
        for statement in policy.body:
            self.statements.statement(statement, inner)
        numbers = tuple([(n, v) for n, v in inner.locals.items() if isinstance(v, tuple) or is_number(v)])
        for case in policy.cases:
            if case.condition is None or self.evaluator.flag(case.condition, inner):
                return Decision(case.value, inner, policy, numbers)
        raise AssertionError("a table ends in `otherwise`")

    def flatten_pipe(self, expr: syntax.Expr, frame: Frame) -> list[syntax.Expr]:
        """The steps of a pipe from its beginning, inside of parentheses and of the side that a choice takes."""
        if isinstance(expr, syntax.Choice):
            return self.flatten_pipe(expr.value if self.evaluator.flag(expr.condition, frame) else expr.other, frame)
        if isinstance(expr, syntax.Pipe):
            first, *rest = expr.steps
            return [*self.flatten_pipe(first, frame), *rest]
        return [expr]


def pass_arguments(value: Layer, passed: Arguments, implied: dict[str, Value], call: Span) -> Layer:
    """A layer with the arguments of a slot's call, as far as it has parameters for them.

    What the call says wins over the binding, the binding over the defaults of the slot's signature. Faults point to
    the call, where the slot's name stands.
    """
    bound = value.arguments if isinstance(value, (PrimitiveLayer, DefinedLayer, SlotLayer)) else ()
    if isinstance(value, PrimitiveLayer):
        primitive = value.primitive
        return PrimitiveLayer(primitive, merge_arguments(primitive.parameters, bound, passed, implied), call)
    if isinstance(value, DefinedLayer):
        item, arguments = value.item, merge_arguments(value.item.parameters, bound, passed, implied)
        return DefinedLayer(item=item, spec=value.spec, arguments=arguments, bindings=value.bindings, span=call)
    if isinstance(value, SlotLayer):
        return SlotLayer(value.slot, merge_arguments(value.slot.parameters, bound, passed, implied), call)
    return value


def merge_arguments(
    parameters: tuple[AnyParameter, ...], bound: Arguments, passed: Arguments, implied: dict[str, Value]
) -> Arguments:
    if not passed and not implied:
        return bound  # in order, as calls bind arguments
    values = {**implied}
    values.update(bound)
    values.update(passed)
    return tuple([(n, values[n]) for n in parameters_by_name(parameters) if n in values])
