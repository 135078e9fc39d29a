"""Statements as other languages open them, at the beginning of a line: how they are read on, and what to write."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.error_context import Place, opens_line, span_of
from resnetc.compiler.syntax.foreign_idioms import WORDS
from resnetc.compiler.syntax.item_suggestions import of_opener
from resnetc.compiler.syntax.stage_counts import repeat

LOOP_OF_STAGES = (
    "a stage iterates over a list with `each`: `stage layer1 = each width in [64, 128] of blocks.basic(width)`"
)
RESULTS = frozenset("output outputs result y logits res ret".split())
SELF = re.compile(r"self\s*\.\s*([A-Za-z_]\w*)\s*=(?!=)")
NUMBERED = re.compile(r"([A-Za-z_]\w*)[ \t]*(\d+)?[ \t]*:[ \t]*([^\n]*)")


def list_openings(tokens: Sequence[Token], terminals: Collection[str]) -> Iterator[tuple[list[str], int]]:
    """The terminals to read in place of how a line begins, and of how many tokens, where it opens a statement.

    `x = ...`, `self.x = ...`, `layer1: ...`, `layer 1: ...`, `return ...`.
    """
    kinds = [token.type for token in tokens]
    words = [word for word in ("LET", "STAGE") if word in terminals]
    dotted = 2 * (kinds[1:2] == ["DOT"])
    if kinds[dotted : dotted + 2] == ["NAME", "ASSIGN"]:
        yield from (([word], dotted) for word in words)
    if (kinds[1:2] == ["COLON"] or kinds[1:3] == ["INT", "COLON"]) and words:
        yield [words[-1], "NAME", "ASSIGN"], kinds.index("COLON") + 1
    if tokens[0].value == "return" and "OUT" in terminals:
        yield ["OUT", "ASSIGN"], 1


def result_part(token: Token, place: Place) -> str:
    """`out` or `head` for a name such as `output`, where it is the last that a block or a model defines."""
    part = next((part for part in ("OUT", "HEAD") if part in place.expected), "")
    body = place.source.text[token.end_pos or 0 :].partition("\n}")[0]
    last = not re.search(r"\n\s*(out|head|stage|let)\b", body)
    return part.lower() if part and last and str(token.value) in RESULTS else ""


def of_foreign_statement(token: Token, place: Place) -> Suggestion | None:
    """What to write in place of a statement as other languages have it, at the beginning of a line."""
    span, value = span_of(place.source, token), str(token.value)
    if not opens_line(place.source, token):
        return None
    if (opener := of_opener(token, place)) is not None:
        return opener
    if value == "return" and "OUT" in place.expected:
        return Suggestion(WORDS[value], (Edit(span, "out ="),))
    if value == "for" and "STAGE" in place.expected:
        return Suggestion(LOOP_OF_STAGES)
    match = SELF.match(span.source.text, span.start)
    if match is not None and place.expected & {"STAGE", "LET"}:
        word = "stage" if "STAGE" in place.expected else "let"
        what = "a stage starts with `stage`" if word == "stage" else "name a value with `let`"
        edit = Edit(Span(span.source, span.start, match.start(1)), f"{word} ")
        return Suggestion(f"{what}: `{word} {match[1]} = ...`", (edit,))
    match = NUMBERED.match(span.source.text, span.start)
    if match is not None and "STAGE" in place.expected:
        name = match[1] + (match[2] or "")
        blocks = repeat(match[3]) or match[3].strip()
        end = match.end(3)
        written = f"stage {name} = {blocks}"
        return Suggestion(f"a stage is written `{written}`", (Edit(Span(span.source, span.start, end), written),))
    return None
