"""Text -> syntax tree, with Lark: several syntax faults a run, and the items that are whole whatever their neighbours."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import lark
from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from resnetc.compiler import syntax
from resnetc.compiler.build import Builder
from resnetc.compiler.diagnostics import Diagnostic, Edit, Fault, Label, Sink, similar
from resnetc.compiler.source import Source, Span

MAX_FAULTS = 20
STARTS = ("start", "header", "item", "expr")
OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "basic",
    "propagate_positions": True,
    "maybe_placeholders": True,
    "start": list(STARTS),
}

ITEMS = {"block", "policy", "slot", "model", "extern"}
STATEMENTS = {"each", "let", "require", "set", "input", "stem", "stage", "head", "expect", "out", "when", "otherwise"}
RESERVED = ITEMS | STATEMENTS | {"and", "edition", "first", "in", "of", "or", "use"}
OPERATORS = {"PIPE", "COMPARE", "PLUS", "MINUS", "TIMES", "DIVIDE", "MODULO", "DOT", "LPAR", "LSQB", "AND", "OR"}
NOUNS = {"NAME": "a name", "INT": "a number", "FLOAT": "a number", "STRING": "a text in quotes", "$END": "the end"}
VALUES = {"NAME", "INT", "FLOAT", "STRING", "IN", "STEM", "HEAD", "LSQB", "LPAR", "MINUS"}
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def grammar_text() -> str:
    return files("resnetc.grammar").joinpath("resnet.lark").read_text(encoding="utf-8")


def digest() -> str:
    """What ties the shipped tables to the grammar: they are used for this text only."""
    return hashlib.sha256(grammar_text().encode()).hexdigest()


def from_pairs(value: dict[str, Any]) -> Any:
    return dict(value["pairs"]) if "pairs" in value else value


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The LALR(1) parser: from the shipped tables where this Lark made them from this grammar, else built afresh."""
    shipped = files("resnetc.grammar").joinpath("tables.json")
    if shipped.is_file():
        tables = json.loads(shipped.read_text(encoding="utf-8"), object_hook=from_pairs)
        if tables["lark"] == lark.__version__ and tables["grammar"] == digest():
            return Lark._load_from_dict(tables["data"], tables["memo"])  # type: ignore[no-any-return]
    return Lark(grammar_text(), **OPTIONS)


def parse(source: Source, sink: Sink) -> syntax.File:
    """`Source` -> `syntax.File`. Items that do not parse are reported and left out; the rest of the file goes on."""
    whole = Span(source, 0, len(source.text))
    if hidden := BIDI.search(source.text):
        sink.add(bidirectional(Span(source, hidden.start(), hidden.end())))
        return syntax.File(source, (), (), frozenset(), whole)
    try:
        tree: Any = parser().parse(source.text, start="start")
    except UnexpectedInput:
        return Recovery(source, sink).file()
    header, *items = tree.children
    return assemble(source, sink, header, items, set())


def parse_expression(source: Source, sink: Sink) -> syntax.Expr | None:
    """The expression that a source consists of (the value of `--set NAME=VALUE`)."""
    if hidden := BIDI.search(source.text):
        sink.add(bidirectional(Span(source, hidden.start(), hidden.end())))
        return None
    try:
        tree: Any = parser().parse(source.text, start="expr")
        return Builder(source).expr(tree)
    except Fault as fault:
        sink.add(fault.diagnostic)
    except UnexpectedToken as fault:
        sink.add(unexpected(source, fault.token, fault.accepts or fault.expected))
    except UnexpectedCharacters as fault:
        sink.add(unknown_character(source, fault.pos_in_stream))
    return None


def assemble(source: Source, sink: Sink, header: Any, items: list[Any], broken: set[str]) -> syntax.File:
    """The built file: an item that the builder refuses counts as broken."""
    uses: tuple[syntax.Use, ...] = ()
    built: list[syntax.Item] = []
    try:
        uses = Builder(source).uses(header) if header is not None else ()
    except Fault as fault:
        sink.add(fault.diagnostic)
    for item in items:
        try:
            built.append(Builder(source).item(item))
        except Fault as fault:
            sink.add(fault.diagnostic)
            broken.add(next(str(c) for c in item.children if isinstance(c, Token) and c.type == "NAME"))
    return syntax.File(source, uses, tuple(built), frozenset(broken), Span(source, 0, len(source.text)))


