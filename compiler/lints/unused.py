"""Warnings about names that nothing reads: a `let`, a parameter, a `use`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion
from resnetc.compiler.lints.mentions import Mentions
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.reads import read_names
from resnetc.grammar.primitives import PRIMITIVES

GATES = ("sigmoid", "hard_sigmoid")  # what a gate ends in: a factor for every channel or position


def find_unread_names(spec: SpecFile, mentions: Mentions) -> Iterator[Diagnostic]:
    """What a file defines and nothing reads."""
    yield from find_unread_uses(spec.tree)
    for item in spec.tree.items:
        if isinstance(item, (syntax.Block, syntax.Policy, syntax.Model)):
            names = {name.id for name in read_names(item)}
            if isinstance(item, syntax.Model):
                names |= mentions.in_instances
            yield from find_unread_lets(item, item.body, names)
            if isinstance(item, syntax.Model) or mentions.is_only_called(item):
                yield from find_unread_parameters(item, names, mentions)


def find_unread_uses(tree: syntax.File) -> Iterator[Diagnostic]:
    """The used files that no item mentions."""
    names = {name.id for name in read_names(tree.items)}
    for use in tree.uses:
        if use.path[-1] not in names:
            statement = include_keyword(use.span)
            yield unused_name(
                use.path[-1],
                Label(use.span, "no item of this file mentions it"),
                f"remove `use {'.'.join(use.path)}`",
                fix=(Edit(extend_to_line(statement), ""),) if statement else (),
                is_certain=True,
            )


def find_unread_lets(
    item: syntax.Block | syntax.Policy | syntax.Model, body: tuple[syntax.Statement, ...], names: set[str]
) -> Iterator[Diagnostic]:
    """The values of a body, and of the loops inside it, that nothing reads, each name once."""
    reported: set[str] = set()
    for statement in body:
        if isinstance(statement, syntax.Each):
            yield from find_unread_lets(item, statement.body, names)
        elif isinstance(statement, syntax.Let) and statement.name.id not in names | reported:
            reported.add(statement.name.id)
            name = statement.name
            what = "its layers are not part of the network" if has_layers(statement.value) else "never used"
            place, product = find_gated(item, statement)
            in_words = f"use `{name.id}` after this line, or remove this `let`"
            added = find_summand(item, statement) if not place else None
            if added is not None:
                help = f"add it: write `{added.replacement}` for `{added.span.text}` in `out`, or remove this `let`"
                unread_let = unused_name(name.id, Label(name.span, what), help, fix=(added,))
                yield replace(unread_let, alternatives=(Suggestion(in_words),))
                continue
            yield unused_name(
                name.id,
                Label(name.span, what),
                f"multiply by it: write `{product}` for `{place.text}` in `out`, or remove this `let`"
                if place
                else in_words,
                fix=(Edit(place, product),) if place else (),
            )


def find_unread_parameters(
    item: syntax.Block | syntax.Policy | syntax.Model, names: set[str], mentions: Mentions
) -> Iterator[Diagnostic]:
    """The parameters of an item that change nothing in it."""
    called = f" here and where `{item.name.id}` is called" if mentions.has(item) else ""
    kind = type(item).__name__.lower()
    for parameter in item.parameters:
        name = parameter.name.id
        if name in names or (isinstance(item, syntax.Policy) and name in mentions.signatures):
            continue  # what is bound to a slot has the parameters of the slot
        example = f", for example `{name}={name}` in a call" if name in OPTIONS | mentions.signatures else ""
        yield unused_name(
            name,
            Label(parameter.span, f"{kind} `{item.name.id}` does not depend on this parameter"),
            f"use it in {kind} `{item.name.id}`{example}, or remove it{called}",
        )


OPTIONS = frozenset(parameter.name for primitive in PRIMITIVES.values() for parameter in primitive.parameters)


def unused_name(name: str, label: Label, help: str, fix: tuple[Edit, ...] = (), is_certain: bool = False) -> Diagnostic:
    return Diagnostic(
        "W0602",
        f"unused name `{name}`",
        label,
        helps=(help,),
        fix=fix,
        is_certain=is_certain,
    )


def has_layers(value: syntax.Expr) -> bool:
    """Whether a value is the outcome of layers, as far as its text says."""
    match value:
        case syntax.Pipe():
            return True
        case syntax.Binary(_, left, right):
            return has_layers(left) or has_layers(right)
        case syntax.Choice(chosen, _, other):
            return has_layers(chosen) or has_layers(other)
        case syntax.Labelled(_, layer):
            return has_layers(layer)
        case syntax.Negate(operand):
            return has_layers(operand)
    return False


def find_gated(item: syntax.Item, let: syntax.Let) -> tuple[Span | None, str]:
    """Where the value that a gate is made from is read in `out`, and its product with the gate; "" if there is none."""
    match item, let.value:
        case syntax.Block(), syntax.Pipe((syntax.Name() as source, *_, syntax.Name(last))) if last in GATES:
            places = [place for place in list_factors(item.out) if place.id == source.id]
            if len(places) == 1 and places[0].span.start > let.span.end:
                return places[0].span, f"{source.id} * {let.name.id}"
    return None, ""


def find_summand(item: syntax.Item, let: syntax.Let) -> Edit | None:
    """The sum with a value that layers make, in the place of what `out` begins with; whether it fits is tried."""
    if not isinstance(item, syntax.Block) or let.index is not None or not isinstance(let.value, syntax.Pipe):
        return None
    match item.out:
        case syntax.Pipe((syntax.Name() | syntax.Binary("+" | "-" | "*" | "/") as first, *_)):
            text = first.span.text
            inside = text[1:-1] if text.startswith("(") and text.endswith(")") else text
            return Edit(first.span, f"({inside} + {let.name.id})")
        case syntax.Name() | syntax.Binary("+" | "-" | "*" | "/"):
            return Edit(item.out.span, f"{item.out.span.text} + {let.name.id}")
    return None


def list_factors(value: syntax.Expr) -> Iterator[syntax.Name]:
    """The names in a value that a product may take the place of."""
    match value:
        case syntax.Name():
            yield value
        case syntax.Binary("+" | "-" | "*" | "/", left, right):
            yield from list_factors(left)
            yield from list_factors(right)
        case syntax.Pipe(steps):
            yield from list_factors(steps[0])


def include_keyword(span: Span) -> Span | None:
    """A path with the `use` before it, None where a comment stands between."""
    start = span.source.text.rfind("use", 0, span.start)
    return Span(span.source, start, span.end) if not span.source.text[start + 3 : span.start].strip() else None


def extend_to_line(span: Span) -> Span:
    """The line of a text that stands alone on it, with its end; else the text and the blanks behind it."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    line_end = text.find("\n", span.end)
    end = len(text) if line_end < 0 else line_end + 1
    if not text[start : span.start].strip() and not text[span.end : end].strip():
        return Span(span.source, start, end)
    blanks = len(text[span.end : end]) - len(text[span.end : end].lstrip(" \t"))
    return Span(span.source, span.start, span.end + blanks)
