"""Binds arguments to the parameters of primitives, blocks, policies, slots and models; keywords may bind slots."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import (
    AnyParameter,
    as_layer,
    check_binding,
    coerce,
    parameters_by_name,
    types_by_name,
)
from resnetc.compiler.evaluation.values import (
    ABSENT,
    COMPOUND,
    Absent,
    Arguments,
    Bound,
    DefinedLayer,
    Definition,
    LabelLayer,
    Layer,
    ModelValue,
    PrimitiveLayer,
    SlotLayer,
    Value,
)
from resnetc.compiler.evaluation.work_budget import Work
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

Functions = Callable[[str, tuple[Value, ...], Span], Value]
"""What `min`, `floor` and the other functions make of their arguments."""


class Expressions(Protocol):
    """What a call needs of the evaluator that came upon it."""

    @property
    def work(self) -> Work: ...
    def evaluate(self, expr: syntax.Expr, frame: Frame) -> Value: ...
    def substituted(self, expr: syntax.Expr, frame: Frame) -> str: ...
    def slot_named(self, name: str, frame: Frame, spec: SpecFile | None) -> syntax.Slot | None: ...
    def slot_names(self, frame: Frame, spec: SpecFile | None) -> list[str]: ...


class Calls:
    """Makes of a callee and its arguments a layer, a model, or what a function gives."""

    def __init__(self, evaluator: Expressions, functions: Functions) -> None:
        self.evaluator, self.functions = evaluator, functions

    def call(self, expr: syntax.Call, frame: Frame) -> Value:
        value = self.evaluate_call(expr, frame)
        return self.evaluator.work.check_size(value, expr.span) if type(value) in COMPOUND else value

    def evaluate_call(self, expr: syntax.Call, frame: Frame) -> Value:
        callee = self.evaluator.evaluate(expr.callee, frame)
        if isinstance(callee, Definition) and callee.kind == "function":
            return self.function(callee.name, expr, frame)
        stated = [(a, self.evaluator.evaluate(a.value, frame)) for a in expr.arguments]
        if isinstance(callee, (SlotLayer, DefinedLayer, PrimitiveLayer)):
            return self.extended(callee, stated, frame, expr.span)
        match callee:
            case ModelValue(item, spec, arguments, bindings, instances):
                merged, bound = self.merge(item.parameters, arguments, stated, item.name.id, frame, spec)
                return ModelValue(
                    item=item,
                    spec=spec,
                    arguments=merged,
                    bindings=(*bindings, *bound),
                    instances=instances,
                    span=expr.span,
                )
            case LabelLayer(path, layer):
                if not isinstance(layer, (SlotLayer, DefinedLayer, PrimitiveLayer)):
                    raise Fault(errors.not_callable(layer, expr.callee.span))
                return LabelLayer(path, self.extended(layer, stated, frame, layer.span), expr.span)
            case Absent():
                return ABSENT
        raise Fault(errors.not_callable(callee, expr.callee.span))

    def extended(
        self,
        layer: SlotLayer | DefinedLayer | PrimitiveLayer,
        stated: list[tuple[syntax.Argument, Value]],
        frame: Frame,
        span: Span,
    ) -> Layer:
        """A layer with more arguments, of a call at `span`; a labelled one stays where it is: `down(pre=pre)`."""
        if isinstance(layer, SlotLayer):
            slot = layer.slot
            merged, _ = self.merge(slot.parameters, layer.arguments, stated, slot.name.id, frame, None)
            return SlotLayer(slot, merged, span)
        if isinstance(layer, DefinedLayer):
            item, spec = layer.item, layer.spec
            merged, bound = self.merge(item.parameters, layer.arguments, stated, item.name.id, frame, spec)
            return DefinedLayer(item=item, spec=spec, arguments=merged, bindings=(*layer.bindings, *bound), span=span)
        primitive = layer.primitive
        merged, _ = self.merge(primitive.parameters, layer.arguments, stated, primitive.name, frame, None)
        return PrimitiveLayer(primitive, merged, span)

    def function(self, name: str, expr: syntax.Call, frame: Frame) -> Value:
        arguments = tuple([self.evaluator.evaluate(a.value, frame) for a in expr.arguments])
        self.evaluator.work.charge_elements(arguments, expr.span)
        named = [a.name for a in expr.arguments if a.name]
        if named and not (name == "nearest" and len(named) == 1 and named[0].id == "keep" and expr.arguments[-1].name):
            raise Fault(
                errors.unknown_parameter(name, named[0].id, named[0].span, ["keep"] if name == "nearest" else [], [])
            )
        return self.functions(name, arguments, expr.span)

    def merge(
        self,
        parameters: tuple[AnyParameter, ...],
        arguments: Arguments,
        stated: list[tuple[syntax.Argument, Value]],
        of: str,
        frame: Frame,
        spec: SpecFile | None,
    ) -> tuple[Arguments, list[Bound]]:
        """The arguments of earlier calls with those of this one; positions fill the parameters still free.

        With `spec` (blocks, policies, models) a keyword may also name a slot, which is then bound inside.
        """
        # A layer may be called several times before it is applied: `conv(64)` is a layer, and `conv(64)(kernel=3)` the
        # same with one argument more. So positions fill what earlier calls left free, while a keyword may replace what
        # an earlier call said. Only within one call are two values for one parameter a fault, which is what `fresh` is
        # for.
        by_name, fitting = parameters_by_name(parameters), types_by_name(parameters)
        values = dict(arguments)
        free = iter(by_name)
        fresh: set[str] = set()
        bound: list[Bound] = []
        for argument, value in stated:
            if argument.name is None:
                for name in free:
                    if name not in values:
                        break
                else:
                    raise Fault(errors.too_many_arguments(of, argument.span, list(by_name)))
            else:
                name = argument.name.id
                if name not in by_name:
                    slot = self.evaluator.slot_named(name, frame, spec) if spec else None
                    if slot is None:
                        slots = self.evaluator.slot_names(frame, spec) if spec else []
                        raise Fault(errors.unknown_parameter(of, name, argument.name.span, list(by_name), slots))
                    value = as_layer(value, argument.value.span)
                    check_binding(slot, value, argument.value.span)
                    bound.append(Bound(slot, value, argument.span))
                    continue
                if name in fresh:
                    positional = [other for other, _ in stated if other.name is None]
                    raise Fault(errors.given_twice(of, name, argument.name.span, positional))
            fresh.add(name)
            if type(value) not in fitting[name]:
                substituted = partial(self.evaluator.substituted, argument.value, frame)
                value = coerce(value, by_name[name], argument.value.span, of, substituted)
            values[name] = value
        return tuple([(n, values[n]) for n in by_name if n in values]), bound
