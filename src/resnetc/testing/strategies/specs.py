"""The strategy for whole specs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from hypothesis import strategies as st

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.sizes import constant
from resnetc.testing.strategies.bodies import POOLS, Body, Draft
from resnetc.testing.strategies.items import DOCS, block_item, inner_call, shortcut_item, std_conv
from resnetc.testing.strategies.primitives import (
    Flow,
    Wish,
    literal,
    open_map,
    operations,
    rows,
    shape_keeping,
    takes_map,
)
from resnetc.testing.strategies.roles import applied, with_effect
from resnetc.testing.strategies.vectors import POOLED, vector_ending, vector_stages

SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("T", "H", "W")}
LARGE = {1: 64, 2: 48, 3: 24}
LINEAR = "linear("
STD_SHORTCUTS = ("project", "project_all", "average", "preact")


@record(eq=True)
class Plan:
    """A stage before its blocks are drawn: the width of each block, the stride of the first, how it is written."""

    widths: tuple[int, ...]
    stride: int | tuple[int, ...]
    kind: str
    block: int


@st.composite
def models(
    draw: st.DrawFn,
    dimensions: int | Sequence[int] = (1, 2, 3),
    depth: int = 3,
    width: int = 8,
    declared: str = "",
) -> str:
    """Complete texts of residual networks, well formed by construction; each defines one network.

    `dimensions` are the numbers of axes to choose from, `depth` the most stages of maps, `width` the most channels of
    a block, `declared` a condition to put behind the input (`when H % 4 == 0`). Every name is known and all channels
    fit; the sizes of added maps may not, or only for some inputs, and a window may be larger than its map.
    """
    ranks = (dimensions,) if isinstance(dimensions, int) else tuple(dimensions)
    rank = draw(st.sampled_from(sorted(ranks, key=lambda r: abs(r - 2))))
    return model_text(Draft(draw, rank), depth, width, declared)


def model_text(draft: Draft, depth: int, widest: int, declared: str) -> str:
    rank = draft.rank
    draft.narrow = draft.flag(5)
    channels = draft.number(draft.least, 4)
    model = Body(
        draft,
        (open_map(channels, rank),),
        inner=inner_call,
        terms=(),
        sizes=draft.one("kept", "kept", "free"),
        staged=False,
    )
    model.stored.add("fc")  # of the head
    settings = bindings(draft)
    stem, current = entry(draft, model, widest)
    vectors = draft.one("none", *("none",) * 6, "all", "last", "last")
    plans = planned(draft, depth, widest) if vectors != "all" else []
    stages, arrives = drawn_stages(draft, plans, current)
    if vectors == "none":
        model.shapes = (open_map(arrives, rank),)
        head, parameters = ending(draft, model)
    else:
        stem += f" |> {POOLED}" if vectors == "all" else ""
        more, arrives = vector_stages(draft, arrives, vectors == "all")
        stages += more
        head, parameters = vector_ending(draft, arrives)
    symbols = SYMBOLS[rank]
    sizes = [str(draft.number(LARGE[rank] // 2, LARGE[rank])) for _ in symbols]
    axes = list(symbols)
    is_constant = draft.flag(1)
    # The only axis may shrink to one position, and a `linear` makes a vector of a map that always has one.
    if is_constant and not (rank == 1 and any(LINEAR in part for part in (stem, *stages, *draft.items))):
        axes[0] = sizes[0]
    counts = any("counts[" in line for line in stages)
    if counts:
        parameters.append(f"counts: list = [{', '.join(str(len(plan.widths)) for plan in plans)}]")
    text = "\n".join([*model.lines, stem, *stages, head])
    reached = applied(text, draft.items, settings)
    lines = [
        *(f"set {slot} = {layer}" for slot, layer in settings.items() if slot in reached),
        *model.lines,
        f"input [{channels}, {', '.join(axes)}] = [{channels}, {', '.join(sizes)}]{f' {declared}' if declared else ''}",
        f"stem = {stem}",
        *stages,
        f"head = {head}",
    ]
    body = "\n".join(f"  {line}" for line in lines)
    draft.items.append(f"{draft.one(*DOCS)}model net({', '.join(parameters)}) {{\n{body}\n}}")
    if any(p.endswith(": int") for p in parameters):  # a family: the network is an instance of it
        binding = draft.one("", ", norm=response_norm", ", act=leaky_relu")
        binding = with_effect(binding, text, draft.items)
        draft.items.append(f"model net_small = net({draft.number(1, 6)}{binding})")
    items = draft.items
    draft.items = [items[i] for i in draft.draw(st.permutations(range(len(items))))] if draft.flag(3) else items
    return draft.text


def bindings(draft: Draft) -> dict[str, str]:
    """Layers for some of the slots that the blocks may have."""
    keeping = shape_keeping(draft.rank)
    bound = {}
    if draft.flag(4):
        norms = ("group_norm(groups=1)", "identity", "evo_norm_s0(groups=1)", "response_norm", "batch_norm(eps=1/4)")
        bound["norm"] = draft.one(*norms, *keeping)
    if draft.flag(3):
        bound["act"] = draft.one("silu", "gelu", "identity", "norm |> relu", *keeping)
    if draft.flag(3):
        standard = () if draft.narrow else ("std_conv", "std_conv(bias=true, eps=1/4)")
        bound["conv"] = draft.one("plain_conv(bias=true)", *standard)
    if draft.flag(2):
        bound["drop"] = draft.one("drop_path(1/10)", "dropout(1/2)", *keeping)
    elif draft.flag(2):
        name, draft.threshold = draft.fresh("wide"), draft.number(1, 5)
        draft.items.append(f"policy {name}() {{ when in.channels > {draft.threshold} => norm otherwise => relu }}")
        bound["drop"] = name
    if draft.flag(3):
        gate = draft.one("gates.se", "gates.se(ratio=1/2)", "gates.eca", "norm", *keeping)
        draft.uses |= {"gates"} if gate.startswith("gates.") else set()
        bound["attention"] = gate
    if draft.flag(7):
        bound["shortcut"] = shortcut_binding(draft)
    return bound


def shortcut_binding(draft: Draft) -> str:
    if draft.flag(7):
        return shortcut_item(draft)
    if draft.flag(2):
        return "none"
    draft.uses.add("shortcuts")
    return f"shortcuts.{draft.one(*STD_SHORTCUTS)}"


def entry(draft: Draft, model: Body, widest: int) -> tuple[str, int]:
    """The stem, and the channels behind it."""
    if draft.flag(2):
        draft.uses.add("stems")
        width = draft.number(draft.least, max(4, draft.least))
        deep = draft.flag(3)
        return f"stems.{'deep' if deep else 'standard'}({width})", 2 * width if deep else width
    flow = model.conv(Flow("", model.shapes), literal(draft.number(draft.least, widest), 1))
    flow = model.chain(flow, draft.number(0, 2))
    if flow.channels[0] < draft.least:
        flow = model.conv(flow, literal(draft.least, 1))
    return flow.text.removeprefix(" |> "), flow.channels[0]


def planned(draft: Draft, depth: int, widest: int) -> list[Plan]:
    """The stages: how many blocks, how wide, with which stride."""
    plans = []
    for i in range(draft.number(1, depth)):
        kind = draft.one("of", "of", "each", "groups", "counts")
        count = draft.number(1, 2) if kind in ("of", "counts") else 2
        first = draft.number(draft.least, widest)
        widths = (first,) * count if kind in ("of", "counts") else (first, draft.number(draft.least, widest))
        stride: int | tuple[int, ...] = draft.draw(st.sampled_from((1, 2, 2, 3, 4)))
        if draft.rank > 1 and draft.flag(1):
            stride = (1, *(2,) * (draft.rank - 1))
        plans.append(Plan(widths, stride, kind, draft.number(0, i)))
    return plans


def drawn_stages(draft: Draft, plans: list[Plan], arrives: int) -> tuple[list[str], int]:
    """The lines of the stages; a block is drawn for all stages that ask for it."""
    occurrences: dict[int, list[tuple[int, int, int | tuple[int, ...]]]] = {}
    for plan in plans:
        for i, width in enumerate(plan.widths):
            occurrences.setdefault(plan.block, []).append((arrives, width, plan.stride if i == 0 else 1))
            arrives = width
    names = {}
    for block, calls in occurrences.items():
        columns = dict.fromkeys(calls)
        channels, widths, strides = zip(*columns, strict=True)
        names[block] = block_item(draft, channels, widths, strides, 1, True)
    return [stage_line(draft, i, plan, names[plan.block]) for i, plan in enumerate(plans)], arrives


def stage_line(draft: Draft, i: int, plan: Plan, name: str) -> str:
    stride = f", stride={list(plan.stride) if isinstance(plan.stride, tuple) else plan.stride}"
    binding = draft.one("", "", "", ", norm=batch_norm", ", act=relu", *std_conv(draft))
    stride += with_effect(binding, name, draft.items)
    label = draft.one(f"layer{i + 1}", f"layer{i + 1}", f"parts[{i}].units" if i == 0 else f"layer{i + 1}")
    widths = plan.widths
    label += stage_string(draft, i, len(widths))
    match plan.kind:
        case "each":
            return f"stage {label} = each w in [{widths[0]}, {widths[1]}] of {name}(w{stride})"
        case "groups":
            return f"stage {label} = 1 of {name}({widths[0]}{stride}), 1 of {name}({widths[1]})"
        case "counts":
            return f"stage {label} = counts[{i}] of {name}({widths[0]}{stride})"
    return f"stage {label} = {len(widths)} of {name}({widths[0]}{stride})"


def stage_string(draft: Draft, i: int, blocks: int) -> str:
    """Nothing, or a string that stores the blocks elsewhere: some in one container with those of other stages."""
    strings = ['"b#"', '"b-#0"', '"features.#"', '"trunk.s#"', '"trunk.s#0"', f'"trunk.part{i}.out-#"']
    if blocks == 1:
        strings += ['""', '"block"', f'"trunk.only{i}"', '"features.#"']
    return f" {draft.one(*strings)}" if draft.flag(5) else ""


def ending(draft: Draft, model: Body) -> tuple[str, list[str]]:
    """The head, and the parameters that it needs."""
    kind = draft.one("linear", "linear", "classes", "family", "map", "features", "flatten", "constant")
    match kind:
        case "classes":
            return "global_avg_pool |> fc: linear(classes)", [f"classes: int = {draft.number(1, 6)}"]
        case "family":
            return "global_avg_pool |> flatten |> head.fc: linear(classes)", ["classes: int"]
        case "map":
            flow = model.chain(Flow("", model.shapes), draft.number(1, 2))
            if any(LINEAR in text for text in (flow.text, *draft.items)):  # scores without a pool are refused
                flow = model.conv(flow, None)
            return flow.text.removeprefix(" |> ") or "identity", []
        case "features":
            return "none", []
        case "flatten":
            return "global_avg_pool |> flatten", []
        case "constant":
            return f"{draft.one(*POOLS)} |> {constants(draft, model.shapes[0])}", []
    return f"{draft.one(*POOLS)} |> {draft.one('', 'dropout(1/10) |> ')}linear({draft.number(1, 6)})", []


def constants(draft: Draft, shape: Shape) -> str:
    """Operations on what is left behind a global pool, maps of another shape and vectors among them."""
    shapes: tuple[Shape, ...] = (Shape(shape.channels, (constant(1),) * shape.rank),)
    steps = []
    for i in range(draft.number(1, 3)):
        operation = operations(draft.draw, rows(takes_map), shapes, Wish(fixed=(("stride", literal(1, 1)),)))
        if operation is None:
            break
        shapes = tuple(one for (one,) in operation.outputs)
        steps.append(f"c{i}: {operation.text}")
    if shapes[0].rank:  # scores without a pool are refused
        steps = list(takewhile(lambda step: LINEAR not in step, steps))
    return " |> ".join(steps) or "identity"
