"""Runs the statements of blocks, policies and models."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import check_binding
from resnetc.compiler.evaluation.values import Definition, LabelLayer, Tensor, describe
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.bindings import Bindings
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Statements:
    """Carries statements out in a frame; `arguments_span` is where the arguments of the model come from."""

    def __init__(self, evaluator: Evaluator, bindings: Bindings, arguments_span: Span | None) -> None:
        self.evaluator, self.bindings, self.arguments_span = evaluator, bindings, arguments_span

    def statement(self, statement: syntax.Statement, frame: Frame) -> None:
        self.evaluator.work.charge(1, statement.span)
        if isinstance(statement, syntax.Let):
            self.bind_local(statement.name, statement.index, statement.value, frame)
            return
        match statement:
            case syntax.Require():
                self.require(statement, frame)
            case syntax.SetSlot(name, value, span):
                self.set_slot(name, value, span, frame)
            case syntax.Each(name, values, body, _):
                elements = self.evaluator.evaluate(values, frame)
                if not isinstance(elements, tuple):
                    raise Fault(errors.not_a_list(elements, values.span))
                for element in elements:
                    frame.locals[name.id] = element
                    for inner in body:
                        self.statement(inner, frame)
                frame.locals.pop(name.id, None)

    def bind_local(self, name: syntax.Name, index: syntax.Expr | None, expr: syntax.Expr, frame: Frame) -> None:
        value = self.evaluator.evaluate(expr, frame)
        if index is None:
            if frame.scope is not None:
                if isinstance(value, Tensor):
                    frame.scope.name(value, name.id)
                elif isinstance(value, tuple):
                    tensors = [element for element in value if isinstance(element, Tensor)]
                    for tensor in tensors if len(tensors) == len(value) else ():
                        frame.scope.name(tensor, name.id)
                elif isinstance(value, LabelLayer):
                    frame.scope.reserve_label(value.path, value.span)
            frame.locals[name.id] = value
            return
        elements = frame.locals.setdefault(name.id, {})
        number = self.evaluator.integer(index, frame)
        if not isinstance(elements, dict) or number in elements:
            raise Fault(application_errors.set_twice(f"{name.id}[{number}]", name.span))
        elements[number] = value
        if frame.scope is not None and isinstance(value, Tensor):
            frame.scope.name(value, f"{name.id}[{number}]")

    def require(self, statement: syntax.Require, frame: Frame) -> None:
        if self.evaluator.flag(statement.condition, frame):
            return
        arguments_span = (
            self.arguments_span if frame.scope is None else None
        )  # a model's own requirement is one on its arguments
        raise Fault(requirement(statement, self.trace_condition(statement.condition, frame), arguments_span))

    def trace_condition(self, condition: syntax.Expr, frame: Frame) -> list[str]:
        """The values that made a condition false: `33 % 6 is 3`."""
        if isinstance(condition, syntax.Binary) and condition.op in ("and", "or"):
            return [*self.trace_condition(condition.left, frame), *self.trace_condition(condition.right, frame)]
        if not isinstance(condition, syntax.Binary):
            return []
        out = []
        for side in (condition.left, condition.right):
            value = self.evaluator.evaluate(side, frame)
            if isinstance(side, (syntax.Number, syntax.String)) or isinstance(value, Definition):
                continue
            plain = isinstance(side, (syntax.Name, syntax.Attribute))
            text = side.span.text if plain else self.evaluator.substituted(side, frame)
            out.append(f"`{text}` is {describe(value)}")
        return out

    def set_slot(self, name: syntax.Name, expr: syntax.Expr, span: Span, frame: Frame) -> None:
        """`set slot = value`: from here on, in all that is expanded inside."""
        slot = self.evaluator.slot_named(name.id, frame, frame.spec)
        if slot is None:
            raise Fault(errors.not_a_slot(name.id, name.span, self.evaluator.slot_names(frame, frame.spec)))
        value = self.evaluator.layer(expr, frame)
        check_binding(slot, value, expr.span)
        frame.slots = self.bindings.bind(frame.slots, slot, value, span)


def requirement(statement: syntax.Require, values: list[str], arguments_span: Span | None) -> Diagnostic:
    return Diagnostic(
        code="E0401",
        message=statement.text or "a requirement is not met",
        primary=Label(
            statement.condition.span, f"{', '.join(values)}, so this is false" if values else "this is false"
        ),
        labels=(Label(arguments_span, "used here"),) if arguments_span is not None else (),
        helps=("pass arguments that meet the requirement",),
    )