class Recovery:
    """The second reading of a file that does not parse: item by item, resuming at the next statement after a fault."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self.source, self.sink = source, sink
        self.faults = 0
        self.stray: set[str] = set()

    def file(self) -> syntax.File:
        chunks: list[list[Token]] = [[]]
        for token in self.tokens():
            if self.opens_item(token, chunks[-1]):
                chunks.append([])
            chunks[-1].append(token)
        header = self.read("header", chunks[0])
        items, broken = [], set()
        for chunk in chunks[1:]:
            item = self.read("item", chunk)
            name = next((str(t) for t in chunk if t.type == "NAME"), None)
            if item is not None:
                items.append(item)
            elif name:
                broken.add(name)
        return assemble(self.source, self.sink, header, items, broken)

    def opens_item(self, token: Token, chunk: list[Token]) -> bool:
        """Item keywords are reserved, so one of them always opens an item; its `///` lines come with it."""
        if token.type == "DOC":
            return not chunk or chunk[-1].type != "DOC"
        return token.value in ITEMS and token.type != "STRING" and (not chunk or chunk[-1].type != "DOC")

    def tokens(self) -> list[Token]:
        text = self.source.text
        while True:
            try:
                return list(parser().lex(text))
            except UnexpectedCharacters as fault:
                at = fault.pos_in_stream
                end = at + 1
                if text[at] == '"':  # an unterminated text: blank the rest of its line, or all of it is read as names
                    end = text.find("\n", at) if "\n" in text[at:] else len(text)
                while end < len(text) and not text[end].isascii():
                    end += 1
                self.report(unknown_character(self.source, at, end))
                text = text[:at] + " " * (end - at) + text[end:]
                if self.faults >= MAX_FAULTS:
                    text = text[:at]

    def report(self, diagnostic: Diagnostic) -> None:
        if self.faults < MAX_FAULTS:
            self.sink.add(diagnostic)
        self.faults += 1

    def read(self, start: str, tokens: list[Token]) -> Any:
        """The tree of one chunk, or None after reporting its faults."""
        machine = parser().parse_interactive(start=start)
        failed, i = False, 0
        while i < len(tokens):
            try:
                machine.feed_token(tokens[i])
                i += 1
            except UnexpectedToken as fault:
                if not failed or self.resumed_at != i:
                    self.report(self.explain(tokens, i, machine.accepts() or fault.expected))
                failed = True
                if self.faults >= MAX_FAULTS:
                    return None
                i = self.resume(machine, tokens, i)
                self.resumed_at = i
        try:
            end = tokens[-1] if tokens else Token("$END", "", 0, 1, 1, 1, 1, 0)
            tree = machine.feed_eof(end)
        except UnexpectedToken:
            if not failed:
                self.report(unfinished(self.source, tokens, machine.accepts(), start))
            return None
        return None if failed else tree

    resumed_at = -1

    def resume(self, machine: Any, tokens: list[Token], i: int) -> int:
        """Skips to the next reserved word that opens a statement, or a closing brace, and unwinds the parser to it."""
        begin = i
        while i < len(tokens):
            if (tokens[i].value in STATEMENTS or tokens[i].type == "RBRACE") and (i > begin or i == 0 or True):
                saved_states = list(machine.parser_state.state_stack)
                saved_values = list(machine.parser_state.value_stack)
                while machine.parser_state.value_stack:
                    if tokens[i].type in machine.accepts() and not (i == begin and self.resumed_at == i):
                        return i
                    machine.parser_state.state_stack.pop()
                    machine.parser_state.value_stack.pop()
                machine.parser_state.state_stack[:] = saved_states
                machine.parser_state.value_stack[:] = saved_values
            i += 1
        return i

    def explain(self, tokens: list[Token], i: int, expected: set[str]) -> Diagnostic:
        return unexpected(self.source, tokens[i], expected, tokens[i - 1] if i else None)


def span_of(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, token.end_pos if token.end_pos is not None else start)


def spelled(terminal: str) -> str:
    """How a terminal of the grammar is written."""
    if terminal in NOUNS:
        return NOUNS[terminal]
    pattern = parser().get_terminal(terminal).pattern
    return f"`{pattern.value}`" if pattern.type == "str" else f"`{terminal.lower()}`"


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def expectation(expected: set[str], opens_line: bool) -> str:
    """The expected set in few words: a value stands for all that can open one; operators hide at the start of a line."""
    names = set(expected)
    words: list[str] = []
    if {"NAME", "INT", "LPAR"} <= names:
        words.append("a value")
        names -= VALUES
    closers = names & {"RPAR", "RSQB", "COMMA"}
    if opens_line and names - OPERATORS - closers:
        names -= OPERATORS - {"PIPE"}
    elif len(names) > 4:
        names -= OPERATORS - {"PIPE"}
    order = {"EDITION": 0}
    words += [spelled(n) for n in sorted(names, key=lambda n: (order.get(n, 1), n in OPERATORS, n))]
    return listed(list(dict.fromkeys(words))) if words else "something else"


def unexpected(source: Source, token: Token, expected: set[str], before: Token | None = None) -> Diagnostic:
    """A token that cannot stand where it stands."""
    span = span_of(source, token)
    if token.type == "$END":
        place = Span(source, max(span.start - 1, 0), span.start)
        return Diagnostic("E0101", f"expected {expectation(expected, False)}, found the end", Label(place, "ends here"))
    value = str(token)
    opens_line = not source.text[: span.start].rpartition("\n")[2].strip()
    if value in RESERVED and "NAME" in expected and not opens_line:
        return Diagnostic(
            "E0104",
            f"`{value}` is a reserved word and cannot be a name",
            Label(span, "reserved"),
            helps=(f"choose another name, for instance `{value}_`",),
        )
    helps: list[str] = []
    fix: tuple[Edit, ...] = ()
    words = {
        str(parser().get_terminal(n).pattern.value) for n in expected if n not in ("$END",) and n.lower() in RESERVED
    }
    if token.type == "NAME" and (near := similar(value, words)):
        helps.append(f"a keyword with a similar name exists: `{near}`")
        fix = (Edit(span, near),)
    elif token.type == "NAME" and before is not None and before.type in ("INT",) and "OF" in expected:
        helps.append(f"write `{before} of {value}`")
    elif value == "=" and "COMPARE" in expected:
        helps.append("compare with `==`")
        fix = (Edit(span, "=="),)
    elif token.type == "COMPARE" and value == ">" and "PIPE" in expected:
        helps.append("layers are chained with `|>`")
    found = f"`{value}`" if len(value) < 40 else "a text"
    return Diagnostic(
        "E0101",
        f"expected {expectation(expected, opens_line)}, found {found}",
        Label(span, "not a statement" if opens_line and token.type == "NAME" else "not expected here"),
        helps=tuple(helps),
        fix=fix,
    )


def unknown_character(source: Source, at: int, end: int | None = None) -> Diagnostic:
    character = source.text[at]
    span = Span(source, at, end if end is not None else at + 1)
    if character == '"':
        return Diagnostic(
            "E0102",
            "a text is not closed",
            Label(Span(source, at, at + 1), "opens here"),
            helps=('close it with `"` on the same line',),
        )
    helps = {
        "'": 'texts stand in double quotes: "..."',
        ";": "statements need no separator",
        "#": "comments open with `//`",
    }
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return Diagnostic(
        "E0103",
        f"`{shown}` is not a character of the language",
        Label(span, "not known here"),
        helps=(helps.get(character, "names are made of the letters a-z, A-Z, digits and `_`"),),
    )


def bidirectional(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0109",
        f"U+{ord(span.text):04X} changes the direction of the text around it",
        Label(span, "invisible control character"),
        helps=("remove it: what a reader sees would not be what is compiled",),
        fix=(Edit(span, ""),),
    )


def unfinished(source: Source, tokens: list[Token], expected: set[str], start: str) -> Diagnostic:
    """The text ends inside an item, or before the edition."""
    if not tokens:
        return Diagnostic(
            "E0110",
            "a spec opens with its edition",
            Label(Span(source, 0, 0), "no `edition` here"),
            helps=("write `edition 1` on the first line",),
            fix=(Edit(Span(source, 0, 0), "edition 1\n"),),
        )
    last = span_of(source, tokens[-1])
    name = next((str(t) for t in tokens if t.type == "NAME"), "")
    kind = next((str(t) for t in tokens if t.value in ITEMS), start)
    return Diagnostic(
        "E0111",
        f"the {kind} `{name}` is not finished: expected {expectation(expected, True)}",
        Label(last, "ends here"),
        helps=("every `{` of a block, policy or model needs its `}`",) if "RBRACE" in expected else (),
    )
