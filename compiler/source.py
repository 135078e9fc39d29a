"""Source texts, and spans in them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from resnetc.compiler.fast_dataclass import record


@dataclass(slots=True, eq=False)
class Source:
    """One text. `name` is how messages call it: a path as short as it can be, or `std/blocks.resnet`."""

    name: str
    text: str
    _starts: list[int] | None = field(default=None, repr=False)

    def position(self, offset: int) -> Position:
        """The 1-based line and column (in characters) of `offset`."""
        if self._starts is None:
            self._starts = [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
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

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of `other`."""
        return Span(self.source, self.start, other.end)

    def __str__(self) -> str:
        place = self.source.position(self.start)
        return f"{self.source.name}:{place.line}:{place.column}"
