"""The charts of a network as one SVG: rows from top to bottom, branches in columns to the right, no line through a
box.

Between two rows is a gap of three zones. In the first, lines leave for columns to the right; the second contains the
shapes; in the third, lines come back from the right. A line over several rows has a column of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import TYPE_CHECKING

from resnetc.views.mermaid import Box, Chart, charts

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork

HEIGHT, LINE, LABEL, TRACK, MARGIN = 30, 15, 22, 8, 20
WIDTH = 1850  # past this a block begins a new row, below the others
MIN_WIDTH = 130  # the width of a box
WIDE, NARROW = 7.4, 6.8  # the width of a letter in a box and of one beside a line, at most: fonts differ


@dataclass(slots=True)
class Link:
    """An arrow while it is laid out: its rows, the columns of its ends, and the column in which it goes down."""

    start: str
    end: str
    text: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    way: int
    x: float = 0


@dataclass(slots=True)
class Layout:
    """Where everything in a chart is; x is the middle of a box or line, y its top."""

    rows: dict[str, int]
    columns: dict[str, int]
    links: list[Link]
    left: float
    top: float
    middle: dict[int, float] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    tops: dict[int, float] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    right: float = 0
    bottom: float = 0


def svg(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None) -> str:
    """One self-contained picture: the network on the left, its blocks in rows beside it."""
    network, *blocks = charts(checked, sizes)
    layouts = [laid_out(network, MARGIN, 0)]
    x = home = layouts[0].right + 2 * MARGIN
    top: float = 0
    for drawn in blocks:
        layout = laid_out(drawn, x, top)
        if layout.right > WIDTH and x > home:
            x, top = home, max(one.bottom for one in layouts[1:]) + MARGIN
            layout = laid_out(drawn, x, top)
        layouts.append(layout)
        x = layout.right + 2 * MARGIN
    parts = [line for drawn, layout in zip((network, *blocks), layouts, strict=True) for line in written(drawn, layout)]
    width = round(max(one.right for one in layouts) + MARGIN)
    height = round(max(one.bottom for one in layouts) + MARGIN)
    style = (
        "text{font:12px system-ui,sans-serif;fill:#1f2328}"
        ".t{font-weight:600;font-size:14px}.s{fill:#57606a;font-size:11px}"
        "rect{fill:#eef4ff;stroke:#5b7db1}.end{fill:#f6f8fa;stroke:#8c959f}.join{fill:#fff3d6;stroke:#b08800}"
        "path{fill:none;stroke:#57606a}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<style>{style}</style><defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8z" style="fill:#57606a"/></marker></defs>'
        f'<rect x="0" y="0" width="{width}" height="{height}" style="fill:#ffffff;stroke:none"/>'
    )
    return head + "".join(parts) + "</svg>\n"


# -- layout -----------------------------------------------------------------------------------------------------------


def laid_out(drawn: Chart, left: float, top: float) -> Layout:
    rows = ranks(drawn)
    columns, links = placed(drawn, rows)
    layout = Layout(rows, columns, links=links, left=left, top=top)
    across(drawn, layout)
    down(drawn, layout)
    return layout


def ranks(drawn: Chart) -> dict[str, int]:
    """The row of every box: one below the lowest of those that lead to it."""
    rows = {box.id: 0 for box in drawn.boxes}
    for box in drawn.boxes:  # in the order of the program, so one pass is enough
        before = [rows[a.start] + 1 for a in drawn.arrows if a.end == box.id]
        rows[box.id] = max(before, default=0)
    return rows


def placed(drawn: Chart, rows: dict[str, int]) -> tuple[dict[str, int], list[Link]]:
    """Columns: the longest way keeps the first; every other box and every longer line takes the first that is free."""
    columns = dict.fromkeys(longest(drawn, rows), 0)
    taken: dict[int, list[tuple[int, int]]] = {}

    def open(column: int, begin: int, end: int) -> bool:
        return not any(first <= end and begin <= last for first, last in taken.get(column, ()))

    def free(begin: int, end: int) -> int:
        column = next(c for c in count(1) if open(c, begin, end))
        taken.setdefault(column, []).append((begin, end))
        return column

    def below(column: int, begin: int, end: int) -> bool:
        """Whether a line can go down under its own box; if so it takes the place."""
        fits = column > 0 and open(column, begin + 1, end)
        if fits:
            taken[column].append((begin + 1, end))
        return fits

    for box in drawn.boxes:
        if box.id not in columns:
            columns[box.id] = free(2 * rows[box.id] - 1, 2 * rows[box.id] + 1)
    links = []
    for arrow in sorted(drawn.arrows, key=lambda a: rows[a.end] - rows[a.start]):
        begin, end = rows[arrow.start], rows[arrow.end]
        ends = columns[arrow.start], columns[arrow.end]
        way = max(ends)
        if end > begin + 1:
            gaps = 2 * begin + 1, 2 * end - 1  # a row is an even number, the gap below it the next odd one
            way = ends[0] if below(ends[0], *gaps) else free(*gaps)
        links.append(Link(arrow.start, arrow.end, text=arrow.text, rows=(begin, end), columns=ends, way=way))
    return columns, links


def longest(drawn: Chart, rows: dict[str, int]) -> list[str]:
    """The boxes from `input` to `output` on the way with the most rows."""
    path, at = [], "out"
    while at:
        path.append(at)
        before = [a.start for a in drawn.arrows if a.end == at]
        at = max(before, key=lambda id: rows[id], default="")
    return path


def across(drawn: Chart, layout: Layout) -> None:
    """The widths of the columns, and the line in which every link goes down."""
    offsets: Counter[tuple[int, int]] = Counter()
    reach: Counter[int] = Counter()
    for link in layout.links:
        at = (link.rows[0], link.way)
        link.x = offsets[at]  # beside those that go down the same column in the same gap
        offsets[at] += round(len(link.text) * NARROW) + 24
        reach[link.way] = max(reach[link.way], offsets[at])
    for box in drawn.boxes:
        widest = max(len(line) for line in box.text.split("\n")) * WIDE + 24
        column = layout.columns[box.id]
        layout.widths[column] = max(layout.widths.get(column, MIN_WIDTH), widest)
    x = layout.left
    for column in range(max([*layout.columns.values(), *(k.way for k in layout.links)]) + 1):
        half = layout.widths.get(column, 0) / 2
        layout.middle[column] = x + half
        x += half + max(half, reach[column]) + MARGIN
    layout.right = max(x, layout.left + len(drawn.title) * 9)
    for link in layout.links:
        link.x += layout.middle[link.way]


def down(drawn: Chart, layout: Layout) -> None:
    """The rows: as high as their highest box, with a gap as high as its lines need."""
    y = layout.top + 50
    for row in range(max(layout.rows.values()) + 1):
        layout.tops[row] = y
        most = max(box.text.count("\n") for box in drawn.boxes if layout.rows[box.id] == row)
        layout.heights[row] = HEIGHT + most * LINE
        leaving = sum(k.rows[0] == row and k.way > k.columns[0] for k in layout.links)
        coming = sum(k.rows[1] == row + 1 and k.way > k.columns[1] for k in layout.links)
        y += layout.heights[row] + LABEL + 14 + TRACK * (leaving + coming)
    layout.bottom = layout.tops[row] + layout.heights[row]


# -- lines ------------------------------------------------------------------------------------------------------------


def written(drawn: Chart, layout: Layout) -> list[str]:
    out = [f'<text class="t" x="{layout.left:g}" y="{layout.top + 28:g}">{escape(drawn.title)}</text>']
    bottoms: dict[str, float] = {}
    for box in drawn.boxes:
        out += box_lines(box, layout, bottoms)
    leaving: Counter[int] = Counter()
    coming: Counter[int] = Counter()
    out_ports, in_ports = ports(layout, 0), ports(layout, 1)
    for number, link in enumerate(layout.links):
        begin, end = link.rows
        points = [(out_ports[number], bottoms[link.start])]
        if points[0][0] != link.x:
            leaving[begin] += 1
            y = layout.tops[begin] + layout.heights[begin] + TRACK * leaving[begin]
            points += [(points[0][0], y), (link.x, y)]
        if in_ports[number] != link.x:
            coming[end] += 1
            y = layout.tops[end] - 6 - TRACK * coming[end]
            points += [(link.x, y), (in_ports[number], y)]
        points.append((in_ports[number], layout.tops[end]))
        out.append(f'<path d="{rounded(points)}" marker-end="url(#a)"/>')
        leave = sum(k.rows[0] == begin and k.way > k.columns[0] for k in layout.links)
        y = layout.tops[begin] + layout.heights[begin] + TRACK * leave + 18
        out.append(f'<text class="s" x="{link.x + 8:g}" y="{y:g}">{escape(link.text)}</text>')
    return out


def box_lines(box: Box, layout: Layout, bottoms: dict[str, float]) -> list[str]:
    lines = box.text.split("\n")
    row, column = layout.rows[box.id], layout.columns[box.id]
    middle, width, top = layout.middle[column], layout.widths[column], layout.tops[row]
    height = HEIGHT + (len(lines) - 1) * LINE
    bottoms[box.id] = top + height
    kind = f' class="{box.kind}"' if box.kind != "module" else ""
    return [
        f'<rect{kind} x="{middle - width / 2:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="6"/>',
        *(
            f'<text x="{middle:g}" y="{top + 19 + i * LINE:g}" text-anchor="middle">{escape(line)}</text>'
            for i, line in enumerate(lines)
        ),
    ]


def ports(layout: Layout, side: int) -> list[float]:
    """Where each link leaves its box (side 0) or reaches it (side 1): the middle, or places to the right of it."""
    used: Counter[str] = Counter()
    out = [0.0] * len(layout.links)
    for number, link in enumerate(layout.links):
        column = link.columns[side]
        out[number] = layout.middle[column]
        if link.x != out[number]:
            name = (link.start, link.end)[side]
            used[name] += 1
            total = sum(k.x != layout.middle[column] and (k.start, k.end)[side] == name for k in layout.links)
            out[number] += layout.widths[column] / 2 * used[name] / (total + 1)
    return out


def rounded(points: list[tuple[float, float]]) -> str:
    """A path through points at right angles, its corners a little round."""
    out = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        r = 4
        x1, y1 = x - r * sign(x - before[0]), y - r * sign(y - before[1])
        x2, y2 = x + r * sign(after[0] - x), y + r * sign(after[1] - y)
        out.append(f"L{x1:g},{y1:g}Q{x:g},{y:g} {x2:g},{y2:g}")
    out.append(f"L{points[-1][0]:g},{points[-1][1]:g}")
    return "".join(out)


def sign(x: float) -> int:
    return (x > 0) - (x < 0)
