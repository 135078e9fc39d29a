"""Suggestions that add, replace or remove one token, where the parser can go on with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span, find_outside
from resnetc.compiler.syntax.error_context import BRACKETS, OPENERS, RESERVED, Place, opens_line, span_of
from resnetc.compiler.syntax.lalr_tables import spelling

# What joins two parts of a statement, from the likeliest to be missing to the least.
LISTED = ("COMMA", "PIPE", "ASSIGN", "OF")  # in brackets
CHAINED = ("PIPE", "ASSIGN", "OF", "ARROW", "COMMA")
REPLACED = ("ASSIGN", "OF", "PIPE", "ARROW", "COMMA", "OUT", "COLON")
WORDS = frozenset(("NAME", "INT", "FLOAT", "STRING"))  # an author's own, which no sign may replace
NO_LAYERS = frozenset(("INT", "FLOAT", "STRING"))
BETWEEN_WORDS = frozenset(("OF", "OUT"))
TAKES_IN = ("block", "policy")
OPENS_VALUE = ("ASSIGN", "LPAR", "ARROW")
LAYER = re.compile(r" +([A-Za-z_][\w.]*)(?:\([^()\n]*\))?")  # behind another
MAX_PIPES = 2  # before which a bracket may end
MAX_BRACKET_LENGTH = 2_000  # characters between a bracket and where it is missed


def suggest_tokens(token: Token, place: Place) -> Iterator[Suggestion]:
    """From the likeliest to the least; which of them is right shows when the text is checked with it."""
    if place.opened is not None and place.is_unclosed:
        yield from close_bracket(place.opened, token, place)
    if opens_line(place.source, token) and token.type in OPENERS:
        return
    span = span_of(place.source, token)
    within = place.opened is not None and place.opened.type != "LBRACE"
    if token.type == "PIPE" and place.kind in TAKES_IN and "IN" in place.expected and place.before is not None:
        if place.before.type in OPENS_VALUE:
            yield Suggestion("write `in |>`: a block starts from its input", (Edit(start_of(span), "in "),))
    for terminal in LISTED if within else CHAINED:
        if terminal in place.inserted and not (terminal == "PIPE" and token.type in NO_LAYERS):
            yield insert_before(token, terminal, place)
        if terminal == "PIPE" in place.expected and len(gaps := gaps_between_words(span)) > 1:
            yield Suggestion("write `|>` between the layers", tuple(Edit(gap, " |> ") for gap in gaps))
    for terminal in REPLACED:
        if terminal in place.replaced and (token.type not in WORDS or terminal in BETWEEN_WORDS):
            written = f"{spelling(terminal)} =" if terminal == "OUT" else str(spelling(terminal))
            yield Suggestion(f"write `{written}` instead", (Edit(span, written),))
    if place.removable and token.type not in WORDS:
        yield Suggestion(f"remove `{token}`", (Edit(with_space(span), ""),))


def gaps_between_words(span: Span) -> list[Span]:
    """The spaces before a word and before those that follow it without a sign: `conv(8, kernel=3) norm act`."""
    gaps: list[Span] = []
    at = with_space(span).start
    while (layer := LAYER.match(span.source.text, at)) is not None and layer[1] not in RESERVED:
        gaps.append(Span(span.source, at, layer.start(1)))
        at = layer.end()
    return gaps


def start_of(span: Span) -> Span:
    return Span(span.source, span.start, span.start)


def insert_before(token: Token, terminal: str, place: Place) -> Suggestion:
    """A sign between two words; a comma stands right behind the first."""
    written, text = str(spelling(terminal)), place.source.text
    start = token.start_pos or 0
    if terminal == "COMMA" and place.before is not None and place.before.end_pos is not None:
        start = place.before.end_pos
        return Suggestion(f"write `,` before `{token}`", (Edit(Span(place.source, start, start), written),))
    gap = "" if start and text[start - 1].isspace() else " "
    edit = Edit(Span(place.source, start, start), f"{gap}{written} ")
    return Suggestion(f"write `{written}` before `{token}`", (edit,))


def close_bracket(opened: Token, token: Token, place: Place) -> Iterator[Suggestion]:
    """The places where a bracket may end: before a pipe, at the end of its line, at the fault, before a comma."""
    text, start, end = place.source.text, opened.end_pos or 0, token.start_pos or 0
    if end - start > MAX_BRACKET_LENGTH:
        return
    closer = str(spelling(BRACKETS[opened.type]))
    behind = text[start:end]
    places = [start + at for at in islice(find_outside("|>", behind), MAX_PIPES)]
    line = behind.partition("\n")[0].partition("//")[0]
    places += [start + len(line), start + len(behind)]
    places += [start + at for at in [*find_outside(",", behind)][-1:]]
    for at in dict.fromkeys(start + len(text[start:place_].rstrip()) for place_ in places):
        before = text[text.rfind("\n", 0, at) + 1 : at].strip()
        shown = before if len(before) <= 60 else f"... {before[-56:]}"
        yield Suggestion(f"close it with `{closer}`: `{shown}{closer}`", (Edit(Span(place.source, at, at), closer),))


def with_space(span: Span) -> Span:
    """A span with the spaces before it."""
    start = span.start
    while start and span.source.text[start - 1] == " ":
        start -= 1
    return Span(span.source, start, span.end)
