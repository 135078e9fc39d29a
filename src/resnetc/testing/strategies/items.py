"""Strategies for items: blocks with a residual addition, and shortcut policies."""

from __future__ import annotations

from hypothesis import strategies as st

from resnetc.compiler.fast_dataclass import record
from resnetc.testing.strategies.bodies import CONDITIONS, CONV_SLOT, Body, Draft
from resnetc.testing.strategies.primitives import (
    Flow,
    Term,
    Wish,
    open_map,
    operations,
    rows,
    shape_keeping,
    takes_map,
)
from resnetc.testing.strategies.roles import with_effect

Called = tuple[int, int, int]
CALLS: tuple[Called, ...] = ((3, 4, 1), (4, 4, 1), (4, 8, 2), (8, 8, 1))
SAMPLES = ((1, 1), (2, 1), (3, 2), (5, 2), (7, 3), (8, 4))  # what a shortcut has to take: channels and stride
CASES = ("stride == 1", "channels > 3", "here.index == 0", "here.position % 2 == 1", "in.rank == 2")
SIDES = ("shortcut(width, stride)", "shortcut(width, stride)", "shortcut(width, stride, pre={pre})")
DOCS = (
    "",
    "",
    "/// One block.\n",
    '/// Says "quoted\\" \'\'\' """ {{ words }} {% %} # and %s.\n',
    "/// Zwei Wörter, ein Satz: 卷积。\n",
)


@record(eq=True)
class Item:
    """A definition: its name, its text behind that of the items it needs, and the files of `std` that these use.

    The names of the files are those behind `use std.`: `("gates",)` where the text says `gates.se`.
    """

    name: str
    text: str
    uses: tuple[str, ...] = ()

    def file(self, model: str) -> str:
        """A whole file: the edition, a `use` for each of `uses`, the item, and a model that calls it by `name`."""
        used = "".join(f"use std.{name}\n" for name in self.uses)
        return f"edition 1\n{used}\n{self.text}\n\n{model}\n"


@st.composite
def blocks(draw: st.DrawFn, dimensions: int = 2, calls: tuple[Called, ...] = CALLS, stages: bool = True) -> Item:
    """Definitions `block unitN(width: int, first stride: size = 1)` that give `width` channels.

    Each is legal for every one of `calls` (channels that arrive, width, stride), in models of that many dimensions.
    Some have parameters with defaults besides (`middle: int = width + 1`, `reach: size = 2`). With `stages` the block
    may have the slot `shortcut`, else it stands anywhere. Some additions fit no size, or only some.
    """
    draft = Draft(draw, dimensions)
    channels, widths, strides = zip(*calls, strict=True)
    name = block_item(draft, channels, widths, strides, 1, stages)
    return Item(name, "\n\n".join(draft.items), tuple(sorted(draft.uses)))


@st.composite
def shortcuts(draw: st.DrawFn, dimensions: int = 2) -> Item:
    """Definitions `policy routeN(channels: int, stride: size)`: for the slot `shortcut` of any block in a stage."""
    draft = Draft(draw, dimensions)
    name = shortcut_item(draft)
    return Item(name, "\n\n".join(draft.items), tuple(sorted(draft.uses)))


def block_item(
    draft: Draft,
    channels: tuple[int, ...],
    widths: tuple[int, ...],
    strides: tuple[int | tuple[int, ...], ...],
    depth: int,
    staged: bool,
) -> str:
    """Adds a block to a draft, legal for these occurrences; returns its name."""
    name, count = draft.fresh("unit"), len(channels)
    width, stride = Term("width", widths), Term("stride", strides)
    ints = [width, Term("in.channels", channels), Term("2 * width", tuple(2 * w for w in widths))]
    parameters = ["width: int", "first stride: size = 1"]
    if draft.flag(2):
        ints.append(Term("middle", tuple(w + 1 for w in widths)))
        parameters.append("middle: int = width + 1")
    terms = [("int", term) for term in ints]
    if draft.flag(2):
        kernel = draft.number(1, 3)
        terms.append(("size", Term("reach", (kernel,) * count)))
        parameters.append(f"{draft.one('', 'first ')}reach: size = {kernel}")
    sizes = draft.one("kept", "kept", "kept", "strides are free", "strides are free", "free")
    shapes = tuple(open_map(c, draft.rank) for c in channels)
    body = Body(
        draft,
        shapes,
        inner=inner_call,
        terms=tuple(terms),
        sizes=sizes,
        staged=staged,
        depth=depth,
        conditions=CONDITIONS,
    )
    start = body.input
    pre = body.named(body.quiet(start)) if draft.flag(2) else start
    main = body.chain(pre, draft.number(0, 2), None, stride if draft.flag(9) else None)
    main = body.middle(main)
    main = body.named(body.chain(main, draft.number(1, 3), width))
    out = added(body, main, pre, stride)
    if draft.flag(6):
        out = Flow(f"({out.text}) |> {draft.one('act', 'norm', *shape_keeping(draft.rank))}", out.shapes)
    statements = "\n".join(f"  {line}" for line in [*body.lines, f"out = {out.text}"])
    doc = draft.one(*DOCS)
    draft.items.append(f"{doc}block {name}({', '.join(parameters)}) {{\n{statements}\n}}")
    return name


