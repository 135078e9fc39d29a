"""The picture of a network, as a Mermaid flowchart: stages and blocks, with the shapes between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from resnetc.compiler.codegen.python_layout import literal
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence
from resnetc.compiler.ir.paths import Constant, show_path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.measures.summary import evaluate_shape
from resnetc.compiler.shapes.format_shapes import show_shape
from resnetc.grammar.forms import LEFT

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork

Spell = Callable[[Shape], str]

MAX_LINES = 10  # of a box


@record(eq=True)
class Box:
    """A node of the picture."""

    id: str
    text: str
    kind: str  # module, join or end


@record(eq=True)
class Arrow:
    """A value on its way, with its shape."""

    start: str
    end: str
    text: str


@record(eq=True)
class Chart:
    """One dataflow drawn from top to bottom: the network itself, or one of its blocks."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def charts(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None) -> list[Chart]:
    """The network, then its blocks: one chart for all that differ in numbers only, drawn as the first of them is.

    Shapes are in symbols, for every input, or in numbers at the `sizes` of one.
    """
    network = checked.network
    spell = spelling(network.input.symbols, sizes)
    kinds: dict[Any, tuple[str, Chart]] = {}
    counts: Counter[Any] = Counter()
    charts: dict[int, tuple[Any, Chart]] = {}
    for place, block in blocks(network.root):
        if id(block) not in charts:
            block_chart = chart(block.definition.name.id, block, spell, {})
            charts[id(block)] = (block.definition.name.id, kind(block_chart)), block_chart
        key, drawn = charts[id(block)]
        kinds.setdefault(key, (place, drawn))
        counts[key] += 1
    at = f" at {'x'.join(map(str, (network.input.channels, *sizes)))}" if sizes else ""
    out = [network_chart(network, f"{network.name}{at}", spell)]
    for key, (place, drawn) in kinds.items():
        more = f" and {counts[key] - 1} more" if counts[key] > 1 else ""
        out.append(Chart(f"{drawn.title}: {place}{more}", drawn.boxes, drawn.arrows))
    return out


def spelling(symbols: tuple[str | None, ...], sizes: tuple[int, ...] | None) -> Spell:
    """`[64, ceil(H / 4)]`, or `[64, 56]` where the sizes of the input are given."""
    if sizes is None:
        return lambda shape: show_shape(shape, symbols)
    return lambda shape: f"[{', '.join(map(str, evaluate_shape(shape, sizes)))}]"


def blocks(root: ExpandedBlock) -> Iterator[tuple[str, ExpandedBlock]]:
    """Every block of a network and inside of blocks, with its place, in the order of the text."""
    pending: list[tuple[tuple[str | int, ...], Module]] = [((), root)]
    while pending:
        path, module = pending.pop()
        if isinstance(module, Sequence):
            pending += [((*path, key), child) for key, child in reversed(module.children)]
        elif isinstance(module, ExpandedBlock):
            if path:
                yield ".".join(map(str, path)), module
            parts = [part for step in module.steps for part in step.stores]
            pending += [((*path, *own), operation) for own, operation in reversed(parts)]


def kind(drawn: Chart) -> Any:
    """What charts have in common whose dataflows differ in numbers only."""
    names = tuple(
        (b.id, b.kind, re.sub(r"\d[\dx.]*(e-?\d+)?", "", b.text).replace(", stride", "")) for b in drawn.boxes
    )
    return names, tuple((a.start, a.end) for a in drawn.arrows)


def network_chart(network: Network, title: str, spell: Spell) -> Chart:
    """The network as a chain of stages. Without a head every stage leads to the output."""
    stages = {stage.step: stage.name for stage in network.stages}
    drawn = chart(title, network.root, spell, stages)
    if not network.features:
        return drawn
    steps, wires = network.root.steps, network.root.wires
    results = []
    for number, name in stages.items():
        shape = spell(wires[steps[number].outputs[0]].shape)
        results.append(Arrow(f"s{number}", "out", f"{name}: {shape}"))
    return Chart(drawn.title, drawn.boxes, (*(a for a in drawn.arrows if a.end != "out"), *results))


