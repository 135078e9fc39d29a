"""The strategy for damaged texts, and the assertion that the compiler reports errors for them."""

from __future__ import annotations

import re
from collections.abc import Collection

from hypothesis import strategies as st

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.driver.session import Session
from resnetc.compiler.expansion.instances import UsageError
from resnetc.testing.replay import hold, write_replay
from resnetc.testing.strategies.specs import models

TOKEN = re.compile(r"///[^\n]*|\"[^\"\n]*\"|[A-Za-z_]\w*|\d+(?:\.\d+)?|\|>|=>|[<>=!]=|\S")
STRANGE = (
    "0",
    "-1",
    "99999999999999999999",
    "1/3",
    "none",
    "in",
    "true",
    '"text"',
    "[]",
    "nowhere",
    "é",
    "\u202e",
    "`",
    "\\",
    '"',
)
WORDS = frozenset("edition use block model policy stage stem head input let set each of in out when otherwise".split())


@st.composite
def bad_specs(draw: st.DrawFn, dimensions: int = 2) -> str:
    """A valid text with one mechanical damage: a token lost, doubled, moved or replaced, or the end cut off.

    Most are rejected. A few remain valid, or define another network; the compiler has to say which.
    """
    text = draw(models(dimensions, depth=2))
    places = [m.span() for m in TOKEN.finditer(text)]
    i = draw(st.integers(0, len(places) - 1))
    start, end = places[i]
    kind = draw(
        st.sampled_from(("lose", "double", "swap", "replace", "insert", "cut", "other", "alike", "alike", "alike"))
    )
    match kind:
        case "lose":
            return text[:start] + text[end:]
        case "double":
            return f"{text[:end]} {text[start:end]}{text[end:]}"
        case "swap" if i + 1 < len(places):
            after, last = places[i + 1]
            return text[:start] + text[after:last] + " " + text[start:end] + text[last:]
        case "insert":
            return f"{text[:start]}{draw(st.sampled_from(STRANGE))} {text[start:]}"
        case "cut":
            return text[:start]
        case "other" | "alike":
            same = [p for p in places if kind == "other" or shape(text[slice(*p)]) == shape(text[start:end])]
            other, stop = draw(st.sampled_from(same))
            return text[:start] + text[other:stop] + text[end:]
    return text[:start] + draw(st.sampled_from(STRANGE)) + text[end:]


def shape(token: str) -> str:
    """What a token is to the eye: a number, a name, or itself."""
    return "0" if token[0].isdigit() else "a" if token[0].isalpha() and token not in WORDS else token


def diagnostics_of(data: bytes | str) -> list[Diagnostic]:
    """What the compiler says of a text on standard input; it may say nothing, and it must not raise."""
    session = Session()
    session.add("-", data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    try:
        session.compile_networks()
    except UsageError:
        raise AssertionError("a text alone cannot be wrong usage") from None
    return session.sink.diagnostics


def assert_diagnosed(data: bytes | str, codes: Collection[str] = ()) -> list[Diagnostic]:
    """The compiler must neither raise nor report a place outside the text; with `codes`, it must know every code it
    uses."""
    try:
        diagnostics = diagnostics_of(data)
        check_codes(diagnostics, codes)
    except Exception as error:
        error.add_note(write_replay(data, ["resnetc", "check", "FILE"]))
        raise
    return diagnostics


def check_codes(diagnostics: list[Diagnostic], codes: Collection[str]) -> None:
    """Every diagnostic has a known code, words, and a place inside of its file."""
    for diagnostic in diagnostics:
        hold(not codes or diagnostic.code in codes, f"{diagnostic.code} is not documented")
        for label in (diagnostic.primary, *diagnostic.labels):
            span = label.span
            size = len(span.source.text)
            hold(0 <= span.start <= span.end <= size, f"{diagnostic.code} points to {span.start}:{span.end} of {size}")
            place = span.source.find_position(span.start)
            hold(
                1 <= place.line <= span.source.text.count("\n") + 1 and place.column >= 1,
                f"{diagnostic.code} points to no place",
            )
        hold(bool(diagnostic.message and diagnostic.primary.text), f"{diagnostic.code} says nothing")
