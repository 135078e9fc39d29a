"""The `input` of a model: its channels, the names of its axes, the declared sizes and the condition after `when`."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.ir.network import InputCondition, InputSpec
from resnetc.compiler.names.errors import axes_differ
from resnetc.compiler.sizes import SizeSet, SizesTooIrregular, identity
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.evaluator import SizedEvaluator, list_mentioned_names
from resnetc.compiler.symbolic.predicates import SymBool, cover_sizes, list_holding_regions
from resnetc.compiler.symbolic.values import SymInt
from resnetc.compiler.syntax import tree as syntax

MAX_PERIOD = 100_000


def declare_input(item: syntax.Input, evaluator: Evaluator, frame: Frame) -> InputSpec:
    """`input [channels, H, W] = [3, 224, 224] when H % 32 == 0`."""
    if not isinstance(item.shape, syntax.List) or not isinstance(item.declared, syntax.List):
        raise Fault(not_an_input(item))
    if not 2 <= len(item.shape.items) <= 4 or len(item.shape.items) != len(item.declared.items):
        raise Fault(axes_differ(item))
    channels = evaluate_positive(item.shape.items[0], evaluator, frame)
    first = evaluate_positive(item.declared.items[0], evaluator, frame)
    if first != channels:
        raise Fault(contradicted(item.shape.items[0], channels, item.declared.items[0], first))
    symbols: list[str | None] = []
    for axis in item.shape.items[1:]:
        is_symbol = isinstance(axis, syntax.Name) and axis.id not in frame.locals
        symbols.append(axis.id if is_symbol and isinstance(axis, syntax.Name) else None)
        if isinstance(axis, syntax.Name) and is_symbol and axis.id in symbols[:-1]:
            raise Fault(application_errors.set_twice(axis.id, axis.span))
    numbers = tuple(evaluate_positive(n, evaluator, frame) for n in item.declared.items[1:])
    for axis, symbol, number, said in zip(item.shape.items[1:], symbols, numbers, item.declared.items[1:], strict=True):
        fixed = number if symbol else evaluate_positive(axis, evaluator, frame)
        if fixed != number:
            raise Fault(contradicted(axis, fixed, said, number))
    conditions = evaluate_condition(item.condition, symbols, evaluator, frame) if item.condition is not None else []
    behind = item.condition.span if item.condition is not None else None
    return InputSpec(
        channels=channels,
        symbols=tuple(symbols),
        sizes=numbers,
        span=item.span,
        conditions=tuple(conditions),
        condition=behind,
    )


def evaluate_positive(expr: syntax.Expr, evaluator: Evaluator, frame: Frame) -> int:
    value = evaluator.integer(expr, frame)
    if value < 1:
        raise Fault(not_positive(expr.span, value))
    return value


def evaluate_condition(
    expr: syntax.Expr, symbols: list[str | None], evaluator: Evaluator, frame: Frame
) -> list[InputCondition]:
    """The condition behind an input: conjuncts, each about one axis, as sets of sizes."""
    if isinstance(expr, syntax.Binary) and expr.op == "and":
        return [
            *evaluate_condition(expr.left, symbols, evaluator, frame),
            *evaluate_condition(expr.right, symbols, evaluator, frame),
        ]
    if len(list_mentioned_names(expr) & {s for s in symbols if s is not None}) != 1:
        raise Fault(not_one_axis(expr.span))
    sizes = {s: SymInt(axis, s, identity()) for axis, s in enumerate(symbols) if s is not None}
    sized_evaluator = SizedEvaluator(evaluator, sizes)
    try:
        statement = sized_evaluator.evaluate_condition(expr, frame)
        restriction = None if isinstance(statement, bool) else solve_on_one_axis(statement, expr.span)
    except SizesTooIrregular:
        raise Fault(too_far(expr.span)) from None
    if restriction is None:
        raise Fault(not_one_axis(expr.span))
    if max(restriction[1].period, restriction[1].onset) > MAX_PERIOD:
        raise Fault(too_far(expr.span))
    return [InputCondition(*restriction, expr.span)]


def solve_on_one_axis(truth: SymBool, span: Span) -> tuple[int, SizeSet] | None:
    """The axis that a statement is about, and the sizes at which it holds; None if it is about several."""
    regions = list_holding_regions(truth, span)
    axes = {axis for region in (*truth.broken, *regions) for axis in region.axes}
    if len(axes) != 1:
        return None
    (axis,) = axes
    return axis, cover_sizes(regions, axis)


def not_an_input(item: syntax.Input) -> Diagnostic:
    side = item.declared if isinstance(item.shape, syntax.List) else item.shape
    return Diagnostic(
        "E0321",
        "an input must be a list of its channels and its sizes",
        Label(side.span, "not a list"),
        helps=("write both sides in brackets: `input [3, H, W] = [3, 224, 224]`",),
    )


def contradicted(axis: syntax.Expr, fixed: int, said: syntax.Expr, number: int) -> Diagnostic:
    return Diagnostic(
        code="E0323",
        message=f"the input declares {number}, but fixes this axis to {fixed}",
        primary=Label(said.span, f"{number} is declared here"),
        labels=(Label(axis.span, f"this is {fixed}"),),
        helps=(f"write `{axis.span.text}` on both sides",),
    )


def not_positive(span: Span, value: int) -> Diagnostic:
    return Diagnostic(
        "E0324",
        f"the channels and sizes of an input must be at least 1, not {value}",
        Label(span, f"this is {value}"),
        helps=("declare a positive number",),
    )


def not_one_axis(span: Span, whose: str = "an input's condition") -> Diagnostic:
    return Diagnostic(
        "E0325",
        f"each part of {whose} must refer to one size",
        Label(span, "does not refer to exactly one size"),
        helps=("write for instance `when H % 32 == 0 and W % 32 == 0`",),
    )


def too_far(span: Span, whose: str = "an input's condition") -> Diagnostic:
    return Diagnostic(
        "E0330",
        f"{whose} must repeat within {MAX_PERIOD:,} sizes",
        Label(span, "repeats later, or never"),
        helps=("use smaller numbers in the condition",),
    )
