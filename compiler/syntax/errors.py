"""Messages about syntax errors: one function per message."""

from __future__ import annotations

from collections.abc import Iterable

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax.error_context import (
    BRACKETS,
    NOUNS,
    OPENERS,
    OPERATORS,
    ORDER,
    RESERVED,
    VALUES,
    Place,
    closers,
    newline,
    opens_line,
    span_of,
    spelled,
)
from resnetc.compiler.syntax.paper_notation import AN_INPUT, of_neighbours
from resnetc.compiler.syntax.suggestions import STATEMENT, remedy, shortened, unfinished_before
from resnetc.compiler.syntax.token_suggestions import close_bracket, suggest_tokens


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


def refused(token: Token, place: Place) -> Diagnostic:
    """A token that cannot stand where it stands."""
    doubled = place.before is not None and place.before.value == token.value
    parameter = {"NAME", "FIRST"} <= place.expected and place.opened is not None and place.opened.type == "LPAR"
    if (place.named or parameter) and token.value in RESERVED and not doubled:
        return reserved_word(span_of(place.source, token))
    return unexpected(token, place)


def reserved_word(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0104",
        f"`{span.text}` is a reserved word and cannot be used as a name",
        Label(span, "reserved"),
        helps=(f"choose another name, for instance `{span.text}_`",),
    )


def unexpected(token: Token, place: Place) -> Diagnostic:
    span, first = span_of(place.source, token), opens_line(place.source, token)
    statement = first and bool((place.expected - VALUES) & OPENERS)
    if token.type in BRACKETS.values() and token.type not in closers(place):
        label = "closes a bracket that was never opened"
    else:
        label = "not a statement" if statement and token.type == "NAME" else "not expected here"
    unclosed = place.opened is not None and BRACKETS[place.opened.type] in place.expected
    suggestion = remedy(token, place, statement)
    help, fix = suggestion.help, suggestion.edits
    in_words = bool(help) and not fix and help not in STATEMENT.values() and not help.startswith(AN_INPUT)
    is_idiom = (
        in_words or of_neighbours(token, place) is not None or place.expected == {"COLON"}
    )  # what is said of it is no matter of one token
    more = () if is_idiom or token.type == "$END" else tuple(suggest_tokens(token, place))
    value = NOUNS[token.type] if token.type in ("STRING", "DOC", "$END") else f"`{shortened(token.value)}`"
    labels = still_open(place) if unclosed and (first or label.startswith("closes") or token.type == "$END") else ()
    behind = ""
    if place.before is not None and unfinished_before(token, place):
        labels, span = (Label(span, "the next statement starts here"),), span_of(place.source, place.before)
        label, first, behind = "this statement is incomplete", False, f" after `{shortened(place.before.value)}`"
    return Diagnostic(
        "E0101",
        f"expected {expectation(place.expected, first)}{behind}, found {value}",
        primary=Label(span, label),
        labels=labels,
        helps=(help,) if help else (),
        fix=fix,
        alternatives=more,
    )


def still_open(place: Place) -> tuple[Label, ...]:
    if place.opened is None or not place.opened.value:  # none, or one that was only made up to read on
        return ()
    return (Label(span_of(place.source, place.opened), f"this `{place.opened}` is not closed"),)


def unclosed_text(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0102",
        "unterminated string",
        Label(span, "starts here"),
        helps=('close it with `"` on the same line',),
    )


def bidirectional(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0109",
        f"U+{ord(span.text):04X} changes the direction of the surrounding text",
        Label(span, "invisible control character"),
        helps=("remove it: readers would see something other than what is compiled",),
        fix=(Edit(span, ""),),
    )


def no_edition(source: Source) -> Diagnostic:
    start = Span(source, 0, 0)
    return Diagnostic(
        "E0110",
        "a spec starts with its edition",
        Label(start, "`edition` is missing"),
        helps=("write `edition 1` on the first line",),
        fix=(Edit(start, f"edition 1{newline(source)}"),),
    )


def unfinished(what: str, last: Token, place: Place) -> Diagnostic:
    """The text, or the item before the next one, ends too early."""
    end = last.end_pos or 0
    helps: tuple[str, ...] = ()
    fix: tuple[Edit, ...] = ()
    more: tuple[Suggestion, ...] = ()
    if "RBRACE" in place.expected:
        helps = ("every `{` of a block, policy or model needs a matching `}`",)
        fix = (Edit(Span(place.source, end, end), f"{newline(place.source)}}}"),)
    elif place.opened is not None and place.is_unclosed:
        more = tuple(close_bracket(place.opened, Token("$END", "", start_pos=end, end_pos=end), place))
    return Diagnostic(
        "E0111",
        f"{what} is incomplete: expected {expectation(place.expected, True)}",
        primary=Label(span_of(place.source, last), "ends here"),
        labels=still_open(place),
        helps=helps,
        fix=fix,
        alternatives=more,
    )
