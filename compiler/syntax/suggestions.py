"""Suggestions for common syntax errors."""

from __future__ import annotations

import re

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion, find_similar
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.error_context import (
    BRACKETS,
    CONDITIONS,
    OPENERS,
    OPENS,
    PARAMETRISED,
    RESERVED,
    STATEMENT_OPENERS,
    Place,
    closers,
    ends_line,
    opens_line,
    span_of,
)
from resnetc.compiler.syntax.foreign_idioms import CHAINED, WORDS, denied, opposite
from resnetc.compiler.syntax.foreign_statements import LOOP_OF_STAGES, of_foreign_statement, result_part
from resnetc.compiler.syntax.item_suggestions import LAYOUT, of_missing_part, of_nameless_model, of_parameter
from resnetc.compiler.syntax.lalr_tables import spelling
from resnetc.compiler.syntax.paper_notation import of_input, of_neighbours
from resnetc.compiler.syntax.stage_counts import repeat_once

SLICE = "there are no slices: `let parts = in |> split([8, 24])` cuts the channels, and `parts[0]` is the first 8"
AUGMENTED = (("NAME",), ("PLUS",), ("MINUS",), ("TIMES",), ("DIVIDE",))  # of `int x = ...` and `x += ...`
SEPARATED = "remove the `,`: statements need no separator"
MAX_STAGE = 500  # characters of a stage that a message quotes
COLON = re.compile(r"\bstage [\w.\[\]]+(?:\s+\"[^\"\n]*\")?\s*(:)[^:\n]*\Z")
MAX_TUPLE = 100  # characters of a tuple that a message quotes
TUPLE = frozenset("0123456789, ")
MISSPELT_OF = frozenset("OF Of off fo f og ofo oof".split())
PATH = re.compile(r"use[ \t]+([\"'\w./]+)(?=\s)")
LABELLED = frozenset(("HEAD", "STEM"))
STATEMENT = {  # how a statement is written
    "REQUIRE": 'a requirement is written `require width % 8 == 0 otherwise "text"`',
    "INPUT": "an input is written `input [3, H, W] = [3, 224, 224]`",
    "STAGE": "a stage is written `stage layer1 = 2 of blocks.basic(64)`",
}


def remedy(token: Token, place: Place, statement: bool) -> Suggestion:
    """What to write instead, where the fault is a common one."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    words = {w for n in place.expected if (w := spelling(n)) in RESERVED and w is not None}
    if before is not None and before.type == "MODEL" and place.expected == {"NAME"}:
        return Suggestion(of_nameless_model(token, place))
    if token.type == "MODEL" and place.after[:1] == ("DOT",):
        return Suggestion("a layer goes into the stem, a stage or the head: `stage layer1 = 2 of blocks.basic(64)`")
    if place.statement == "INPUT" and "WHEN" not in place.expected and not enclosed(place):
        return of_input(span)
    listed = place.opened is not None and place.opened.type == "LSQB"
    if place.statement == "STAGE" and ("OF" in place.expected or listed) and (once := repeat_once(span)) is not None:
        return once
    if token.type == "NAME" and "OF" in place.expected and value in MISSPELT_OF:
        return Suggestion("a similar keyword exists: `of`", (Edit(span, "of"),))
    if token.type in ("NAME", "INT", "FLOAT") and not opens_line(place.source, token):
        if (beside := of_neighbours(token, place)) is not None:
            return beside
    if token.type == "NAME":
        return of_name(token, place, words)
    if (sign := of_sign(token, place)) is not None:
        return sign
    doubled = before is not None and before.value == value and token.type not in BRACKETS.values()
    if doubled and "COMMA" not in place.expected:
        return Suggestion(f"remove one of the two `{shortened(value)}`", (Edit(span, ""),))
    if token.type == "DOC":
        return Suggestion("`///` documents the definition below it; other comments start with `//`")
    if token.type == "STRING" and opens_line(place.source, token):
        return Suggestion("write documentation after `///` above a definition, and other comments after `//`")
    if place.kind == "use" and token.type in ("DIVIDE", "STRING"):
        return of_path(span)
    if token.type == "USE":
        return Suggestion("`use` lines go between the edition and the first definition")
    if value == "," and {"RPAR", "WHEN"} <= place.expected and not opens_input(place):
        return of_tuple(place)
    if place.before is not None and place.before.type == "COMMA" and unfinished_before(token, place):
        return Suggestion(SEPARATED, (Edit(span_of(place.source, place.before), ""),))
    if lacks_reason(place):
        return of_requirement(token, place)
    ends = token.type == "RBRACE" and token.type in closers(place) - place.expected
    opens = token.type in STATEMENT_OPENERS or ends
    if opens and place.kind in LAYOUT and not place.is_unclosed and (missing := of_missing_part(token, place)):
        return Suggestion(missing)
    if statement and opens and place.kind in LAYOUT and not place.is_unclosed:
        return Suggestion(LAYOUT[place.kind])
    if inside_statement(place):
        return of_statement(place, span)
    if token.type in BRACKETS.values() and token.type not in closers(place):
        return Suggestion(f"remove it, or add the `{spelling(OPENS[token.type])}` that it closes", (Edit(span, ""),))
    return Suggestion("")


def enclosed(place: Place) -> bool:
    """Whether the place is inside brackets that are no body of an item."""
    return place.opened is not None and place.opened.type != "LBRACE"


def of_path(span: Span) -> Suggestion:
    """What to write in place of a path with slashes or in quotes."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    path = PATH.match(text, start)
    names = "" if path is None else ".".join(re.findall(r"\w+", re.sub(r"\.resnet\b", "", path[1])))
    if path is None or not names or ".." in path[1]:
        return Suggestion("write a path like `use std.blocks`")
    why = "write the path with dots" if "/" in path[1] else "a path has no quotes"
    return Suggestion(f"{why}: `use {names}`", (Edit(Span(span.source, *path.span(1)), names),))


