"""Calls as written in the source: their arguments, the same call with other arguments, and how a text is quoted."""

from __future__ import annotations

from collections.abc import Mapping

from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.ir.network import Leaf
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import REQUIRED

MAX_QUOTED_TEXT = 48


def shorten(text: str) -> str:
    """A piece of source in one line; only its head where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTED_TEXT else text.partition("(")[0][:MAX_QUOTED_TEXT] + "(...)"


def is_complete(leaf: Leaf) -> bool:
    """Whether an operation's own text says all that it needs; where a slot stands for it, it may be the slot's name."""
    stated_arguments = parse_arguments(leaf.span.text)
    positional = sum(not name for name, _ in stated_arguments)
    needed = [p.name for p in leaf.primitive.parameters if p.default is REQUIRED]
    return all(i < positional or name in dict(stated_arguments) for i, name in enumerate(needed))


def write_canonical_call(leaf: Leaf) -> str:
    """An operation with the arguments that are not its defaults; a default of None was derived from the others."""
    usual = {p.name: p.default for p in leaf.primitive.parameters}
    pairs = [(n, describe(v)) for n, v in leaf.arguments if usual[n] is not None and v != usual[n]]
    if pairs and pairs[0][0] == leaf.primitive.parameters[0].name:
        pairs[0] = ("", pairs[0][1])
    return format_call(leaf.primitive.name, pairs)


def is_primitive_call(leaf: Leaf) -> bool:
    """Whether its text calls the primitive itself: a slot has parameters of its own."""
    return leaf.span.text.startswith(leaf.primitive.name)


def list_stated_parameters(leaf: Leaf) -> dict[str, str]:
    """What the text of an operation gives for parameters, by position too where it is a primitive's own call."""
    order = [p.name for p in leaf.primitive.parameters] if is_primitive_call(leaf) else []
    arguments = enumerate(parse_arguments(leaf.span.text))
    return {name or (order[i] if i < len(order) else ""): value for i, (name, value) in arguments}


def format_call(text: str, pairs: list[tuple[str, str]]) -> str:
    """A call with other arguments."""
    inside = ", ".join(f"{name}={value}" if name else value for name, value in pairs)
    return f"{text.partition('(')[0].strip()}({inside})"


def rewrite_call(
    text: str, changes: dict[str, str], order: list[str], dropped: str = "", renamed: Mapping[str, str] | None = None
) -> str:
    """A call with some arguments changed, where they stand or behind the others, one left out, one under its name."""
    pairs_before = [((renamed or {}).get(name, name), value) for name, value in parse_arguments(text)]
    names = [name or (order[i] if i < len(order) else "") for i, (name, _) in enumerate(pairs_before)]
    pairs = zip(names, pairs_before, strict=True)
    remaining = [(name, changes.get(key, value)) for key, (name, value) in pairs if not dropped or name != dropped]
    return format_call(text, remaining + [(name, value) for name, value in changes.items() if name not in names])


def is_shipped(span: Span) -> bool:
    """Whether a text is the library's, which its user does not edit."""
    return span.source.name.startswith("std/")
