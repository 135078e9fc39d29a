"""Diagnostics as values: what a phase reports, before it is rendered as text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span, SpanKey

Severity = Literal["error", "warning"]


@record(eq=True)
class Label:
    """A span and what it has to do with the fault."""

    span: Span
    text: str


@record(eq=True)
class Edit:
    """Part of a mechanical remedy: put `replacement` where `span` is."""

    span: Span
    replacement: str


@record(eq=True)
class Suggestion:
    """A help, and the edits that do what it says, where they can be made in the author's own text."""

    help: str
    edits: tuple[Edit, ...] = ()


Applicability = Literal["certain", "plausible", "words"]
"""Whether a tool may apply a fix unasked, as in rustc: certain ones only.

- `certain`: it was compiled, the whole network is right with it, and no other edit was in question; that of a warning
  leaves the network as it is, which is checked before it is applied;
- `plausible`: it may not be what the author meant: it is one of several, a guess, or restricts what is accepted;
- `words`: the help says what to do, and no edit does it.
"""


@record(eq=True)
class Diagnostic:
    """One fault. `primary` is where the author would edit; `labels` say why; a help is a statement, not a question.

    `alternatives` are further remedies, from the likeliest to the least: what is said is the first that mends the fault
    when it is tried (`verification`), which also finds out whether the fix is certain.
    """

    code: str
    message: str
    primary: Label
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fix: tuple[Edit, ...] = ()
    alternatives: tuple[Suggestion, ...] = ()
    severity: Severity = "error"
    is_certain: bool = False  # of the fix

    @property
    def applicability(self) -> Applicability:
        """How far the fix may be trusted; without one the remedy is in words."""
        if not self.fix:
            return "words"
        return "certain" if self.is_certain else "plausible"


class Fault(Exception):
    """Carries a diagnostic out of nested evaluation, to the item that it spoils; never out of the compiler."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Sink:
    """Collects the diagnostics of a run: one for each code and place."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    _reported: set[tuple[str, SpanKey]] = field(default_factory=set)

    def add(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.primary.span.key)
        if key not in self._reported:
            self._reported.add(key)
            self.diagnostics.append(diagnostic)

    def sort(self) -> None:
        """Brings the diagnostics of each file into the order of its text, whichever phase has found them."""
        files: dict[str, int] = {}
        for diagnostic in self.diagnostics:
            files.setdefault(diagnostic.primary.span.source.name, len(files))
        self.diagnostics.sort(key=lambda d: (files[d.primary.span.source.name], d.primary.span.start))

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)


def find_similar(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a misspelt `name` most likely meant, or None where none is near.

    Where some differ in a number alone, it is the one with the next number: `layer4` for `layer5`.
    """
    from difflib import SequenceMatcher

    near: list[tuple[float, str]] = []
    least, name = 0.7, name.lower()
    for candidate in sorted(set(candidates)):
        shorter, longer = sorted((len(name), len(candidate)))
        if 2 * shorter <= least * (shorter + longer):
            continue  # no two texts of these lengths are so similar
        matcher = SequenceMatcher(None, name, candidate.lower())
        if matcher.quick_ratio() > least and (ratio := matcher.ratio()) > least:
            near.append((ratio, candidate))
    best = max((ratio for ratio, _ in near), default=0.0)
    gaps = [(compute_distance(name, candidate.lower()), ratio, candidate) for ratio, candidate in near]
    close = [(far, candidate) for far, ratio, candidate in gaps if far <= 2 or ratio == best]
    return min(close)[1] if close else None


def compute_distance(name: str, other: str) -> float:
    """How far two names lie apart that differ in numbers alone; endlessly far where they differ in more."""
    ours, theirs = (re.split(r"([0-9]{1,9})", text) for text in (name, other))
    if ours[::2] != theirs[::2]:
        return inf
    return sum(abs(int(a) - int(b)) for a, b in zip(ours[1::2], theirs[1::2], strict=True))
