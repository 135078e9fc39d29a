"""Source excerpts with labels below the lines, safe to print on any terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from resnetc.compiler.diagnostics.diagnostic import Label
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source
from resnetc.terminal import one_line, remark

Paint = Callable[[str, str], str]  # (text, style) -> text in that style

MAX_LINE_LENGTH = 200  # characters of a source line that are shown; the rest of it is elided
MAX_LINE_WIDTH = 2 * MAX_LINE_LENGTH  # columns of them, where many have to be spelt out
WEIGHTLESS = {"Mn", "Me"}  # combining marks
UNDERLINE = {"primary": "^", "secondary": "-", "": " "}


def format_excerpt(source: Source, labels: Sequence[tuple[str, Label]], width: int, paint: Paint) -> Iterator[str]:
    """The lines that `labels` (each with its style) point at, behind a gutter of `width` digits."""
    by_line: dict[int, list[_Mark]] = {}
    for style, label in labels:
        mark = _make_mark(source, style, label)
        by_line.setdefault(mark.line, []).append(mark)

    def format_line(number: int | str, rest: str) -> str:
        return paint(f"{number:>{width}} |", "gutter") + (f" {rest}" if rest else "")

    last = None
    for number in sorted(by_line):
        if last is not None and number == last + 2:
            between, _ = _expand_line(source.get_line(number - 1), 0)
            yield format_line(number - 1, between)
        elif last is not None and number > last + 2:
            yield "..."
        marks = by_line[number]
        focus = next((mark for mark in marks if mark.style == "primary"), marks[0])
        text, columns = _expand_line(source.get_line(number), focus.start)
        yield format_line(number, text)
        for row in _format_marks([mark.to_columns(columns) for mark in marks], paint):
            yield format_line("", row)
        last = number


@record(eq=True)
class _Mark:
    """A label's part of its first line: `start` to `end`, in characters of the line or in columns of the terminal."""

    line: int
    start: int
    end: int
    text: str
    style: str

    def to_columns(self, columns: Sequence[int]) -> _Mark:
        """The same in columns: where each character stands."""
        last = len(columns) - 1
        start = columns[min(self.start, last)]
        end = columns[min(self.end, last)]
        return _Mark(line=self.line, start=start, end=max(end, start + 1), text=self.text, style=self.style)


def _make_mark(source: Source, style: str, label: Label) -> _Mark:
    start, end = source.find_position(label.span.start), source.find_position(label.span.end)
    length = len(source.get_line(start.line).rstrip())
    last = end.column - 1 if end.line == start.line else length
    return _Mark(
        line=start.line, start=start.column - 1, end=max(last, start.column - 1), text=remark(label.text), style=style
    )


def _expand_line(line: str, focus: int) -> tuple[str, list[int]]:
    """A line as the terminal shows it, and the column at which each of its characters (and its end) stands."""
    first = max(0, focus - MAX_LINE_LENGTH // 4) if len(line) > MAX_LINE_LENGTH else 0
    last = min(len(line), first + MAX_LINE_LENGTH)
    text = "..." if first else ""
    column = len(text)
    columns = [column] * first
    for number, character in enumerate(line[first:last], first):
        if column > MAX_LINE_WIDTH:
            last = number
            break
        columns.append(column)
        shown = "    " if character == "\t" else one_line(character)
        text += shown
        column += _measure_width(shown)
    columns += [column] * (len(line) - last + 1)
    return (text + "..." if last < len(line) else text.rstrip()), columns


def _measure_width(shown: str) -> int:
    if unicodedata.category(shown[0]) in WEIGHTLESS:
        return 0
    return 2 if unicodedata.east_asian_width(shown[0]) in "WF" else len(shown)


def _format_marks(marks: list[_Mark], paint: Paint) -> Iterator[str]:
    """Underlines, the rightmost text beside them, and the others hung below, rightmost first."""
    marks = sorted(reversed(marks), key=lambda mark: mark.start)
    hanging = [mark for mark in marks if mark.text]
    beside = None
    if hanging and all(mark.end <= hanging[-1].start for mark in marks if mark is not hanging[-1]):
        beside = hanging.pop()

    styles = dict.fromkeys(range(max(mark.end for mark in marks)), "")
    for mark in sorted(marks, key=lambda mark: mark.style == "primary"):  # a primary underline covers the others
        styles.update(dict.fromkeys(range(mark.start, mark.end), mark.style))
    runs = ((style, len(list(run))) for style, run in groupby(styles.values()))
    underline = "".join(paint(UNDERLINE[style] * length, style) for style, length in runs)
    yield underline + (" " + paint(beside.text, beside.style) if beside else "")

    if hanging:
        yield _format_hanging(hanging, paint)
    while hanging:
        mark = hanging.pop()
        left = [other for other in hanging if other.start < mark.start]
        yield _format_hanging([*left, mark], paint, mark.text)


def _format_hanging(marks: Sequence[_Mark], paint: Paint, text: str = "|") -> str:
    """A `|` under the start of each mark; under that of the last one, `text`."""
    line, column = "", 0
    for mark in marks:
        if mark.start >= column:
            line += " " * (mark.start - column) + paint(text if mark is marks[-1] else "|", mark.style)
            column = mark.start + 1
    return line
