"""The context of a syntax error: which words could follow there, and what surrounds the place."""

from __future__ import annotations

from lark import Token

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax.lalr_tables import spelling

# Reserved words in the order in which a file has them; the first five open items, those from `each` on statements.
ITEMS = ("block", "policy", "slot", "model", "extern")
STATEMENTS = (
    *("each", "let", "require", "set", "when", "otherwise", "out"),
    *("input", "stem", "stage", "head", "expect"),
)
OTHERS = ("and", "edition", "first", "in", "of", "or", "use")
RESERVED = frozenset((*ITEMS, *STATEMENTS, *OTHERS))

ITEM_OPENERS = frozenset(word.upper() for word in ITEMS)
STATEMENT_OPENERS = frozenset(word.upper() for word in STATEMENTS)
OPENERS = ITEM_OPENERS | STATEMENT_OPENERS | {"EDITION", "USE"}
VALUES = {"NAME", "INT", "FLOAT", "STRING", "IN", "STEM", "HEAD", "LSQB", "LPAR", "MINUS"}
OPERATORS = {"COMPARE", "PLUS", "MINUS", "TIMES", "DIVIDE", "MODULO", "DOT", "LPAR", "LSQB", "AND", "OR", "COLON"}
NOUNS = {
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "STRING": "a string",
    "COMPARE": "a comparison",
    "DOC": "a `///` comment",
    "$END": "the end",
}
ORDER = ["edition", "use", *ITEMS, *STATEMENTS, "of", "in"]
CONDITIONS = {"REQUIRE", "EXPECT", "WHEN"}
BRACKETS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
OPENS = {closer: opener for opener, closer in BRACKETS.items()}
PARAMETRISED = {"block", "policy", "slot", "model", "extern"}


def span_of(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, token.end_pos if token.end_pos is not None else start)


def opens_line(source: Source, token: Token) -> bool:
    text, at = source.text, token.start_pos or 0
    while at and text[at - 1] in " \t\r":  # not a slice of the line: lines may be long
        at -= 1
    return not at or text[at - 1] == "\n"


def newline(source: Source) -> str:
    """How the first line of a text ends."""
    return "\r\n" if source.text.partition("\n")[0].endswith("\r") else "\n"


def ends_line(source: Source, token: Token) -> bool:
    """Whether nothing but a comment stands behind a token in its line."""
    behind = source.text[token.end_pos : (token.end_pos or 0) + 200].partition("\n")[0].strip()
    return not behind or behind.startswith("//")


def spelled(terminal: str) -> str:
    """How a terminal of the grammar is called in a message."""
    written = spelling(terminal)
    return f"`{written}`" if written is not None else NOUNS[terminal]


@record(eq=True)
class Place:
    """Where a token was refused: what could stand there, the token before, the bracket that is open, the kind of item.

    `statement` is the word that opens the statement; `named`: whether a name in the token's place would lead on;
    `after`: the terminals behind the token; `around`: the brackets that are open around the innermost one.
    The parser gets on with one of `inserted` before the token, with one of `replaced` in its place, or without it where
    it is `removable`.
    """

    source: Source
    expected: frozenset[str]
    before: Token | None = None
    opened: Token | None = None
    kind: str = ""
    statement: str = ""
    named: bool = False
    after: tuple[str, ...] = ()
    around: frozenset[str] = frozenset()
    inserted: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    removable: bool = False

    @property
    def is_unclosed(self) -> bool:
        """Whether a bracket is open that could be closed here; a brace closes a body, which has its own message."""
        within = self.opened is not None and self.opened.type != "LBRACE" and bool(self.opened.value)
        return within and self.opened is not None and BRACKETS[self.opened.type] in self.expected


def closers(place: Place) -> set[str]:
    """What closes a bracket that is open."""
    inner = {place.opened.type} if place.opened is not None else set()
    return {BRACKETS[opener] for opener in inner | place.around}
