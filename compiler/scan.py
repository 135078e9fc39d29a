"""The tokens of a text that has characters foreign to the language: each is reported, and read as what it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lark import TextSlice, Token
from lark.exceptions import UnexpectedCharacters

from resnetc.compiler import misread
from resnetc.compiler.diagnostics import Diagnostic
from resnetc.compiler.misread import LOOKALIKES, QUOTES
from resnetc.compiler.source import Source, Span
from resnetc.compiler.tables import parser

LINE_END = re.compile(r"\r?(\n|\Z)")


def tokens(source: Source, report: Callable[[Diagnostic], bool]) -> Iterator[Token]:
    """All tokens of a text. Ends early where `report` says that no more faults are wanted."""
    text, at = source.text, 0
    last: Token | None = None
    while True:
        try:
            for token in parser().lex(TextSlice(text, at, len(text))):
                if last is not None:
                    yield last
                last = token
            break
        except UnexpectedCharacters as fault:
            at, fault_found, read = foreign(source, fault.pos_in_stream, last)
            if read is not None:
                if last is not None and read.start_pos != last.start_pos:
                    yield last
                last = read
            if not report(fault_found):
                break
    if last is not None:
        yield last


def foreign(source: Source, at: int, last: Token | None) -> tuple[int, Diagnostic, Token | None]:
    """What stands at a character that opens no token: where it ends, its fault, and the token it is read as, if any."""
    text, character = source.text, source.text[at]
    if character == '"':
        end = line_end(text, at)
        return end, misread.unclosed_text(Span(source, at, at + 1)), token("STRING", text, at, end)
    if character in QUOTES and (close := text.find(QUOTES[character], at + 1, line_end(text, at))) > 0:
        span = Span(source, at, close + 1)
        return span.end, misread.foreign_character(span), token("STRING", text, at, span.end)
    if character == "#":
        return line_end(text, at), misread.foreign_character(Span(source, at, at + 1)), None
    if part_of_name(character):
        start = last.start_pos if last is not None and last.end_pos == at and part_of_name(last[-1]) else at
        assert start is not None
        stop = end = at
        while end < len(text) and (part_of_name(text[end]) or text[end] == "_"):
            end += 1
            stop = end if stop == end - 1 and not text[end - 1].isascii() else stop
        return end, misread.foreign_character(Span(source, at, stop)), token("NAME", text, start, end)
    size = 2 if text[at : at + 2] in LOOKALIKES else 1
    known = LOOKALIKES.get(text[at : at + size])
    end = at + size
    while known is None and end < len(text) and text[end] == character:
        end += 1
    read = token(known.terminal, text, at, end) if known is not None and known.terminal else None
    return end, misread.foreign_character(Span(source, at, end)), read


def part_of_name(character: str) -> bool:
    """Letters, digits and accents of any script."""
    return f"a{character}".isidentifier()


def line_end(text: str, at: int) -> int:
    found = LINE_END.search(text, at)
    assert found is not None
    return found.start()


def token(terminal: str, text: str, start: int, end: int) -> Token:
    return Token(terminal, text[start:end], start_pos=start, end_pos=end)
