"""Warnings about labels that name nothing: no key of the state dict, no module."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.lints.mentions import Mentions
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.reads import indices
from resnetc.grammar.forms import FUNCTIONAL

NEVER_STORED = FUNCTIONAL | {"identity"}
"""The operations that no module stands for in a block; in a sequence all of them are modules."""


def find_labels_without_effect(spec: SpecFile, mentions: Mentions) -> Iterator[Diagnostic]:
    """`pool: global_avg_pool` in a block or at the ends of a model, where `forward` computes it without a module."""
    for item in spec.tree.items:
        steps: list[syntax.Expr] = []
        if isinstance(item, syntax.Model):
            steps = [*list_chained_steps(item.stem), *list_chained_steps(item.head)]
        elif isinstance(item, syntax.Block):
            tensors = {"in"}
            for value in list_values(item.body, tensors):
                steps += list_applied_steps(value, tensors)
            steps += list_applied_steps(item.out, tensors)
        for step in steps:
            if isinstance(step, syntax.Labelled) and not any(indices(step.path)):
                callee = step.value.callee if isinstance(step.value, syntax.Call) else step.value
                if isinstance(callee, syntax.Name) and callee.id in NEVER_STORED:
                    yield label_without_effect(step, callee.id)


def list_values(body: tuple[syntax.Statement, ...], tensors: set[str]) -> Iterator[syntax.Expr]:
    """The values that the `let` of a body name, one after the other; the names of tensors are added to `tensors`."""
    for statement in body:
        if isinstance(statement, syntax.Each):
            if is_tensor(statement.values, tensors):
                tensors.add(statement.name.id)
            yield from list_values(statement.body, tensors)
        elif isinstance(statement, syntax.Let):
            yield statement.value
            if is_tensor(statement.value, tensors):
                tensors.add(statement.name.id)


def is_tensor(value: syntax.Expr, tensors: set[str]) -> bool:
    """Whether a value is a tensor or a list of them, and no layer, as far as its text says."""
    match value:
        case syntax.Name(id):
            return id in tensors
        case syntax.Pipe(steps):
            return is_tensor(steps[0], tensors)
        case syntax.Binary("+" | "-" | "*" | "/", left, right):
            return is_tensor(left, tensors) or is_tensor(right, tensors)
        case syntax.Negate(operand):
            return is_tensor(operand, tensors)
        case syntax.Choice(chosen, _, other):
            return is_tensor(chosen, tensors) or is_tensor(other, tensors)
        case syntax.Index(of, _):
            return is_tensor(of, tensors)
        case syntax.List(items):
            return any(is_tensor(item, tensors) for item in items)
    return False


def list_applied_steps(value: syntax.Expr, tensors: set[str]) -> Iterator[syntax.Expr]:
    """The layers that a value applies to tensors of its block."""
    match value:
        case syntax.Pipe(steps) if is_tensor(steps[0], tensors):
            yield from list_applied_steps(steps[0], tensors)
            for step in steps[1:]:
                yield from list_chained_steps(step)
        case syntax.Binary(_, left, right):
            yield from list_applied_steps(left, tensors)
            yield from list_applied_steps(right, tensors)
        case syntax.Negate(operand):
            yield from list_applied_steps(operand, tensors)
        case syntax.Choice(chosen, _, other):
            yield from list_applied_steps(chosen, tensors)
            yield from list_applied_steps(other, tensors)
        case syntax.List(items):
            for item in items:
                yield from list_applied_steps(item, tensors)


def list_chained_steps(layer: syntax.Expr) -> Iterator[syntax.Expr]:
    """The steps of a layer: parentheses by themselves make no scope."""
    if isinstance(layer, syntax.Pipe):
        for step in layer.steps:
            yield from list_chained_steps(step)
    else:
        yield layer


def label_without_effect(step: syntax.Labelled, operation: str) -> Diagnostic:
    behind = Span(step.span.source, step.path.span.start, step.value.span.start)
    label = step.path.span.text
    return Diagnostic(
        "W0611",
        f"the label `{label}` has no effect",
        Label(step.path.span, f"`{operation}` has no weights and is not a module here"),
        helps=(f"write `{operation}` without the label, or label the step that has the weights",),
        fix=(Edit(behind, ""),),
        is_certain=True,
    )