def inner_call(body: Body, flow: Flow) -> Flow:
    """A call of a block that is drawn for this place; it may bind slots inside."""
    draft, uses = body.draft, len(flow.shapes)
    width, stride = draft.number(draft.least, 6), draft.number(1, 2) if body.sizes == "free" else 1
    name = block_item(draft, flow.channels, (width,) * uses, (stride,) * uses, body.depth + 1, False)
    binding = draft.one("", "", ", norm=group_norm(groups=1)", ", act=silu", *std_conv(draft))
    binding = with_effect(binding, name, draft.items)
    text = body.labelled(f"{name}({width}{f', stride={stride}' if stride > 1 else ''}{binding})", name)
    return Flow(f"{flow.text} |> {text}", tuple(open_map(width, draft.rank) for _ in flow.shapes))


def std_conv(draft: Draft) -> tuple[str, ...]:
    return () if draft.narrow else (", conv=std_conv",)


def added(body: Body, main: Flow, pre: Flow, stride: Term) -> Flow:
    """The residual addition: with a shortcut, with a branch of its own, or where all fits with the input as it is."""
    draft = body.draft
    if body.staged and draft.flag(7):
        body.stored.add("downsample")
        side = body.named(Flow(f"in |> {draft.one(*SIDES).format(pre=pre.text)}", main.shapes))
        sums = (f"{main.text} + {side.text}", f"{side.text} + {main.text}", f"{side.text} + 0.2 * {main.text}")
        return Flow(draft.one(*sums, f"{side.text} - {main.text}"), main.shapes)
    width = next(term for _, term in body.terms if term.text == "width")
    if body.input.channels == width.values and set(stride.values) == {1}:
        return Flow(f"in + {main.text}", main.shapes)
    if draft.flag(2):
        return main
    side = body.named(body.conv(body.input, width, stride))
    return Flow(f"{main.text} + {side.text}", main.shapes)


def shortcut_item(draft: Draft) -> str:
    """Adds a shortcut policy to a draft; returns its name."""
    name = draft.fresh("route")
    cases = []
    if draft.flag(8):
        cases.append("when in.channels == channels and stride == 1 => identity")
    if draft.flag(3):
        cases.append(f"when {draft.one(*CASES)} => {projection(draft)}")
    lines = "\n".join(f"  {line}" for line in [*cases, f"otherwise => {projection(draft)}"])
    draft.items.append(f"{draft.one(*DOCS)}policy {name}(channels: int, stride: size) {{\n{lines}\n}}")
    return name


def projection(draft: Draft) -> str:
    """Steps from the input of a block to its channels: some keep to the stride, some lose a row or two."""
    count = len(SAMPLES)
    channels, stride = Term("channels", (4,) * count), Term("stride", tuple(s for _, s in SAMPLES))
    maps = tuple(open_map(c, draft.rank) for c, _ in SAMPLES)
    wish = Wish(draft.flag(6), (("stride", stride), ("channels", channels)))
    strided = rows(lambda row: takes_map(row) and any(p.name == "stride" for p in row.parameters))
    operation = operations(draft.draw, strided, maps, wish)
    assert operation is not None
    steps = [operation.text]
    if draft.flag(7) and operation.primitive.name == "plain_conv" and not CONV_SLOT & set(named(operation.text)):
        steps = [operation.text.replace("plain_conv", "conv", 1)]
    if any(shape.channels != 4 for (shape,) in operation.outputs):
        conv = "conv" if draft.narrow or all(shape.channels > 1 for (shape,) in operation.outputs) else "plain_conv"
        steps.append(f"{draft.one('', 'fit: ')}{conv}(channels, kernel=1)")
    return " |> ".join([*steps, *draft.draw(st.sampled_from(((), (), ("norm",), ("act", "norm"))))])


def named(call: str) -> list[str]:
    """The names of a call's arguments."""
    return [part.split("=")[0].strip(" (") for part in call.partition("(")[2].split(",") if "=" in part]
