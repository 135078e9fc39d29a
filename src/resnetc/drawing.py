"""The picture of a network: stages and blocks as a Mermaid flowchart or as an SVG, shapes on the way."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from resnetc.compiler.ir import Leaf, Module, Sequence, Template
from resnetc.compiler.shapes import show_shape
from resnetc.compiler.values import show_path

if TYPE_CHECKING:
    from resnetc.compiler.driver import Checked


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture."""

    id: str
    text: str
    kind: str  # module, join or end


@dataclass(frozen=True, slots=True)
class Arrow:
    """A value on its way, with its shape where it is worth saying."""

    start: str
    end: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One dataflow drawn from top to bottom: the network itself, or one of its blocks."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def charts(checked: Checked) -> list[Chart]:
    """The network, then every kind of block in it once, for its first occurrence."""
    network = checked.network
    symbols = network.input.symbols
    counts = {stage.step: stage.blocks for stage in network.stages}
    out = [chart(network.name, network.root, symbols, counts)]
    seen: set[int] = set()
    pending: list[Module] = [s.operation for s in network.root.steps if not isinstance(s.operation, str)]
    while pending:
        module = pending.pop(0)
        if isinstance(module, Sequence):
            pending[:0] = [child for _, child in module.children]
        elif isinstance(module, Template) and id(module.definition) not in seen:
            seen.add(id(module.definition))
            out.append(chart(f"{module.definition.name.id} (the first one)", module, symbols, {}))
            pending[:0] = [s.operation for s in module.steps if not isinstance(s.operation, str)]
    return out


def chart(title: str, template: Template, symbols: tuple[str | None, ...], counts: dict[int, int]) -> Chart:
    """A dataflow with a box a step; norms and activations stand in the box of what they follow."""
    boxes: dict[str, list[str]] = {"w0": ["input"]}
    kinds = {"w0": "end"}
    home = {0: "w0"}
    arrows: list[Arrow] = []
    for number, step in enumerate(template.steps):
        only = len([s for s in template.steps if step.inputs[0] in s.inputs]) == 1
        quiet = isinstance(step.operation, Leaf) and step.operation.primitive.rule in ("same", "groups")
        if quiet and isinstance(step.operation, Leaf) and step.operation.primitive.name == "identity":
            home[step.outputs[0]] = home[step.inputs[0]]
            continue
        if quiet and only and home[step.inputs[0]] != "w0":
            boxes[home[step.inputs[0]]].append(worded(step.operation))
            home[step.outputs[0]] = home[step.inputs[0]]
            continue
        id = f"s{number}"
        boxes[id] = [labelled(step.path, step.operation, counts.get(number))]
        kinds[id] = "join" if isinstance(step.operation, str) else "module"
        for ref in dict.fromkeys(step.inputs):
            arrows.append(Arrow(home[ref], id, show_shape(template.wires[ref].shape, symbols)))
        home.update(dict.fromkeys(step.outputs, id))
    boxes["out"], kinds["out"] = ["output"], "end"
    arrows.append(Arrow(home[template.output], "out", show_shape(template.wires[template.output].shape, symbols)))
    drawn = tuple(Box(id, "\n".join(lines), kinds[id]) for id, lines in boxes.items())
    return Chart(title, drawn, tuple(dict.fromkeys(arrows)))


def labelled(path: tuple[str | int, ...], operation: Module | str, count: int | None) -> str:
    if isinstance(operation, str):
        return operation
    times = f"{count} x " if count else ""
    words = worded(operation)
    return f"{show_path(path)}: {times}{words}" if path and show_path(path) != words else words


def worded(operation: Module | str) -> str:
    """A module in few words."""
    match operation:
        case Leaf(primitive, arguments):
            shown = dict(arguments)
            kernel = shown.get("kernel")
            size = "" if kernel is None else f" {'x'.join(map(str, kernel)) if isinstance(kernel, tuple) else kernel}"
            stride = shown.get("stride", 1)
            step = "" if stride == 1 else f" /{'x'.join(map(str, stride)) if isinstance(stride, tuple) else stride}"
            groups = f" in {shown['groups']} groups" if shown.get("groups", 1) != 1 else ""
            return f"{primitive.name}{size}{step}{groups}"
        case Sequence(children):
            kinds = list(dict.fromkeys(worded(child) for _, child in children))
            return " > ".join(kinds[:3]) + (" > ..." if len(kinds) > 3 else "")
        case Template(definition):
            return definition.name.id
    return str(operation)


def mermaid(checked: Checked) -> str:
    """A flowchart a dataflow, as GitHub and others render it."""
    lines = ["flowchart TB"]
    for number, drawn in enumerate(charts(checked)):
        lines.append(f'  subgraph g{number} ["{quoted(drawn.title)}"]')
        for box in drawn.boxes:
            left, right = {"join": ("((", "))"), "end": ("([", "])")}.get(box.kind, ("[", "]"))
            lines.append(f'    g{number}{box.id}{left}"{quoted(box.text)}"{right}')
        for arrow in drawn.arrows:
            lines.append(f'    g{number}{arrow.start} -->|"{quoted(arrow.text)}"| g{number}{arrow.end}')
        lines.append("  end")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    return escape(text).replace("\n", "<br/>")


WIDTH, HEIGHT, GAP, LINE = 250, 30, 46, 15
LANE = WIDTH + 60

Spot = tuple[int, int, int]  # the middle of a box, its top, its bottom


