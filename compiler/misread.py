"""The words of syntax faults: one function a code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lark import Token

from resnetc.compiler.build import too_deep
from resnetc.compiler.diagnostics import Diagnostic, Edit, Label, similar
from resnetc.compiler.elsewhere import CHAINED, LOOKALIKES, QUOTES, WORDS
from resnetc.compiler.source import Source, Span
from resnetc.compiler.tables import spelling

MAX_STACK = 2_000  # of the parser: far more than `build.MAX_DEPTH` levels of anything
MAX_STATEMENT = 10_000
MAX_WORDS = 30_000  # of a file; the longest shipped one has fewer than 3_000

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
    "STRING": "a text in quotes",
    "COMPARE": "a comparison",
    "DOC": "a `///` comment",
    "$END": "the end",
}
ORDER = ["edition", "use", *ITEMS, *STATEMENTS, "of", "in"]
CONDITIONS = {"REQUIRE", "EXPECT", "WHEN"}
BRACKETS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
OPENS = {closer: opener for opener, closer in BRACKETS.items()}
PARAMETRISED = {"block", "policy", "slot", "model", "extern"}
LAYOUT = {
    "block": "a block has `let`, `require`, `set` and `each`, then `out`",
    "policy": "a policy has `let` and `require`, then its `when` cases, then `otherwise`",
    "model": (
        "a model has `each`; `let`, `require` and `set`; `input`; `stem`; `stage`; `head`; `expect`, in this order"
    ),
}
STATEMENT = {  # how a statement is written
    "INPUT": "an input is written `input [3, H, W] = [3, 224, 224]`",
    "STAGE": "a stage is written `stage layer1 = 2 of blocks.basic(64)`",
}


def span_of(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, token.end_pos if token.end_pos is not None else start)


def opens_line(source: Source, token: Token) -> bool:
    text, at = source.text, token.start_pos or 0
    while at and text[at - 1] in " \t\r":  # not a slice of the line: lines may be long
        at -= 1
    return not at or text[at - 1] == "\n"


def spelled(terminal: str) -> str:
    """How a terminal of the grammar is called in a message."""
    written = spelling(terminal)
    return f"`{written}`" if written is not None else NOUNS[terminal]


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def expectation(expected: Iterable[str], first: bool) -> str:
    """The expected terminals in few words: a value stands for all that can open one.

    Where a line begins (`first`) a statement is expected rather than the rest of the one before; further on it is not.
    """
    names = set(expected)
    words: list[str] = []
    if {"NAME", "INT", "LPAR"} <= names:
        words.append("a value")
        names -= VALUES
    statements = names & OPENERS
    if first and (statements or "RBRACE" in names):
        names &= statements | {"RBRACE"}
    elif "PIPE" in names:
        names -= OPERATORS | (statements - {"WHEN", "OTHERWISE"})
    rank = {spelled(word.upper()): i for i, word in enumerate(ORDER)}
    words += sorted({spelled(n) for n in names}, key=lambda word: (rank.get(word, len(rank)), word))
    return listed(list(dict.fromkeys(words))) or "something else"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a token was refused: what could stand there, the token before, the bracket that is open, the kind of item.

    `statement` is the word that opens the statement; `named`: whether a name in the token's place would lead on;
    `after`: the terminals behind the token; `around`: the brackets that are open around the innermost one.
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


def refused(token: Token, place: Place) -> Diagnostic:
    """A token that cannot stand where it stands."""
    doubled = place.before is not None and place.before.value == token.value
    if place.named and token.value in RESERVED and not doubled:
        return reserved_word(span_of(place.source, token))
    return unexpected(token, place)


def reserved_word(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0104",
        f"`{span.text}` is a reserved word and cannot be a name",
        Label(span, "reserved"),
        helps=(f"choose another name, for instance `{span.text}_`",),
    )


def unexpected(token: Token, place: Place) -> Diagnostic:
    span, first = span_of(place.source, token), opens_line(place.source, token)
    statement = first and bool((place.expected - VALUES) & OPENERS)
    if token.type in BRACKETS.values() and token.type not in closers(place):
        label = "closes nothing that is open"
    else:
        label = "not a statement" if statement and token.type == "NAME" else "not expected here"
    unclosed = place.opened is not None and BRACKETS[place.opened.type] in place.expected
    helps, fix = remedy(token, place, statement)
    value = NOUNS[token.type] if token.type in ("STRING", "DOC", "$END") else f"`{shortened(token.value)}`"
    return Diagnostic(
        "E0101",
        f"expected {expectation(place.expected, first)}, found {value}",
        Label(span, label),
        still_open(place) if unclosed and (first or label.startswith("closes") or token.type == "$END") else (),
        helps=(helps,) if helps else (),
        fix=fix,
    )


def closers(place: Place) -> set[str]:
    """What closes a bracket that is open."""
    inner = {place.opened.type} if place.opened is not None else set()
    return {BRACKETS[opener] for opener in inner | place.around}


def remedy(token: Token, place: Place, statement: bool) -> tuple[str, tuple[Edit, ...]]:
    """What to write instead, where the fault is a common one."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    words = {w for n in place.expected if (w := spelling(n)) in RESERVED and w is not None}
    if token.type == "NAME":
        return of_name(token, place, words)
    if (sign := of_sign(token, place)) is not None:
        return sign
    doubled = before is not None and before.value == value and token.type not in BRACKETS.values()
    if doubled and "COMMA" not in place.expected:
        return f"remove one of the two `{shortened(value)}`", (Edit(span, ""),)
    if token.type == "DOC":
        return "`///` documents the definition below it; other comments open with `//`", ()
    if token.type == "STRING" and opens_line(place.source, token):
        return "what is said to readers stands behind `///`, above a definition, or behind `//`", ()
    if place.kind == "use" and token.type in ("DIVIDE", "STRING"):
        return "write a path like `use std.blocks`", ()
    if token.type == "USE":
        return "`use` lines stand between the edition and the first definition", ()
    if value == "," and {"RPAR", "WHEN"} <= place.expected and not opens_input(place):
        return "a list stands in square brackets: `[a, b]`", ()
    ends = token.type == "RBRACE" and token.type in closers(place) - place.expected
    opens = token.type in STATEMENT_OPENERS or ends
    if statement and opens and place.kind in LAYOUT:
        return LAYOUT[place.kind], ()
    if inside_statement(place):
        return STATEMENT[place.statement], ()
    if token.type in BRACKETS.values() and token.type not in closers(place):
        return f"remove it, or write the `{spelling(OPENS[token.type])}` that it closes", ()
    return "", ()