def chart(title: str, block: ExpandedBlock, spell: Spell, stages: dict[int, str]) -> Chart:
    """A dataflow with a box a step; norms and activations stand in the box of what they follow."""
    boxes: dict[str, list[str]] = {"w0": ["input"]}
    kinds = {"w0": "end"}
    home = {0: "w0"}
    arrows: Counter[tuple[str, str, str]] = Counter()

    def arrow(ref: int, end: str) -> None:
        arrows[home[ref], end, spell(block.wires[ref].shape)] += 1

    for number, step in enumerate(block.steps):
        only = len([s for s in block.steps if step.inputs[0] in s.inputs]) == 1
        quiet = isinstance(step.operation, Leaf) and step.operation.primitive.rule in ("same", "groups")
        if quiet and isinstance(step.operation, Leaf) and step.operation.primitive.name == "identity":
            home[step.outputs[0]] = home[step.inputs[0]]
            continue
        if quiet and only and home[step.inputs[0]] != "w0":
            boxes[home[step.inputs[0]]] += worded(step.operation)
            home[step.outputs[0]] = home[step.inputs[0]]
            continue
        id = f"s{number}"
        if number in stages:
            boxes[id] = [f"{stages[number]}: {blocks_of(step.operation)}"]
        else:
            boxes[id] = labelled(step.path, step.operation)
        kinds[id] = "join" if isinstance(step.operation, str) else "module"
        for ref in dict.fromkeys(step.inputs):
            arrow(ref, id)
        home.update(dict.fromkeys(step.outputs, id))
    boxes["out"], kinds["out"] = ["output"], "end"
    arrow(block.output, "out")
    drawn = tuple(Box(id, "\n".join(shortened(lines)), kinds[id]) for id, lines in boxes.items())
    ways = (Arrow(a, b, f"{n} x {text}" if n > 1 else text) for (a, b, text), n in arrows.items())
    return Chart(title, drawn, tuple(ways))


def shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MAX_LINES else [*lines[: MAX_LINES - 1], f"... {len(lines) - MAX_LINES + 1} more"]


def labelled(path: tuple[str | int, ...], operation: Module | str) -> list[str]:
    """The lines of a box: the label, and the modules in their order."""
    words = worded(operation)
    return [f"{show_path(path)}: {words[0]}", *words[1:]] if path and show_path(path) != words[0] else words


def blocks_of(stage: Module | str) -> str:
    """`3 x bottleneck`, `1 x wide, 2 x basic`: the blocks of a stage."""
    children = [child for _, child in stage.children] if isinstance(stage, Sequence) else [stage]
    names = [" > ".join(worded(child)) for child in children]
    runs = [f"{len(list(run))} x {name}" for name, run in groupby(names)]
    return ", ".join(runs if len(runs) <= 3 else [*runs[:2], f"... {len(names)} blocks"])


def worded(operation: Module | str) -> list[str]:
    """A module in few words, a line for each of its steps."""
    match operation:
        case Leaf(primitive, arguments):
            shown = dict(arguments)
            rank = operation.shape_in.rank
            parts = [primitive.name]
            if "side" in shown:
                number = literal(shown["number"])
                parts = [f"{number} {primitive.name}" if shown["side"] == LEFT else f"{primitive.name} {number}"]
            if (window := shown.get("kernel", shown.get("factor"))) is not None:
                parts[0] += f" {times(window, rank)}"
            if shown.get("stride", 1) != 1:
                parts.append(f"stride {times(shown['stride'], 1)}")
            if shown.get("dilation", 1) != 1:
                parts.append(f"dilation {times(shown['dilation'], 1)}")
            if primitive.rule == "conv" and shown["groups"] != 1:
                parts.append(f"{shown['groups']} groups")
            return [", ".join(parts)]
        case Sequence(children):
            lines = [line for _, child in children for line in worded(child)]
            return [line for line in lines if line != "identity"] or ["identity"]
        case ExpandedBlock(definition):
            return [definition.name.id]
    return [str(operation)]


def times(size: Constant, rank: int) -> str:
    """`3x3`: a size, one number for each axis."""
    return "x".join(map(str, size if isinstance(size, tuple) else (size,) * rank))


def mermaid(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None) -> str:
    """A flowchart a dataflow, as GitHub and others render it; links that nobody sees keep them in their order."""
    lines = ["flowchart LR"]
    drawings = charts(checked, sizes)
    for number, drawn in enumerate(drawings):
        lines += [f'  subgraph g{number} ["{quoted(drawn.title)}"]', "    direction TB"]
        for box in drawn.boxes:
            left, right = {"join": ("((", "))"), "end": ("([", "])")}.get(box.kind, ("[", "]"))
            lines.append(f'    g{number}{box.id}{left}"{quoted(box.text)}"{right}')
        for arrow in drawn.arrows:
            lines.append(f'    g{number}{arrow.start} -->|"{quoted(arrow.text)}"| g{number}{arrow.end}')
        lines.append("  end")
    if len(drawings) > 1:
        lines.append("  " + " ~~~ ".join(f"g{number}" for number in range(len(drawings))))
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    return escape(text).replace("\n", "<br/>")
