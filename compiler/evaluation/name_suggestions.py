"""Edits that put a name in the place of a word of another library, or of one that is misspelt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import PRIMITIVES

if TYPE_CHECKING:
    from resnetc.compiler.vocabulary.answers import Answer

MAX_CALL_LENGTH = 200
CALL = re.compile(r"\((?:[^()]|\([^()]*\))*\)")  # the arguments of a call
NUMBERS = re.compile(r"\(\s*\d+\s*,\s*\d")  # in torch's order


def rename(answer: Answer, span: Span) -> tuple[Edit, ...]:
    """Puts the name here in the place of a word, unless arguments follow, which it may not take."""
    behind = span.source.text[span.end : span.end + 2]
    if answer.length:
        return (Edit(Span(span.source, span.start, span.start + answer.length), answer.name),)
    if not answer.name or (behind.startswith(("(", ".")) and behind != "()"):
        return ()
    end = span.end + 2 if behind == "()" and takes_none(answer.name) else span.end
    return (Edit(Span(span.source, span.start, end), answer.name),)


def takes_none(name: str) -> bool:
    """Whether a layer is written without arguments."""
    return name == "act" or (name in PRIMITIVES and not PRIMITIVES[name].parameters)


def renamings(answer: Answer, span: Span) -> tuple[Suggestion, ...]:
    """The edits where arguments follow, which one of the names here may take."""
    text = span.source.text
    call = CALL.match(text, span.end, span.end + MAX_CALL_LENGTH)
    if answer.length or call is None or (answer.names[:1] in (("conv",), ("linear",)) and NUMBERS.match(call[0])):
        return ()
    return tuple(Suggestion(answer.help, (Edit(span, name),)) for name in answer.names if not takes_none(name))
