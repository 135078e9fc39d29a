"""Limits of a text: what nests deeper, or goes on longer than a text can mean is not read on."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax.builder import too_deep
from resnetc.compiler.syntax.error_context import OPENERS, span_of

MAX_STACK = 2_000  # of the parser: far more than `build.MAX_DEPTH` levels of anything
MAX_STATEMENT = 10_000
MAX_WORDS = 30_000  # of a file; the longest shipped one has fewer than 3_000


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
        f"a statement has at most {MAX_STATEMENT:,} words",
        Label(span, "the statement exceeds the limit here"),
        helps=("split it: name its parts with `let`, or make them blocks and policies",),
    )


def too_many_words(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0114",
        f"a file has at most {MAX_WORDS:,} words",
        Label(span, "the file exceeds the limit here"),
        helps=("move some of its definitions into another file, and import that with `use`",),
    )
