"""Parses a text with Lark. A text that does not parse is parsed again by `recovery`, which finds all its errors."""

from __future__ import annotations

import re

from lark import Token
from lark.exceptions import UnexpectedInput

from resnetc.compiler.diagnostics.diagnostic import Fault, Sink
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.builder import Builder
from resnetc.compiler.syntax.error_context import ITEMS, RESERVED
from resnetc.compiler.syntax.lalr_parser import LalrParser, split_into_tokens
from resnetc.compiler.syntax.lalr_tables import OPTIONS, digest, grammar_text, parser
from resnetc.compiler.syntax.limits import Limits
from resnetc.compiler.syntax.parse_tree import Node, ParsedParts, as_tree, children

__all__ = ["OPTIONS", "RESERVED", "digest", "grammar_text", "parse", "parse_expression", "parser"]

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
DEFINED = re.compile(rf"\b(?:{'|'.join(ITEMS)})\s+([A-Za-z_]\w*)")


def parse(source: Source, sink: Sink) -> syntax.File:
    """`Source` -> `syntax.File`. Items that do not parse are reported and left out; the rest of the file goes on."""
    try:
        parts = parse_strict(source) or parse_with_recovery(source, sink)
    except Fault as fault:
        sink.add(fault.diagnostic)
        parts = ParsedParts(lost=set(DEFINED.findall(source.text)))
    return assemble_file(source, sink, parts)


def parse_strict(source: Source) -> ParsedParts | None:
    """All of a text, None where it does not parse."""
    try:
        header, *items = map(as_tree, children(read(source, "start", limits := Limits(source))))
    except UnexpectedInput:
        return None
    edition, *uses = map(as_tree, children(header))
    return ParsedParts(edition, uses, items, words=limits.words)


def parse_with_recovery(source: Source, sink: Sink) -> ParsedParts:
    from resnetc.compiler.syntax.recovery import Recovery  # a text that parses does without

    return Recovery(source, sink.add).read()


def parse_expression(source: Source, sink: Sink) -> syntax.Expr | None:
    """The expression that a source consists of (the value of `--set NAME=VALUE`)."""
    try:
        try:
            return Builder(source).expr(read(source, "expr", Limits(source)))
        except UnexpectedInput:
            from resnetc.compiler.syntax.lexer import tokens
            from resnetc.compiler.syntax.recovery import FragmentParser, Recovery

            recovery = Recovery(source, sink.add)
            FragmentParser(recovery, "expr", tokens(source, recovery.report)).read()
    except Fault as fault:
        sink.add(fault.diagnostic)
    return None


def read(source: Source, start: str, limits: Limits) -> Node:
    """The tree of a whole text; raises what Lark raises, or a `Fault` where a limit is passed."""
    if hidden := BIDI.search(source.text):
        from resnetc.compiler.syntax.errors import bidirectional

        raise Fault(bidirectional(Span(source, hidden.start(), hidden.end())))
    machine = LalrParser(start)
    for token in split_into_tokens(source.text):
        if (fault := limits.passed(token, len(machine.stack))) is not None:
            raise Fault(fault)
        machine.feed(token)
    return machine.finish()


def assemble_file(source: Source, sink: Sink, parts: ParsedParts) -> syntax.File:
    """The syntax tree of all that could be read; an item that the builder refuses is lost as well."""
    items: list[syntax.Item] = []
    try:
        if parts.edition is not None:
            Builder(source).edition(parts.edition)
    except Fault as fault:
        sink.add(fault.diagnostic)
    for node in parts.items:
        try:
            items.append(Builder(source).item(node))
        except Fault as fault:
            sink.add(fault.diagnostic)
            parts.lost.add(next(str(c) for c in node.children if isinstance(c, Token) and c.type == "NAME"))
    uses = tuple(Builder(source).use(node) for node in parts.uses)
    return syntax.File(
        source,
        uses,
        items=tuple(items),
        broken=frozenset(parts.lost),
        span=Span(source, 0, len(source.text)),
        words=parts.words,
    )
