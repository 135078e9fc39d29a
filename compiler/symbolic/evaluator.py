"""Evaluates expressions in which some names are sizes of the input: a comparison of these is a `SymBool`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Protocol

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.arithmetic import apply_function, numbers_of
from resnetc.compiler.evaluation.evaluator import Evaluator, Rule
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import Value
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.predicates import Comparison, SymBool, combine_all, combine_any, compare_values
from resnetc.compiler.symbolic.values import OPEN, compute, round_sizes, undecided
from resnetc.compiler.syntax import tree as syntax


class Causes(Protocol):
    """A list of what was found false, from whose end something can be taken back."""

    def __len__(self) -> int: ...
    def __delitem__(self, part: slice, /) -> None: ...


class SizedEvaluator:
    """Knows the sizes of an input, and what else is `known` of it: its evaluator has other rules where these count.

    `blamed` are further lists of what makes a statement false, besides its comparisons.
    """

    def __init__(self, evaluator: Evaluator, values: Mapping[str, Value], blamed: Sequence[Causes] = ()) -> None:
        self.evaluator = Evaluator(evaluator.prelude, evaluator.homes, apply_sized_function)
        self.values = dict(values)
        self.false: list[Comparison] = []
        self.cause_lists = (self.false, *blamed)
        rules: dict[type, Rule] = {
            syntax.Name: self.name,
            syntax.Negate: lambda e, f: compute("-", 0, self.evaluator.evaluate(e.value, f), e.span),
            syntax.Binary: self.binary,
            syntax.Choice: self.choice,
        }
        self.evaluator.rules |= rules

    def name(self, expr: syntax.Name, frame: Frame, others: Iterable[str] = ()) -> Value:
        if expr.id not in frame.locals and expr.id in self.values:
            return self.values[expr.id]
        return self.evaluator.name(expr, frame, chain(self.values, others))

    def forget_comparisons(self) -> Callable[[], None]:
        """Forgets, when it is called, what was found false meanwhile: nothing is false by it."""
        before = [len(causes) for causes in self.cause_lists]

        def forget() -> None:
            for causes, count in zip(self.cause_lists, before, strict=True):
                del causes[count:]

        return forget

    def joined(self, expr: syntax.Binary, frame: Frame) -> bool | SymBool:
        first = self.evaluate_condition(expr.left, frame)
        if first is (expr.op == "or"):
            return first
        second = self.evaluate_condition(expr.right, frame)
        return combine_all([first, second]) if expr.op == "and" else combine_any(first, second, expr.span)

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        forget = self.forget_comparisons()
        if expr.op in ("and", "or"):
            result = self.joined(expr, frame)
            if result is not False:
                forget()
            return result
        left, right = self.evaluator.evaluate(expr.left, frame), self.evaluator.evaluate(expr.right, frame)
        forget()
        if expr.op in "+-*/%":
            return compute(expr.op, left, right, expr.span)
        left, right = self.evaluator.resolve_bare_slot(left, frame), self.evaluator.resolve_bare_slot(right, frame)
        for truth, flag in ((left, right), (right, left)):
            if isinstance(truth, SymBool) and isinstance(flag, (bool, SymBool)):
                raise Fault(
                    undecided(expr.span, "conditions on sizes can be joined with `and` and `or`, but not compared")
                )
        claim = Comparison(expr, left, right)
        result = compare_values(expr.op, left, right, claim)
        if result is False:
            self.false.append(claim)
        return result

    def evaluate_condition(self, expr: syntax.Expr, frame: Frame) -> bool | SymBool:
        """A statement: true or false, or open until the sizes are known."""
        value = self.evaluator.evaluate(expr, frame)
        if isinstance(value, (bool, SymBool)):
            return value
        raise Fault(errors.not_a_flag(expr.span, value))

    def flag(self, expr: syntax.Expr, frame: Frame) -> bool:
        value = self.evaluate_condition(expr, frame)
        if isinstance(value, SymBool):
            raise Fault(undecided(expr.span, "a conditional must not depend on a size"))
        return value

    def choice(self, expr: syntax.Choice, frame: Frame) -> Value:
        forget = self.forget_comparisons()
        chosen = expr.value if self.flag(expr.condition, frame) else expr.other
        forget()
        return self.evaluator.evaluate(chosen, frame)


def apply_sized_function(name: str, arguments: tuple[Value, ...], span: Span) -> Value:
    """What a function gives; of open sizes, where it takes some."""
    if name in ("ceil", "floor", "max", "min"):
        listed = numbers_of(arguments) if name in ("max", "min") else arguments
        if any(isinstance(v, OPEN) for v in listed) and (name in ("max", "min") or len(listed) == 1):
            return round_sizes(name, listed, span)
    return apply_function(name, arguments, span)


def list_mentioned_names(expr: syntax.Expr, of_fields: bool = False) -> set[str]:
    """The names in an expression; those of fields too if asked for."""
    ids: set[str] = set()
    pending: list[object] = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, syntax.Name):
            ids.add(node.id)
        elif isinstance(node, syntax.Attribute):
            pending.append(node.value)
            if of_fields:
                ids.add(node.name.id)
        elif isinstance(node, tuple):
            pending.extend(node)
        elif is_dataclass(node) and not isinstance(node, Span):
            pending.extend(getattr(node, field.name) for field in fields(node))
    return ids


def mentions_sizes(expr: syntax.Expr, symbols: frozenset[str]) -> bool:
    """Whether an expression speaks of sizes: of the input's by a symbol, of a map's by its shape. Channels are none."""
    pending: list[object] = [expr]
    while pending:
        node = pending.pop()
        match node:
            case syntax.Name(id) if id in symbols:
                return True
            case syntax.Index(syntax.Attribute(_, syntax.Name("shape")), syntax.Number(0)):
                continue
            case syntax.Attribute(_, name):
                if name.id == "shape":
                    return True
                pending.append(node.value)
            case tuple():
                pending.extend(node)
            case _ if is_dataclass(node) and not isinstance(node, Span):
                pending.extend(getattr(node, field.name) for field in fields(node))
    return False
