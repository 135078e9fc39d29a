"""The operators on tensors, with each other and with numbers, including absent branches."""

from __future__ import annotations

from typing import Protocol

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.arithmetic import arithmetic, division_by_zero, not_numbers
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import (
    ABSENT,
    Absent,
    Arguments,
    Layer,
    Number,
    PrimitiveLayer,
    Tensor,
    Value,
    is_number,
)
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.elementwise import join_shapes
from resnetc.compiler.expansion.leaves import Leaves
from resnetc.compiler.ir.network import Join
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.forms import LEFT, OPERATORS, RIGHT

ARITHMETIC = ("+", "-", "*", "/", "%")
JOINS: dict[str, Join] = {"+": "+", "-": "-", "*": "*"}


class Applies(Protocol):
    """Applies a layer to a tensor: the result is a tensor, a list of tensors, or absent."""

    leaves: Leaves

    def apply(self, layer: Layer | Absent, tensor: Value, frame: Frame, span: Span) -> Value: ...


class TensorOperators:
    """Gives an evaluator the rules for operators with tensors at their sides."""

    def __init__(self, evaluator: Evaluator, applier: Applies) -> None:
        self.evaluator, self.applier = evaluator, applier
        evaluator.rules |= {syntax.Pipe: self.pipe, syntax.Binary: self.binary, syntax.Negate: self.negate}

    def pipe(self, expr: syntax.Pipe, frame: Frame) -> Value:
        first, *rest = expr.steps
        value = self.evaluator.evaluate(first, frame)
        if not is_dataflow(value):
            return self.evaluator.chain_layers(expr, value, frame)
        for step in rest:
            value = self.applier.apply(self.evaluator.layer(step, frame), value, frame, step.span)
        return value

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        if expr.op not in ARITHMETIC:
            return self.evaluator.binary(expr, frame)
        left, right = self.evaluator.evaluate(expr.left, frame), self.evaluator.evaluate(expr.right, frame)
        if not is_dataflow(left) and not is_dataflow(right):
            return self.evaluator.apply_operator(expr, left, right, frame)
        self.evaluator.charge_lists(left, right, expr.span)
        return self.combine(left, right, expr, frame)

    def negate(self, expr: syntax.Negate, frame: Frame) -> Value:
        value = self.evaluator.evaluate(expr.value, frame)
        return (
            self.negate_value(value, expr.span, frame) if is_dataflow(value) else arithmetic("-", 0, value, expr.span)
        )

    def negate_value(self, value: Value, span: Span, frame: Frame) -> Value:
        """`-value`; a list element by element, an absent branch stays absent."""
        if isinstance(value, tuple):
            return tuple(self.negate_value(element, span, frame) for element in value)
        if isinstance(value, Tensor):
            return self.apply_operation(PrimitiveLayer(OPERATORS["negate"], (), span), value, frame)
        return value

    def combine(self, left: Value, right: Value, expr: syntax.Binary, frame: Frame) -> Value:
        """What an operator makes of two sides; lists element by element."""
        if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
            return tuple(self.combine(a, b, expr, frame) for a, b in zip(left, right, strict=True))
        if isinstance(left, tuple) and is_number(right):
            return tuple(self.combine(element, right, expr, frame) for element in left)
        if isinstance(right, tuple) and is_number(left):
            return tuple(self.combine(left, element, expr, frame) for element in right)
        if isinstance(left, Absent) or isinstance(right, Absent):
            return self.combine_absent(left, right, expr, frame)
        if isinstance(left, Tensor) and is_number(right):
            return self.combine_with_number(left, right, RIGHT, expr, frame)
        if isinstance(right, Tensor) and is_number(left):
            return self.combine_with_number(right, left, LEFT, expr, frame)
        if not is_dataflow(left) and not is_dataflow(right):  # elements of lists
            return self.evaluator.apply_operator(expr, left, right, frame)
        sides = [require_operand(left, expr.left, expr), require_operand(right, expr.right, expr)]
        if expr.op not in JOINS:
            raise Fault(not_numbers(expr.op, left, right, right, expr.span))
        assert frame.scope is not None  # tensors are made in it
        shape = join_shapes(expr.op, sides[0], sides[1], expr, frame.scope)
        return frame.scope.join(JOINS[expr.op], sides, shape, expr.span)

    def combine_absent(self, left: Value, right: Value, expr: syntax.Binary, frame: Frame) -> Value:
        """An absent side of a sum leaves the other; an absent branch times a number is absent."""
        if expr.op == "+":
            return right if isinstance(left, Absent) else left
        if expr.op == "-":
            if isinstance(right, Absent):
                return left
            return (
                self.negate_value(right, expr.span, frame)
                if is_dataflow(right)
                else arithmetic("-", 0, right, expr.span)
            )
        if is_number(right) or (is_number(left) and expr.op == "*"):
            if expr.op == "/" and right == 0:
                raise Fault(division_by_zero(expr.op, expr.span))
            return ABSENT
        text = expr.left if isinstance(left, Absent) else expr.right
        raise Fault(
            application_errors.absent_value(text.span, "a factor" if expr.op == "*" else f"a side of `{expr.op}`")
        )

    def combine_with_number(
        self, tensor: Tensor, number: Number, side: str, expr: syntax.Binary, frame: Frame
    ) -> Value:
        """`0.2 * x`, `1 - x`, `x / 3`."""
        if expr.op == "%" or (expr.op == "/" and side == LEFT):
            left, right = (tensor, number) if side == RIGHT else (number, tensor)
            raise Fault(not_numbers(expr.op, left, right, tensor, expr.span))
        self.require_factor(number, side, expr)
        arguments: Arguments = (("number", number), ("side", side))
        return self.apply_operation(PrimitiveLayer(OPERATORS[expr.op], arguments, expr.span), tensor, frame)

    def require_factor(self, number: Value, side: str, expr: syntax.Binary) -> None:
        """A branch is not multiplied by 0, nor divided by it."""
        if number == 0 and expr.op == "/":
            raise Fault(division_by_zero(expr.op, expr.span))
        if number == 0 and expr.op == "*":
            raise Fault(application_errors.factor_of_zero(expr, expr.left if side == LEFT else expr.right))

    def apply_operation(self, layer: PrimitiveLayer, tensor: Tensor, frame: Frame) -> Tensor:
        """A step of the dataflow that no module stands for."""
        assert frame.scope is not None  # tensors are made in it
        leaf = self.applier.leaves.build_leaf(layer, (tensor.shape,), frame)
        return frame.scope.join(leaf, [tensor], tensor.shape, layer.span)


def is_dataflow(value: Value) -> bool:
    """Whether a value is part of the dataflow: a tensor, an absent branch, a list of tensors."""
    if type(value) is tuple:
        return bool(value) and all(is_dataflow(v) for v in value)
    return type(value) is Tensor or type(value) is Absent


def require_operand(value: Value, text: syntax.Expr, expr: syntax.Binary) -> Tensor:
    if not isinstance(value, Tensor):
        raise Fault(application_errors.not_a_tensor(text.span, value, f"a side of `{expr.op}`", "a tensor or a number"))
    return value
