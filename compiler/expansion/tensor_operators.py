"""The operators `|>`, `+` and `*` on tensors, including absent branches."""

from __future__ import annotations

from typing import Protocol

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import Absent, Layer, Tensor, Value
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.elementwise import join_shapes
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Applies(Protocol):
    """Applies a layer to a tensor: the result is a tensor, a list of tensors, or absent."""

    def apply(self, layer: Layer | Absent, tensor: Value, frame: Frame, span: Span) -> Value: ...


class TensorOperators:
    """Gives an evaluator the rules for operators with tensors at their sides."""

    def __init__(self, evaluator: Evaluator, applier: Applies) -> None:
        self.evaluator, self.applier = evaluator, applier
        evaluator.rules |= {syntax.Pipe: self.pipe, syntax.Binary: self.binary}

    def pipe(self, expr: syntax.Pipe, frame: Frame) -> Value:
        first, *rest = expr.steps
        value = self.evaluator.evaluate(first, frame)
        if not flows(value):
            return self.evaluator.chain_layers(expr, value, frame)
        for step in rest:
            value = self.applier.apply(self.evaluator.layer(step, frame), value, frame, step.span)
        return value

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        if expr.op not in ("+", "*"):
            return self.evaluator.binary(expr, frame)
        left, right = self.evaluator.evaluate(expr.left, frame), self.evaluator.evaluate(expr.right, frame)
        if not flows(left) and not flows(right):
            return self.evaluator.apply_operator(expr, left, right, frame)
        self.evaluator.charge_lists(left, right, expr.span)
        return combine(expr.op, left, right, expr, frame)


def flows(value: Value) -> bool:
    """Whether a value is part of the dataflow: a tensor, an absent branch, a list of tensors."""
    return isinstance(value, (Tensor, Absent)) or (
        isinstance(value, tuple) and bool(value) and all(flows(v) for v in value)
    )


def combine(op: str, left: Value, right: Value, expr: syntax.Binary, frame: Frame) -> Value:
    """`+` and `*` on tensors; lists element by element; an absent side of `+` leaves the other."""
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return tuple(combine(op, a, b, expr, frame) for a, b in zip(left, right, strict=True))
    if op == "+" and isinstance(left, Absent):
        return right
    if op == "+" and isinstance(right, Absent):
        return left
    sides: list[Tensor] = []
    for side, text in ((left, expr.left), (right, expr.right)):
        if isinstance(side, Absent):
            raise Fault(application_errors.absent_value(text.span, "a factor"))
        if not isinstance(side, Tensor):
            raise Fault(application_errors.not_a_tensor(text.span, side, f"a side of `{op}`"))
        sides.append(side)
    assert frame.scope is not None  # tensors are made in it
    shape = join_shapes(op, sides[0], sides[1], expr, frame.scope)
    return frame.scope.join("+" if op == "+" else "*", sides, shape, expr.span)
