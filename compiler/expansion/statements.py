"""The statements of blocks, policies and models."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import check_binding
from resnetc.compiler.evaluation.values import LabelLayer, Tensor, Value
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Statements(Evaluator):
    """An evaluator that carries statements out in a frame; what a `require` asks of is left to those who know it."""

    # -- statements ---------------------------------------------------------------------------------------------------

    def statement(self, statement: syntax.Statement, frame: Frame) -> None:
        self.work.charge(1, statement.span)
        match statement:
            case syntax.Let(name, index, value, _):
                self.let(name, index, value, frame)
            case syntax.Require():
                self.require(statement, frame)
            case syntax.SetSlot(name, value, span):
                self.set_slot(name, value, span, frame)
            case syntax.Each(name, values, body, _):
                elements = self.evaluate(values, frame)
                if not isinstance(elements, tuple):
                    raise Fault(errors.not_a_list(elements, values.span))
                for element in elements:
                    frame.locals[name.id] = element
                    for inner in body:
                        self.statement(inner, frame)
                frame.locals.pop(name.id, None)

    def let(self, name: syntax.Name, index: syntax.Expr | None, expr: syntax.Expr, frame: Frame) -> None:
        value = self.evaluate(expr, frame)
        if index is None:
            if frame.scope is not None:
                if isinstance(value, Tensor):
                    frame.scope.name(value, name.id)
                elif isinstance(value, tuple) and value and all(isinstance(v, Tensor) for v in value):
                    for element in value:
                        frame.scope.name(element, name.id)
                elif isinstance(value, LabelLayer):
                    frame.scope.reserve(value.path, value.span)
            frame.locals[name.id] = value
            return
        elements = frame.locals.setdefault(name.id, {})
        number = self.integer(index, frame)
        if not isinstance(elements, dict) or number in elements:
            raise Fault(errors.set_twice(f"{name.id}[{number}]", name.span))
        elements[number] = value
        if frame.scope is not None and isinstance(value, Tensor):
            frame.scope.name(value, f"{name.id}[{number}]")

    def require(self, statement: syntax.Require, frame: Frame) -> None:
        raise NotImplementedError

    def set_slot(self, name: syntax.Name, expr: syntax.Expr, span: Span, frame: Frame) -> None:
        """`set slot = value`: from here on, in all that is expanded inside."""
        slot = self.slot_named(name.id, frame, frame.spec)
        if slot is None:
            raise Fault(errors.not_a_slot(name.id, name.span, self.slot_names(frame, frame.spec)))
        value = self.layer(expr, frame)
        check_binding(slot, value, expr.span)
        self.bind(slot, value, span, frame)

    def bind(self, slot: syntax.Slot, value: Value, span: Span, frame: Frame) -> None:
        """A slot bound from here on, unless a binding from outside has sealed it."""
        current = frame.slots.get(slot)
        if current is None or not current.sealed:
            frame.slots = frame.slots.bind(slot, value, span)