def svg(checked: Checked) -> str:
    """One self-contained picture: the network on the left, its blocks beside it."""
    parts: list[str] = []
    x, tallest = 20, 0
    for drawn in charts(checked):
        body, width, height = column(drawn, x)
        parts += body
        x, tallest = x + width + 40, max(tallest, height)
    style = (
        "text{font:12px system-ui,sans-serif;fill:#1f2328}"
        ".t{font-weight:600;font-size:14px}.s{fill:#57606a;font-size:11px}"
        "rect{fill:#eef4ff;stroke:#5b7db1}.end{fill:#f6f8fa;stroke:#8c959f}.join{fill:#fff3d6;stroke:#b08800}"
        "path{fill:none;stroke:#57606a}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x}" height="{tallest + 30}" viewBox="0 0 {x} {tallest + 30}">'
        f'<style>{style}</style><defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8z" style="fill:#57606a"/></marker></defs>'
        f'<rect x="0" y="0" width="{x}" height="{tallest + 30}" style="fill:#ffffff;stroke:none"/>'
    )
    return head + "".join(parts) + "</svg>\n"


def column(drawn: Chart, left: int) -> tuple[list[str], int, int]:
    """A chart from top to bottom. What is not on the longest way from `input` stands in a lane to the right."""
    rows = ranks(drawn)
    lanes = lane_of(drawn, rows)
    tops: dict[int, int] = {}
    y = 50
    for row in range(max(rows.values()) + 1):
        tops[row] = y
        most = max((b.text.count("\n") + 1 for b in drawn.boxes if rows[b.id] == row), default=1)
        y += HEIGHT + (most - 1) * LINE + GAP
    out = [f'<text class="t" x="{left}" y="28">{escape(drawn.title)}</text>']
    place: dict[str, Spot] = {}
    for box in drawn.boxes:
        lines = box.text.split("\n")
        height = HEIGHT + (len(lines) - 1) * LINE
        bx, by = left + lanes[box.id] * LANE, tops[rows[box.id]]
        place[box.id] = (bx + WIDTH // 2, by, by + height)
        kind = f' class="{box.kind}"' if box.kind != "module" else ""
        out.append(f'<rect{kind} x="{bx}" y="{by}" width="{WIDTH}" height="{height}" rx="6"/>')
        for i, line in enumerate(lines):
            out.append(
                f'<text x="{bx + WIDTH // 2}" y="{by + 19 + i * LINE}" text-anchor="middle">{escape(line)}</text>'
            )
    for arrow in drawn.arrows:
        path, tx, ty = route(place[arrow.start], place[arrow.end], rows[arrow.end] - rows[arrow.start])
        out.append(f'<path d="{path}" marker-end="url(#a)"/>')
        out.append(f'<text class="s" x="{tx}" y="{ty}">{escape(arrow.text)}</text>')
    width = (max(lanes.values()) + 1) * LANE + 60
    return out, width, y


def route(start: Spot, end: Spot, rows: int) -> tuple[str, int, int]:
    """The way from one box to another, and where its shape is written.

    Straight down in one lane; into another lane from the side of the box, and back to the side of the box there.
    """
    (sx, top, bottom), (ex, end_top, end_bottom) = start, end
    if sx == ex and rows == 1:
        return f"M{sx},{bottom}L{ex},{end_top}", sx + 8, (bottom + end_top) // 2 + 4
    middle, end_middle = (top + bottom) // 2, (end_top + end_bottom) // 2
    if ex > sx:
        turn = f"M{sx + WIDTH // 2},{middle}L{ex - 12},{middle}Q{ex},{middle} {ex},{middle + 12}"
        return f"{turn}L{ex},{end_top}", ex + 8, end_top - 12
    lane = sx if sx > ex else sx + WIDTH // 2 + 16
    begin = f"M{sx},{bottom}" if sx > ex else f"M{sx + WIDTH // 2},{middle}L{lane - 12},{middle}Q{lane},{middle} "
    begin += "" if sx > ex else f"{lane},{middle + 12}"
    down = f"L{lane},{end_middle - 12}Q{lane},{end_middle} {lane - 12},{end_middle}"
    label = bottom + 18 if sx > ex else (bottom + end_middle) // 2
    return f"{begin}{down}L{ex + WIDTH // 2},{end_middle}", lane + 8, label


def ranks(drawn: Chart) -> dict[str, int]:
    """The row of every box: one below the lowest of those that lead to it."""
    rows = {box.id: 0 for box in drawn.boxes}
    for box in drawn.boxes:  # in the order of the program, so one pass is enough
        before = [rows[a.start] + 1 for a in drawn.arrows if a.end == box.id]
        rows[box.id] = max(before, default=0)
    return rows


def lane_of(drawn: Chart, rows: dict[str, int]) -> dict[str, int]:
    """The longest way keeps the first lane; beside it a box needs one that is free down to where it leads."""
    main, at = set(), "out"
    while at:
        main.add(at)
        before = [a.start for a in drawn.arrows if a.end == at]
        at = max(before, key=lambda id: rows[id], default="")
    taken: dict[int, list[tuple[int, int]]] = {}
    lanes = {}
    for box in drawn.boxes:
        if box.id in main:
            lanes[box.id] = 0
            continue
        begin = rows[box.id]
        end = max((rows[a.end] for a in drawn.arrows if a.start == box.id), default=begin)
        lane = 1
        while any(first <= end and begin <= last for first, last in taken.get(lane, ())):
            lane += 1
        taken.setdefault(lane, []).append((begin, end))
        lanes[box.id] = lane
    return lanes