def of_tuple(place: Place) -> Suggestion:
    """What to write in place of `(3, 3)`."""
    start = place.opened.start_pos if place.opened is not None else None
    end = place.source.text.find(")", start, start + MAX_TUPLE) if start is not None else -1
    inner = place.source.text[start + 1 : end] if start is not None and end > 0 else ""
    if start is None or not inner or not set(inner) <= TUPLE:
        return Suggestion("write a list in square brackets: `[a, b]`")
    written = f"[{inner.strip(', ')}]"
    return Suggestion(
        f"write a list in square brackets: `{written}`", (Edit(Span(place.source, start, end + 1), written),)
    )


def of_statement(place: Place, span: Span) -> Suggestion:
    """How the statement is written in which the fault is."""
    if place.statement == "INPUT":
        return of_input(span)
    return Suggestion(STATEMENT[place.statement], replace_colon(place, span))


def replace_colon(place: Place, span: Span) -> tuple[Edit, ...]:
    """The edit where a stage has a colon behind its name."""
    start = max(0, span.start - MAX_STAGE)
    colon = COLON.search(span.source.text[start : span.start]) if place.statement == "STAGE" else None
    if colon is None:
        return ()
    at = start + colon.start(1)
    spaced = "=" if span.source.text[at - 1] == " " else " ="
    return (Edit(Span(span.source, at, at + 1), spaced),)


def unfinished_before(token: Token, place: Place) -> bool:
    """Whether a statement opens where a comma announces one more part of the last, or a requirement has no reason."""
    if not opens_line(place.source, token) or token.type not in STATEMENT_OPENERS | {"RBRACE"}:
        return False
    comma = place.before is not None and place.before.type == "COMMA"
    return (comma and not enclosed(place)) or lacks_reason(place)


def lacks_reason(place: Place) -> bool:
    """Whether a requirement could end here, but for the reason that it gives."""
    if place.before is not None and place.before.type == "OTHERWISE":
        return place.expected == {"STRING"}
    return place.statement == "REQUIRE" and "OTHERWISE" in place.expected


def opens_input(place: Place) -> bool:
    """Whether the bracket stands where an input has its names."""
    at = place.opened.start_pos if place.opened is not None and place.opened.start_pos is not None else 0
    return place.source.text[max(0, at - 100) : at].rstrip().endswith("input")