def opens_input(place: Place) -> bool:
    """Whether the bracket stands where an input has its names."""
    at = place.opened.start_pos if place.opened is not None and place.opened.start_pos is not None else 0
    return place.source.text[max(0, at - 100) : at].rstrip().endswith("input")


def inside_statement(place: Place) -> bool:
    """Whether the fault is in what a statement is made of, neither in a call nor where the next one may open."""
    within = place.opened is not None and place.opened.type == "LPAR" and not opens_input(place)
    return place.statement in STATEMENT and not within and not (place.expected & OPENERS) - {"WHEN", "OTHERWISE"}


def of_name(token: Token, place: Place, words: set[str]) -> tuple[str, tuple[Edit, ...]]:
    """What to write in place of a name: a word of another language, or one that lacks the word before it."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    opening = Span(span.source, span.start, span.start)
    case = {"if": "WHEN", "else": "OTHERWISE"}.get(value, "")
    if case in place.expected and place.kind == "policy":
        return f"a case of a policy opens with `{case.lower()}`", (Edit(span, case.lower()),)
    if value in WORDS:
        return WORDS[value], ()
    if before is not None and before.type == "NAME" and before.value in WORDS:
        return WORDS[str(before.value)], ()
    if near := similar(value, words):
        return f"a keyword with a similar name exists: `{near}`", (Edit(span, near),)
    if before is not None and before.type == "INT" and "OF" in place.expected:
        return f"write `{before} of {value}`", (Edit(opening, "of "),)
    if place.after[:1] == ("ASSIGN",) and opens_line(place.source, token):
        if "STAGE" in place.expected:
            return f"a stage opens with its word: `stage {value} = ...`", (Edit(opening, "stage "),)
        if "LET" in place.expected:
            return f"a value is named by `let`: `let {value} = ...`", (Edit(opening, "let "),)
    if place.after[1:2] == ("ASSIGN",) and "LET" in place.expected:
        return "a name keeps its value: give the result another name with `let`", ()
    return STATEMENT[place.statement] if inside_statement(place) else "", ()


def of_sign(token: Token, place: Place) -> tuple[str, tuple[Edit, ...]] | None:
    """What to write in place of a sign that means something else in other languages."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    together = before is not None and before.end_pos == token.start_pos
    pair = f"{before}{value}" if together else value
    if value == "=" and "COMPARE" in place.expected and place.statement in CONDITIONS:
        return "compare with `==`", (Edit(span, "=="),)
    if value == "==" and "ASSIGN" in place.expected:
        return "write `=`, as `==` compares", (Edit(span, "="),)
    if value == ">" and "PIPE" in place.expected:
        return "layers are chained with `|>`", (Edit(span, "|>"),)
    if pair in ("->", ">>") or ("PIPE" in place.expected and value == "=>"):
        return CHAINED, ()
    if value == "," and "PIPE" in place.expected and place.statement in ("STEM", "HEAD", "LET", "OUT"):
        if not {"RPAR", "RSQB"} & place.expected:
            return CHAINED, ()
    if pair == "**":
        return "there are no powers: multiply, as in `2 * 2`", ()
    if pair == "/*":
        return "a comment opens with `//` and ends with its line", ()
    if value == ":" and "LBRACE" in place.expected:
        return "what belongs to it stands in braces: `{ ... }`", ()
    if "COLON" in place.expected and before is not None and before.type == "NAME" and place.kind in PARAMETRISED:
        if place.opened is not None and place.opened.type == "LPAR" and "PIPE" not in place.expected:
            return f"a parameter has a type: `{before}: int`", ()
    if value == "(" and before is not None and before.type == "EACH":
        return "`each` has one name: let it run over `range(n)`, and index the lists: `widths[i]`", ()
    if place.opened is not None and before is not None and opens_line(place.source, token):
        line = place.source.text[before.end_pos : token.start_pos].partition("\n")[0]
        if line.lstrip().startswith("//") and BRACKETS[place.opened.type] in place.expected:
            return "`//` opens a comment; divide with `/`, and round with `floor(a / b)`", ()
    return None


