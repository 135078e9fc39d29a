"""Layout documents: pieces of text that stay on one line if they fit, and otherwise break at given places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.formatter.trivia import Note

WIDTH = 120
STEP = 2
PIPE = "|> "


@dataclass(slots=True, eq=False, init=False)
class Row:
    """One behind the other. Like every layout it knows its `width` on one line: None where that is forbidden."""

    parts: tuple[Layout, ...]
    width: int | None

    def __init__(self, *parts: Layout) -> None:
        self.parts = parts
        self.width = add_widths(parts)


@dataclass(slots=True, eq=False)
class Line:
    """The end of a line, or `flat` where the group around stands on one."""

    flat: str = " "

    @property
    def width(self) -> int:
        return len(self.flat)


@dataclass(slots=True, eq=False)
class Comma:
    """The comma behind the last element of a list: only where the list is broken, as it must be without a `width`."""

    width: int | None = 0


@dataclass(slots=True, eq=False)
class Notes:
    """Comments before the end of a line: the first may stand behind what comes before, others get their own lines."""

    notes: tuple[Note, ...]

    @property
    def width(self) -> int | None:
        return None if self.notes else 0


@dataclass(slots=True, eq=False)
class Nest:
    """Lines inside begin one step further to the right."""

    inner: Layout

    @property
    def width(self) -> int | None:
        return measure_width(self.inner)


@dataclass(slots=True, eq=False)
class Align:
    """Lines inside begin where it begins."""

    inner: Layout

    @property
    def width(self) -> int | None:
        return measure_width(self.inner)


@dataclass(slots=True, eq=False)
class Group:
    """Stands on one line if it fits there; else every `Line` in it that is in no smaller group ends one."""

    inner: Layout

    @property
    def width(self) -> int | None:
        return measure_width(self.inner)


@record
class Step:
    """A step of a pipe. `breaks`: its author began a line with its `|>`."""

    layout: Layout
    breaks: bool
    notes: tuple[Note, ...] = ()


@dataclass(slots=True, eq=False)
class Pipe:
    """Steps with `|>` between them, in the rows that the author made, or each on a line where one of these is too long.

    The `|>` of later rows stands under the first step or, where the pipe is all there is behind the `=` of a statement
    (`hangs`), under the first `|>` if a value opens the pipe (`named`), else so that steps are aligned with steps.
    """

    steps: tuple[Step, ...]
    named: bool
    hangs: bool = False
    width: int | None = field(init=False)

    def __post_init__(self) -> None:
        between = [" " + PIPE] * (len(self.steps) - 1)
        broken = any(step.breaks for step in self.steps)
        self.width = None if broken else add_widths([*(step.layout for step in self.steps), *between])

    def is_under_first(self, column: int) -> bool:
        """Whether rows stand under the first `|>` of a pipe that begins at `column`: it is on the line of its value."""
        first, second = (step.layout for step in self.steps[:2])
        wide = measure_width(first)
        joined = self.hangs and self.named and not self.steps[1].breaks
        return (
            joined and wide is not None and column + wide + 1 + len(PIPE) + measure_opening(second, False)[0] <= WIDTH
        )


Layout = str | Row | Line | Comma | Notes | Nest | Align | Group | Pipe
Pending = tuple[int, bool, Layout]  # where its lines begin, whether it is set on one line, what


def measure_width(layout: Layout) -> int | None:
    return len(layout) if isinstance(layout, str) else layout.width


def add_widths(layouts: Iterable[Layout]) -> int | None:
    out = 0
    for layout in layouts:
        one = measure_width(layout)
        if one is None:
            return None
        out += one
    return out


def format_lines(layout: Layout, indent: int) -> list[str]:
    """The lines of a layout that begins at column `indent`."""
    out = [" " * indent]
    pending: list[Pending] = [(indent, False, layout)]
    while pending:
        at, flat, now = pending.pop()
        column = len(out[-1])
        match now:
            case str():
                out[-1] += now
            case Row():
                pending += [(at, flat, part) for part in reversed(now.parts)]
            case Line():
                if flat:
                    out[-1] += now.flat
                else:
                    out.append(" " * at)
            case Comma():
                out[-1] += "" if flat else ","
            case Notes():
                write(now.notes, at, out)
            case Nest():
                pending.append((at + STEP, flat, now.inner))
            case Align():
                pending.append((column, flat, now.inner))
            case Group():
                pending.append((at, flat or is_fitting(now.width, column, pending), now.inner))
            case Pipe():
                pending += reversed(lay_out_pipe(now, at, flat, column, pending))
    return out


def write(notes: tuple[Note, ...], at: int, out: list[str]) -> None:
    for i, note in enumerate(notes):
        if i or note.own:
            out.append(" " * at + note.text)
        else:
            out[-1] += " " + note.text


def is_fitting(needed: int | None, column: int, pending: list[Pending]) -> bool:
    """Whether so much fits on the line, with what follows before the line can end."""
    if needed is None:
        return False
    needed += column
    for _, flat, layout in reversed(pending):
        more, ends = measure_opening(layout, flat)
        needed += more
        if ends or needed > WIDTH:
            break
    return needed <= WIDTH


def measure_opening(layout: Layout, flat: bool) -> tuple[int, bool]:
    """How wide a layout is up to the first place where its line may end, and whether there is one."""
    match layout:
        case str():
            return len(layout), False
        case Row():
            parts = layout.parts
        case Line():
            return (len(layout.flat), False) if flat else (0, True)
        case Comma():
            return (0 if flat else 1), False
        case Notes():
            return 0, bool(layout.notes)
        case Nest() | Align() | Group():
            return measure_opening(layout.inner, flat)
        case Pipe():
            if flat:
                return layout.width or 0, False
            parts = (layout.steps[0].layout, Line())
    wide = 0
    for part in parts:
        more, ends = measure_opening(part, flat)
        wide += more
        if ends:
            return wide, True
    return wide, False


def lay_out_pipe(pipe: Pipe, at: int, flat: bool, column: int, pending: list[Pending]) -> list[Pending]:
    """The steps of a pipe and what stands between them."""
    first = pipe.steps[0].layout
    if flat:
        rest = (part for step in pipe.steps[1:] for part in (" " + PIPE, step.layout))
        return [(at, True, part) for part in (first, *rest)]
    under_first = pipe.is_under_first(column)
    place = column - len(PIPE) if pipe.hangs else column
    if under_first:
        place = column + (measure_width(first) or 0) + 1
    rows = break_pipe(pipe, 2 if under_first else 1, place, column, pending)
    out: list[Pending] = []
    for i, row in enumerate(rows):
        if i:
            out += [(place, False, Notes(row[0].notes)), (place, False, Line()), (place, False, PIPE)]
        for j, step in enumerate(row):
            out += [(place, True, " " + PIPE)] if j else []
            head = step is pipe.steps[0]
            out.append((column if head else place + len(PIPE), head and under_first, step.layout))
    return out


def break_pipe(pipe: Pipe, shortest: int, place: int, column: int, pending: list[Pending]) -> list[list[Step]]:
    """The rows of a pipe: the author's if all fit, else every step has its own, but for the `shortest` first row."""
    rows: list[list[Step]] = [[]]
    for i, step in enumerate(pipe.steps):
        if i and step.breaks:
            rows.append([])
        rows[-1].append(step)
    for i, row in enumerate(rows):
        needed = add_widths([*(step.layout for step in row), *[" " + PIPE] * (len(row) - 1)])
        begin, behind = place + len(PIPE) if i else column, pending if row is rows[-1] else []
        if len(row) > (1 if i else shortest) and not is_fitting(needed, begin, behind):
            return [list(pipe.steps[:shortest]), *([step] for step in pipe.steps[shortest:])]
    return rows
