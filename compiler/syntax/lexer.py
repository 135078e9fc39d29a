"""Tokenizes a text that may contain foreign characters: each is reported, and read as the token it resembles."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from lark import TextSlice, Token
from lark.exceptions import UnexpectedCharacters

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax import errors, limits
from resnetc.compiler.syntax.error_context import span_of
from resnetc.compiler.syntax.foreign_characters import (
    LOOKALIKES,
    QUOTES,
    find_sizes,
    foreign_character,
    is_prime,
    read_lookalike,
)
from resnetc.compiler.syntax.lalr_tables import lex

LINE_END = re.compile(r"\r?(\n|\Z)")


def tokens(source: Source, report: Callable[[Diagnostic], bool]) -> list[Token]:
    """All tokens of a text. Ends early where `report` says that no more faults are wanted; raises beyond the limit."""
    out: list[Token] = []
    at, more = 0, True
    while more and at < len(source.text):
        try:
            for token in lex(TextSlice(source.text, at, len(source.text))):
                out.append(token)
                if len(out) > limits.MAX_WORDS:
                    raise Fault(limits.too_many_words(span_of(source, token)))
            break
        except UnexpectedCharacters as stop:
            at, fault, read = read_foreign_text(source, stop.pos_in_stream or 0, out[-1] if out else None)
            more = report(fault)
            if read is not None and out and read.start_pos == out[-1].start_pos:
                out.pop()
            out += [read] if read is not None else []
    return out


class ForeignText(NamedTuple):
    """What stands at a character that opens no token: where it ends, its fault, and the token it is read as, if any."""

    end: int
    fault: Diagnostic
    token: Token | None = None


def read_foreign_text(source: Source, at: int, last: Token | None) -> ForeignText:
    """What stands at the character `at`, which opens no token; last: the token before it."""
    text, character = source.text, source.text[at]
    if character == '"':
        end = line_end(text, at)
        return ForeignText(end, errors.unclosed_text(Span(source, at, at + 1)), placed("STRING", text, at, end))
    if is_prime(text, at):
        start = last.start_pos if last is not None and last.end_pos == at else at
        fault = foreign_character(Span(source, at, at + 1))
        return ForeignText(at + 1, fault, placed("NAME", text, start or at, at + 1))
    if character in QUOTES and (close := text.find(QUOTES[character], at + 1, line_end(text, at))) > 0:
        span = Span(source, at, close + 1)
        return ForeignText(span.end, foreign_character(span), placed("STRING", text, at, span.end))
    if character == "#":
        return ForeignText(line_end(text, at), foreign_character(Span(source, at, at + 1)))
    if part_of_name(character):
        start = last.start_pos if last is not None and last.end_pos == at and part_of_name(last[-1]) else at
        assert start is not None
        stop = end = at
        while end < len(text) and (part_of_name(text[end]) or text[end] == "_"):
            end += 1
            stop = end if stop == end - 1 and not text[end - 1].isascii() else stop
        return ForeignText(end, foreign_character(Span(source, at, stop)), placed("NAME", text, start, end))
    if character == "×" and (sizes := find_sizes(text, at)) is not None:  # read as the first of them
        return ForeignText(sizes[1], foreign_character(Span(source, at, at + 1), Span(source, *sizes)))
    written = text[at : at + 2] if text[at : at + 2] in LOOKALIKES else character
    lookalike = read_lookalike(text, at, written)
    end = at + len(written)
    while lookalike is None and end < len(text) and text[end] == character:
        end += 1
    if lookalike is None or not lookalike.terminal:
        return ForeignText(end, foreign_character(Span(source, at, end)))
    token = Token(lookalike.terminal, lookalike.written, start_pos=at, end_pos=end)  # as an operator is looked up
    return ForeignText(end, foreign_character(Span(source, at, end)), token)


def part_of_name(character: str) -> bool:
    """Letters, digits and accents of any script."""
    return f"a{character}".isidentifier()


def line_end(text: str, at: int) -> int:
    line_end = LINE_END.search(text, at)
    assert line_end is not None
    return line_end.start()


def placed(terminal: str, text: str, start: int, end: int) -> Token:
    return Token(terminal, text[start:end], start_pos=start, end_pos=end)