def shortened(value: str) -> str:
    return value if len(value) < 40 else f"{value[:36]}..."


def still_open(place: Place) -> tuple[Label, ...]:
    if place.opened is None or not place.opened.value:  # none, or one that was only made up to read on
        return ()
    return (Label(span_of(place.source, place.opened), f"this `{place.opened}` is open"),)


def unclosed_text(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0102",
        "a text is not closed",
        Label(span, "opens here"),
        helps=('close it with `"` on the same line',),
    )


def foreign_character(span: Span) -> Diagnostic:
    character, known = span.text[0], LOOKALIKES.get(span.text)
    shown = f"`{character}`" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"
    if known is not None:
        helps = known.remedy
    elif character.isspace():
        helps = "write a plain space"
    elif character in QUOTES:
        helps = 'texts stand in double quotes: "..."'
    elif f"a{character}".isidentifier():
        helps = "names are made of the letters a-z, A-Z, digits and `_`"
    else:
        helps = "remove it: no statement is written with it"
    return Diagnostic(
        "E0103",
        f"{shown} is not a character of the language",
        Label(span, "not known here"),
        helps=(helps,),
        fix=(Edit(span, known.written),) if known is not None and known.terminal else (),
    )


def bidirectional(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0109",
        f"U+{ord(span.text):04X} changes the direction of the text around it",
        Label(span, "invisible control character"),
        helps=("remove it: what a reader sees would not be what is compiled",),
        fix=(Edit(span, ""),),
    )


def no_edition(source: Source) -> Diagnostic:
    start = Span(source, 0, 0)
    return Diagnostic(
        "E0110",
        "a spec opens with its edition",
        Label(start, "no `edition` here"),
        helps=("write `edition 1` on the first line",),
        fix=(Edit(start, "edition 1\n"),),
    )


def unfinished(what: str, last: Token, place: Place) -> Diagnostic:
    """The text, or the item before the next one, ends too early."""
    return Diagnostic(
        "E0111",
        f"{what} is not finished: expected {expectation(place.expected, True)}",
        Label(span_of(place.source, last), "ends here"),
        still_open(place),
        helps=("every `{` of a block, policy or model needs its `}`",) if "RBRACE" in place.expected else (),
    )


@dataclass(slots=True)
class Limits:
    """Follows the tokens of a text: what nests deeper, or goes on longer than a text can mean is not read on."""

    source: Source
    length: int = 0  # of the statement
    words: int = 0  # of the file

    def passed(self, token: Token, height: int) -> Diagnostic | None:
        """The fault where a token is one too many; `height` is that of the parser's stack."""
        self.words += 1
        if self.words > MAX_WORDS:
            return too_many_words(span_of(self.source, token))
        self.length = 0 if token.type in OPENERS else self.length + 1
        if height > MAX_STACK:
            return too_deep(span_of(self.source, token))
        if self.length > MAX_STATEMENT:
            return too_long(span_of(self.source, token))
        return None


def too_long(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0112",
        f"a statement has at most {MAX_STATEMENT:_} words and signs",
        Label(span, "the statement goes on beyond this"),
        helps=("divide it: name its parts with `let`, or make them blocks and policies",),
    )


def too_many_words(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0114",
        f"a file has at most {MAX_WORDS:_} words and signs",
        Label(span, "the file goes on beyond this"),
        helps=("move some of its definitions into a file of their own, and name that with `use`",),
    )
