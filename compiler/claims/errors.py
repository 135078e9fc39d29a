"""Messages about false claims, and about claims that are not well formed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from resnetc.compiler.claims.claimed_sizes import list_distinct_points
from resnetc.compiler.claims.facts import PRECISIONS, Facts
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.evaluation.errors import names, unknown_name
from resnetc.compiler.evaluation.values import Value, kind
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf
from resnetc.compiler.remedies.input_conditions import format_condition
from resnetc.compiler.sizes import ALL, show_set
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.polynomials import Point, Polynomial
from resnetc.compiler.symbolic.predicates import Difference
from resnetc.compiler.symbolic.values import evaluate_at, join_lines, show_value, undecided
from resnetc.compiler.syntax import tree as syntax

Compared = Sequence[Difference]


def show_sizes(facts: Facts, point: Point) -> str:
    """`H = 225, W = 224`."""
    return ", ".join(f"{facts.symbols[axis] or 'n'} = {n}" for axis, n in sorted(point.items()))


def describe_counterexamples(
    facts: Facts, compared: Compared, least: Point | None, near: Point | None, compared_near: Compared
) -> tuple[str, ...]:
    """The smallest size that breaks a claim and the nearest one, each with both values."""
    labels = ("smallest accepted counterexample", "nearest to the declared size")
    texts = []
    least_sizes = {axis: sizes.min or 1 for axis, sizes in enumerate(facts.promised)}
    for what, point, broken in zip(labels, list_distinct_points(least, near), (compared, compared_near), strict=False):
        at = {**least_sizes, **point}
        pairs = ((evaluate_at(d.left, at), evaluate_at(d.right, at)) for d in broken)
        values = "; ".join(f"{show_value(a)} and {show_value(b)}" for a, b in pairs)
        texts.append(f"{what}: {show_sizes(facts, point)} ({values})")
    return ("; ".join(texts),) if texts else ()


def false_claim(
    expect: syntax.Expect,
    own: Facts,
    compared: Compared,
    least: Point | None,
    near: Point | None,
    compared_near: Compared = (),
    write: str | None = None,
    turned: bool = False,
) -> Diagnostic:
    """A claim that is false, at some size or whatever the sizes; by its first comparison that is.

    `write` is the comparison that holds, where there is one to write; `turned`: the network stands on its right.
    """
    text = join_lines(expect.claim.span.text)
    if not compared:
        return refuted(expect, own, f"`{text}` does not hold", Label(expect.claim.span, "this is false"))
    claim, left, right = compared[0].comparison, compared[0].left, compared[0].right
    # Of `a and b`, the part that is false; of `a or b`, all, for neither holds.
    whole = isinstance(expect.claim, syntax.Binary) and expect.claim.op == "or"
    text = join_lines((expect.claim if whole else claim.expr).span.text)
    side, value, part = (claim.expr.right, claim.right, right) if turned else (claim.expr.left, claim.left, left)
    ours = join_lines(side.span.text)
    if write and "_" in text:
        write = group_digits(write)
    help = f"write `{write}`, or change the model" if write else "weaken the claim, or change the model"
    label = "this is false" if ours == show_value(value) else f"`{ours}` is {show_value(value)}"
    why = f"{show_value(left)} and {show_value(right)}"
    if least and (isinstance(left, Polynomial) or isinstance(right, Polynomial)):  # too long to be read
        at = {axis: sizes.min or 1 for axis, sizes in enumerate(own.promised)} | dict(least)
        why = " and ".join(show_value(evaluate_at(v, at)) for v in (left, right))
        label = f"`{ours}` is {show_value(evaluate_at(part, at))} at {show_sizes(own, least)}"
    return refuted(
        expect,
        own,
        f"`{text}` does not hold: {why}",
        Label(claim.expr.span, label),
        notes=describe_counterexamples(own, compared, least, near, compared_near),
        help=help,
        fix=(Edit(claim.expr.span, write),) if write else (),
    )


def group_digits(text: str) -> str:
    """The long numbers of a text as an author writes them: `25_557_032`."""
    return re.sub(r"(?<![\w.])\d{4,}(?![\w.])", lambda number: f"{int(number[0]):_}", text)


@record(eq=True)
class Refusal:
    """What makes `accepts` or `refuses` false."""

    message: str
    primary: Label
    labels: tuple[Label, ...]
    notes: tuple[str, ...]
    help: str
    counterexamples: tuple[Point, ...]


def wrong_sizes(facts: Facts, own: Facts, name: str, expr: syntax.Call, least: Point, near: Point | None) -> Refusal:
    """Sizes that are accepted or refused against a claim."""
    whose = "the network" if facts is own else f"`{facts.name}`"
    # An axis that one of them fixes has the symbol of the other.
    symbols = tuple(a or b for a, b in zip(facts.symbols, own.symbols, strict=True))
    facts = replace(facts, symbols=symbols)
    axis = next(
        (a for a in sorted(least) if (least[a] in facts.accepted[a]) == (name == "refuses")), min(least, default=0)
    )
    symbol = facts.symbols[axis] or "n"
    takes = " and ".join(show_set(sizes, s or "n") for sizes, s in zip(facts.accepted, facts.symbols, strict=True))
    labels: tuple[Label, ...] = ()
    texts = []
    points = list_distinct_points(least, near)
    for what, point in zip(("smallest counterexample", "nearest to the declared size"), points, strict=False):
        conflict = facts.find_refusal(axis, point[axis]) if axis in point and name == "accepts" else None
        at = f" at {symbol} = {point[axis]}" if conflict else ""
        why = f" ({conflict.show_values(point[axis]).removesuffix(at)})" if conflict else ""
        texts.append(f"{what}: {show_sizes(facts, point)}{why}")
        if conflict and not labels:
            labels = (
                Label(conflict.reason.condition.span, f"refuses {symbol} = {point[axis]}"),
                *conflict.label_call_site(),
            )
    accepted_text = show_accepted(facts, own)
    whole = join_lines(expr.callee.span.text).removesuffix(name) + "accepts"
    help = (
        f"claim sizes that are accepted, such as `{whole}({accepted_text})`, or change the model"
        if accepted_text
        else "change the model"
    )
    answer = "refused" if name == "accepts" else "accepted"
    which = "these are" if near is None and all(a in least for a in range(len(facts.accepted))) else "some of these are"
    return Refusal(
        message=f"`{join_lines(expr.span.text)}` does not hold: {whose} accepts {takes}",
        primary=Label(expr.span, f"{which} {answer}"),
        labels=labels,
        notes=("; ".join(texts),) if texts else (),
        help=help,
        counterexamples=points,
    )


def show_accepted(facts: Facts, own: Facts) -> str | None:
    """What `accepts` of a network holds for: a condition on the sizes of the model that claims, or one size an axis."""
    rows = list(zip(facts.accepted, own.symbols, own.declared, strict=True))
    if any(symbol is None for _, symbol, _ in rows):
        nearest = [sizes.nearest(declared) for sizes, _, declared in rows]
        return None if None in nearest else ", ".join(map(str, nearest))
    conditions = [format_condition(sizes, symbol or "n", declared) for sizes, symbol, declared in rows if sizes != ALL]
    if not conditions:
        return ", ".join(symbol or "n" for _, symbol, _ in rows)
    return None if None in conditions else " and ".join(map(str, conditions))


def refuted(
    expect: syntax.Expect,
    own: Facts,
    message: str,
    primary: Label,
    labels: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    help: str = "correct the claim, or the model",
    fix: tuple[Edit, ...] = (),
) -> Diagnostic:
    return Diagnostic(
        code="E0402",
        message=expect.text or message,
        primary=primary,
        labels=labels,
        notes=(*notes, *own.notes),
        helps=(help,),
        fix=fix,
    )


def unknown_stage(path: str, span: Span, stages: list[str]) -> Diagnostic:
    """A path that opens like that of a stage."""
    fault = unknown_name(path, span, stages)
    return fault if fault.fix else replace(fault, helps=(f"write one of the stages: {names(stages)}",))


# -- claims about what is no value ------------------------------------------------------------------------------------


def no_value(span: Span, parts: Sequence[str], write: str | None = None, stages: bool = False) -> Diagnostic:
    """Something with fields where a value is needed; with `stages` it opens the paths of these.

    `write` is what the place needs, where that is known.
    """
    text = join_lines(span.text)
    why = ": it is only the start of a stage's path" if stages else " by itself"
    example = f"{parts[0] if stages else text}.channels"
    return Diagnostic(
        "E0410",
        f"`{text}` is not a value{why}",
        Label(span, "a value is needed here"),
        notes=(f"{'the stages' if stages else 'its fields'} are {names(parts)}",),
        helps=(f"write `{write}`" if write else f"use a field, such as `{example}`",),
    )


def whole_input(facts: Facts, span: Span) -> Diagnostic:
    """A receptive field that no number tells."""
    outer, inner = facts.global_because[0], facts.global_because[-1]
    why = "remove this claim, or restrict it with `when` to the networks of a family that have no gate"
    if isinstance(inner, Leaf):
        name = inner.primitive.name
        why = f"declare how many input positions an output position sees: `expect window == ...` in `extern {name}`"
    labels = [Label(inner.span, "from here on each position sees the whole input")]
    if outer is not inner:
        labels.append(Label(outer.span, "inside this"))
    return Diagnostic(
        code="E0411",
        message=f"the receptive field of `{facts.name}` is the whole input at every size, "
        "and cannot be claimed as a number",
        primary=Label(span, "not a number"),
        labels=tuple(labels),
        helps=(why,),
    )


def figure_not_counted(facts: Facts, figure: str, missing: Sequence[str], span: Span) -> Diagnostic:
    """A figure that leaves out what some `extern` costs, which only its author knows."""
    help = f"write `expect {figure} == ...` in `extern {missing[0]}`, or remove this claim"
    if figure == "activation_bytes":
        help = "remove this claim: the memory that autograd keeps for such a class is unknown"
    return undecided(span, f"the share of {names(missing)} in `{facts.name}` is not declared", help)


# -- claims that ask wrongly ------------------------------------------------------------------------------------------


def wrong_question(name: str, span: Span, what: str, symbols: Sequence[str | None]) -> Diagnostic:
    sizes = [symbol or "n" for symbol in symbols]
    example = f"`{name}({sizes[0]} >= 32)`" if name in ("accepts", "refuses") else f"`{name}({', '.join(sizes)})`"
    return Diagnostic(
        "E0406",
        f"`{name}` {what}",
        Label(span, "called like this"),
        helps=(f"write for instance {example}",),
    )


def not_an_integer(name: str, size: Value, span: Span, symbols: Sequence[str | None]) -> Diagnostic:
    return wrong_question(name, span, f"takes integer sizes, not {describe_size(size)}", symbols)


def not_a_precision(span: Span, value: Value) -> Diagnostic:
    names = ", ".join(f'`"{name}"`' for name in PRECISIONS)
    return Diagnostic(
        "E0408",
        f"{show_value(value)} is not a known precision",
        Label(span, "not a precision"),
        helps=(f"write one of {names}",),
    )


def size_not_accepted(facts: Facts, axis: int, size: Value, span: Span, where: str = "") -> Diagnostic:
    symbol = facts.symbols[axis] or "n"
    return Diagnostic(
        "E0405",
        f"`{facts.name}` has no cost at {symbol} = {show_value(size)}{where}: it does not accept this size",
        Label(span, "the cost at a size that is not accepted"),
        notes=(f"it accepts {show_set(facts.accepted[axis], symbol)}",),
        helps=("use accepted sizes; a condition after `when` can exclude the others",),
    )


def describe_size(value: Value) -> str:
    """A value that is no size, in words."""
    return f"`{show_value(value)}`" if not isinstance(value, (tuple, bool)) else kind(value)
