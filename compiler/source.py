"""Source texts, spans in them, and what stands in their brackets."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from resnetc.compiler.fast_dataclass import record


@dataclass(slots=True, eq=False)
class Source:
    """One text. `name` is how messages call it: a path as short as it can be, or `std/blocks.resnet`."""

    name: str
    text: str
    _starts: list[int] | None = field(default=None, repr=False)

    def find_position(self, offset: int) -> Position:
        """The 1-based line and column (in characters) of `offset`."""
        if self._starts is None:
            self._starts = [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def get_line(self, number: int) -> str:
        """The text of a 1-based line, without its end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@record(eq=True)
class Position:
    """A place in a text: line and column from 1, in characters."""

    line: int
    column: int


SpanKey = tuple[str, int, int]


@record
class Span:
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def key(self) -> SpanKey:
        """What two spans of the same characters have in common: spans are compared by identity."""
        return self.source.name, self.start, self.end

    def extend_to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`."""
        return Span(self.source, self.start, other.end)

    def __str__(self) -> str:
        place = self.source.find_position(self.start)
        return f"{self.source.name}:{place.line}:{place.column}"


# -- brackets ---------------------------------------------------------------------------------------------------------

OPENING, CLOSING = "([{", ")]}"
NAMED = re.compile(r"\s*(?:(\w+)\s*=(?!=))?\s*(.*?)\s*", re.DOTALL)


def find_outside(sign: str, text: str) -> Iterator[int]:
    """Where a sign stands in a text, but for those in brackets."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character in OPENING) - (character in CLOSING)
        if depth == 0 and text.startswith(sign, at):
            yield at


def find_close(text: str, start: int, most: int) -> int:
    """Behind the bracket that closes the one at a place, or 0 where none does within `most` characters."""
    depth = 0
    for at in range(start, min(len(text), start + most)):
        depth += (text[at] in OPENING) - (text[at] in CLOSING)
        if depth == 0:
            return at + 1
    return 0


def split_arguments(text: str) -> list[tuple[str, str]]:
    """The arguments between two brackets as they are written, each with its name; by position they have none."""
    ends = [*find_outside(",", text), len(text)]
    starts = [0, *(end + 1 for end in ends)]
    pieces = [text[start:end] for start, end in zip(starts, ends, strict=False)]
    named = (NAMED.fullmatch(piece) for piece in pieces if piece.strip())
    return [(match[1] or "", match[2]) for match in named if match]