def inside_statement(place: Place) -> bool:
    """Whether the fault is in what a statement is made of, neither in a call nor where the next one may open."""
    within = place.opened is not None and place.opened.type == "LPAR" and not opens_input(place)
    return place.statement in STATEMENT and not within and not (place.expected & OPENERS) - {"WHEN", "OTHERWISE"}


def of_requirement(token: Token, place: Place) -> Suggestion:
    """What to write where a requirement does not say why."""
    span, text = span_of(place.source, token), STATEMENT["REQUIRE"]
    if "OTHERWISE" in place.expected and token.type == "STRING":
        return Suggestion(text, (Edit(Span(span.source, span.start, span.start), "otherwise "),))
    if "OTHERWISE" in place.expected and token.value == "," and place.after[:1] == ("STRING",):
        return Suggestion(text, (Edit(span, " otherwise"),))
    return Suggestion(text)


def of_name(token: Token, place: Place, words: set[str]) -> Suggestion:
    """What to write in place of a name: a word of another language, or one that lacks the word before it."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    opening = Span(span.source, span.start, span.start)
    case = {"if": "WHEN", "else": "OTHERWISE"}.get(value, "")
    if case in place.expected and place.kind == "policy":
        return Suggestion(f"a case of a policy starts with `{case.lower()}`", (Edit(span, case.lower()),))
    if (no := next((t for t in (token, before) if t is not None and t.value == "not"), None)) is not None:
        edit = opposite(span_of(place.source, no))
        return Suggestion(denied(span_of(place.source, no)), (edit,) if edit else ())
    if "for" in (value, before.value if before is not None else "") and place.statement == "STAGE":
        return Suggestion(LOOP_OF_STAGES)
    if (foreign := of_foreign_statement(token, place)) is not None:
        return foreign
    if value in WORDS:
        return Suggestion(WORDS[value])
    if before is not None and before.type == "NAME" and before.value in WORDS:
        return Suggestion(WORDS[str(before.value)])
    if near := find_similar(value, words):
        return Suggestion(f"a similar keyword exists: `{near}`", (Edit(span, near),))
    if before is not None and before.type == "INT" and "OF" in place.expected:
        return Suggestion(f"write `{before} of {value}`", (Edit(opening, "of "),))
    if place.after[:1] == ("ASSIGN",) and opens_line(place.source, token):
        if part := result_part(token, place):
            return Suggestion(f"write `{part} = ...`", (Edit(span, part),))
        if "STAGE" in place.expected:
            return Suggestion(f"a stage starts with `stage`: `stage {value} = ...`", (Edit(opening, "stage "),))
        if "LET" in place.expected:
            return Suggestion(f"name a value with `let`: `let {value} = ...`", (Edit(opening, "let "),))
    if place.after[:1] in AUGMENTED and place.after[1:2] == ("ASSIGN",) and "LET" in place.expected:
        return Suggestion("a name cannot be reassigned: give the result another name with `let`")
    if lacks_reason(place):
        return of_requirement(token, place)
    if inside_statement(place):
        return of_statement(place, span)
    return Suggestion(
        LAYOUT.get(place.kind, "") if opens_line(place.source, token) and place.expected & OPENERS else ""
    )


def of_sign(token: Token, place: Place) -> Suggestion | None:
    """What to write in place of a sign that means something else in other languages."""
    span, before, value = span_of(place.source, token), place.before, str(token.value)
    together = before is not None and before.end_pos == token.start_pos
    pair = f"{before}{value}" if together else value
    if value == "=" and "COMPARE" in place.expected and place.source.text.startswith("=<", span.start):
        return Suggestion("compare with `<=`", (Edit(Span(span.source, span.start, span.start + 2), "<="),))
    if value == "=" and "COMPARE" in place.expected and place.statement in CONDITIONS:
        return Suggestion("compare with `==`", (Edit(span, "=="),))
    if value == "=" and "PIPE" in place.expected and place.statement in LABELLED and before is not None:
        if before.type == "NAME":
            return Suggestion(f"label a layer with `:`, as in `{before}: linear(10)`", (Edit(span, ":"),))
    if value == ":" and "ASSIGN" in place.expected and place.after[:1] == ("ASSIGN",):
        return Suggestion(
            "write `=`", (Edit(Span(span.source, span.start, span.source.text.index("=", span.end) + 1), "="),)
        )
    if value == "==" and "ASSIGN" in place.expected:
        return Suggestion("write `=`: `==` is a comparison", (Edit(span, "="),))
    if value == ">" and "PIPE" in place.expected:
        return Suggestion("chain layers with `|>`", (Edit(span, "|>"),))
    sign = span_of(place.source, before).extend_to(span) if pair in ("->", ">>") and before is not None else None
    if place.source.text.startswith("->", span.start):
        sign = Span(span.source, span.start, span.start + 2)
    if sign is not None:
        if place.kind == "policy" and opens_case(sign):
            return Suggestion("write a case as `when c => layers`", (Edit(sign, "=>"),))
        return Suggestion(CHAINED, replace_in_line(sign, "|>"))
    if value == "=>" and "COMPARE" in place.expected and place.statement in ("REQUIRE", "EXPECT"):
        return Suggestion("compare with `>=`", (Edit(span, ">="),))
    if "PIPE" in place.expected and value == "=>":
        return Suggestion(CHAINED, (Edit(span, "|>"),))
    if value == "," and "PIPE" in place.expected and not {"RPAR", "RSQB"} & place.expected:
        if place.after and place.after[0] in STATEMENT_OPENERS | {"RBRACE"} and ends_line(place.source, token):
            return Suggestion(SEPARATED, (Edit(span, ""),))
        if place.statement in ("STEM", "HEAD", "LET", "OUT"):
            return Suggestion(CHAINED)
    if value == "," and place.kind != "use" and "$END" in place.expected and place.source.name.startswith("--"):
        whole = Span(place.source, 0, len(place.source.text))
        written = f"[{whole.text.strip()}]"
        return Suggestion(f"write a list in square brackets: `{shortened(written)}`", (Edit(whole, written),))
    if value == "=>" and before is not None and before.type == "WHEN":
        help = "write the default case as `otherwise => layers`"
        return Suggestion(help, (Edit(span_of(place.source, before), "otherwise"),))
    if value == "=" and place.expected == {"IN"}:
        return Suggestion("`each` iterates over a list: write `in`", (Edit(span, "in"),))
    if pair == "**":
        return Suggestion("there is no power operator: multiply, as in `2 * 2`")
    if pair == "/*":
        return Suggestion("a comment starts with `//` and runs to the end of the line")
    if value == ":" and place.opened is not None and place.opened.type == "LSQB" and "LBRACE" not in place.expected:
        return Suggestion(SLICE)
    if value == ":" and "LBRACE" in place.expected:
        return Suggestion("write its body in braces: `{ ... }`")
    if "COLON" in place.expected and before is not None and before.type == "NAME" and place.kind in PARAMETRISED:
        if place.opened is not None and place.opened.type == "LPAR" and "PIPE" not in place.expected:
            return of_parameter(before, place)
    if value == "(" and before is not None and before.type == "EACH":
        return Suggestion("`each` takes one name: iterate over `range(n)` and index the lists: `widths[i]`")
    if place.opened is not None and before is not None and opens_line(place.source, token):
        line = place.source.text[before.end_pos : token.start_pos].partition("\n")[0]
        closer = str(spelling(BRACKETS[place.opened.type]))
        if line.lstrip().startswith("//") and closer in line and BRACKETS[place.opened.type] in place.expected:
            return Suggestion("`//` starts a comment; divide with `/`, and round with `floor(a / b)`")
    return None


def opens_case(span: Span) -> bool:
    """Whether a sign stands behind the condition of a case, or behind `otherwise`."""
    before = span.source.text[max(0, span.start - MAX_STAGE) : span.start]
    return max(before.rfind("when "), before.rfind("otherwise ")) > before.rfind("=>")


def replace_in_line(span: Span, replacement: str) -> tuple[Edit, ...]:
    """Edits of what a span says wherever its line says so, from the span on."""
    text = span.source.text
    code = text[span.start :].partition("\n")[0].partition("//")[0]
    starts = [span.start + match.start() for match in re.finditer(re.escape(span.text), code)]
    return tuple(Edit(Span(span.source, at, at + len(span.text)), replacement) for at in starts)


def shortened(value: str) -> str:
    return value if len(value) < 40 else f"{value[:36]}..."
