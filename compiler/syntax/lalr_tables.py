"""The Lark parser, with its tables read from a file if that file was made from this grammar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import lark
from lark import Lark, TextSlice, Token
from lark.lexer import LexerThread

from resnetc import grammar

GRAMMAR = Path(grammar.__file__).parent
STARTS = ("start", "edition", "use", "item", "expr")
OPTIONS: dict[str, object] = {
    "parser": "lalr",
    "lexer": "basic",
    "propagate_positions": False,  # `LalrParser` does
    "maybe_placeholders": True,
    "start": list(STARTS),
}


def grammar_text() -> str:
    return GRAMMAR.joinpath("resnet.lark").read_text(encoding="utf-8")


def digest() -> str:
    """What ties the shipped tables to the grammar: they are used for this text only."""
    return hashlib.sha256(grammar_text().encode()).hexdigest()


def from_pairs(value: dict[str, Iterable[tuple[object, object]]]) -> Mapping[object, object] | Mapping[str, object]:
    """A dictionary whose keys are no texts, which the file of the tables has as a list of pairs."""
    return dict(value["pairs"]) if "pairs" in value else value


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The LALR(1) parser: from the shipped tables where this Lark made them from this grammar, else built afresh."""
    shipped = GRAMMAR.joinpath("tables.json")
    if shipped.is_file():
        tables = json.loads(shipped.read_text(encoding="utf-8"), object_hook=from_pairs)
        if tables["lark"] == lark.__version__ and tables["grammar"] == digest():
            load_tables: Callable[[object, object], Lark] = Lark._load_from_dict  # to which lark gives no types
            return load_tables(tables["data"], tables["memo"])
    return Lark(grammar_text(), **OPTIONS)


def lex(text: str | TextSlice[str]) -> Iterator[Token]:
    """The tokens of a text; raises `UnexpectedCharacters` where none begins.

    `Lark.lex` builds a lexer for each text, which takes longer than to read most.
    """
    lexer = parser().parse_interactive("", start="start").lexer_thread.lexer
    read_tokens: Callable[[None], Iterator[Token]] = LexerThread.from_text(lexer, text).lex  # no types in lark either
    return read_tokens(None)


@lru_cache(maxsize=64)
def spelling(terminal: str) -> str | None:
    """How a terminal of the grammar is written, where there is one way only."""
    if terminal == "$END":
        return None
    pattern = parser().get_terminal(terminal).pattern
    return str(pattern.value) if pattern.type == "str" else None
