"""Remedies for `+` and `*` of values whose channels differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.evaluation.values import Number, Tensor, describe, is_number, normal_size
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.dataflow import Dataflow
from resnetc.compiler.ir.network import Leaf, Module, Step
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.remedies.call_text import format_call, is_shipped
from resnetc.compiler.sizes import is_constant, slope, step
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

UNNAMED = "this side"


def name_side(tensor: Tensor, expr: syntax.Expr, dataflow: Dataflow) -> str:
    """How a side of an addition is called: by its name, or by its text where that is short."""
    name = dataflow.wires[tensor.ref].name
    return name or (expr.span.text if len(expr.span.text) <= 30 else UNNAMED)


def find_producer(ref: int, dataflow: Dataflow) -> Step | None:
    """The step that a value owes its channels to: norms, activations and gates only pass them on."""
    last = None
    while (number := dataflow.wires[ref].step) is not None:
        step = dataflow.steps[number]
        last = last or step
        if isinstance(step.operation, str):  # both sides of a sum or product have its channels
            ref = step.inputs[0]
            continue
        if find_width(step, dataflow) is not None or not keeps_channels(step.operation):
            return step
        ref = step.inputs[0]
    return last


def keeps_channels(module: Module) -> bool:
    """Whether something has the channels that come into it, whatever these are."""
    if isinstance(module, Leaf):
        return module.primitive.rule in ("same", "map", "over_positions", "groups", "pool", "blur")
    return module.inputs[0] == module.outputs[0]


def find_width(step: Step, dataflow: Dataflow) -> int | None:
    """Which argument of a call, as it is written, is the number of channels that it gives."""
    if isinstance(step.operation, str):
        return None
    head = step.span.text.partition("(")[0].strip()
    first = PRIMITIVES[head].parameters[0].name if head in PRIMITIVES and PRIMITIVES[head].parameters else "channels"
    numbers = list_integers(dataflow)
    for place, (name, text) in enumerate(parse_arguments(step.span.text)):
        is_width = name in ("channels", "width") or not name and place == 0 and first == "channels"
        if is_width and evaluate_text(text, numbers) == step.operation.outputs[0].channels:
            return place
    return None


def list_integers(dataflow: Dataflow) -> dict[str, Number]:
    """The integers that have a name in a block, with `in.channels`."""
    named = {n.name: n.value for n in dataflow.numbers if is_number(n.value) and n.type == "int" and n.name != "here"}
    return {"in.channels": dataflow.wires[0].shape.channels, **named}


@record(eq=True)
class Side:
    """One operand: what it is called, what it owes its channels to, and the text in its place."""

    tensor: Tensor
    name: str
    step: Step | None
    text: syntax.Expr

    @property
    def channels(self) -> int:
        return self.tensor.shape.channels

    @property
    def gates(self) -> bool:
        """Whether its map has one position, as a gate has."""
        return all(is_constant(size) for size in self.tensor.shape.sizes)


def suggest_remedies(op: str, left: Tensor, right: Tensor, expr: syntax.Binary, dataflow: Dataflow) -> list[Suggestion]:
    """What to write, the likeliest first: a call of one side with the channels of the other, or one call more.

    A shortcut follows its branch, a gate what it weighs, and what has fewer channels is meant to have more.
    """
    pair = ((left, expr.left), (right, expr.right))
    sides = [Side(t, name_side(t, text, dataflow), find_producer(t.ref, dataflow), text) for t, text in pair]
    low, high = sorted(sides, key=lambda side: side.channels)
    follows = [s for s in sides if s.step is not None and s.step.slot not in (None, "conv")]
    gates = [s for s in sides if op == "*" and s.gates]
    mistaken = [] if op == "*" else find_mistaken(low, high, dataflow)
    out: list[Suggestion] = []
    for side in dict.fromkeys((*mistaken, *follows, *gates, low, high)):
        other = high if side is low else low
        if side is low and side.step is None:
            out += suggest_projection(low, high, dataflow)
        out += suggest_channels(side, other, dataflow)
    if low.step is not None:
        out += suggest_projection(low, high, dataflow)
    general = "give both sides the same channels, for instance with a projection on the narrower side"
    return out or [Suggestion(general)]


def find_mistaken(low: Side, high: Side, dataflow: Dataflow) -> list[Side]:
    """The side whose width is the slip, as far as the rest of the block tells.

    The last convolution of a bottleneck widens, so that the narrower side is wrong. Elsewhere it is the one whose width
    no other call of the block has, where one has that of the other side.
    """
    if any(is_last_of_bottleneck(side, dataflow) for side in (low, high)):
        return [low]
    widths = [find_width_text(step, dataflow) for step in dataflow.steps]
    own = [find_width_text(side.step, dataflow) if side.step else "" for side in (low, high)]
    counts = [0 if text == "in.channels" else widths.count(text) for text in own]
    if "" not in own and min(counts) <= 1 < max(counts):
        return [low if counts[0] < counts[1] else high]
    return []


def find_width_text(step: Step, dataflow: Dataflow) -> str:
    """How a call says its channels; "" where it does not."""
    place = find_width(step, dataflow)
    return "" if place is None else parse_arguments(step.span.text)[place][1]


def is_last_of_bottleneck(side: Side, dataflow: Dataflow) -> bool:
    """Whether a side owes its channels to a convolution of one position behind one of several."""
    if side.step is None or get_kernel_size(side.step) != 1:
        return False
    before = find_producer(side.step.inputs[0], dataflow)
    return before is not None and get_kernel_size(before) > 1


def get_kernel_size(step: Step) -> int:
    """How many positions a convolution looks at; 0 for everything else."""
    leaf = step.operation
    is_convolution = isinstance(leaf, Leaf) and leaf.primitive.rule == "conv"
    kernel = leaf.get_argument("kernel") if isinstance(leaf, Leaf) and is_convolution else 0
    return prod(k for k in kernel if isinstance(k, int)) if isinstance(kernel, tuple) else int(kernel or 0)


def suggest_channels(side: Side, other: Side, dataflow: Dataflow) -> Iterator[Suggestion]:
    """The call that one side owes its channels to, with those of the other side."""
    step = side.step
    if step is None or isinstance(step.operation, str) or is_shipped(step.span):
        return
    pairs, head = parse_arguments(step.span.text), step.span.text.partition("(")[0].strip()
    first = PRIMITIVES[head].parameters[0].name if head in PRIMITIVES and PRIMITIVES[head].parameters else ""
    place = find_width(step, dataflow)
    if place is None:
        if not pairs or not (first == "channels" or step.slot in ("conv", "shortcut")):
            return
        place = next((i for i, (name, _) in enumerate(pairs) if name == "channels"), 0)
        if pairs[place][0] not in ("", "channels"):
            return
    what = f"`{side.name}`" if side.name != UNNAMED else "the gate" if side.gates else UNNAMED
    if step.slot not in (None, "conv"):
        what = f"the {step.slot}"
    whose = f"`{other.name}`" if other.name != UNNAMED else "the other side"
    texts = list(list_channel_texts(other, dataflow))
    for text in texts:
        said = format_call(step.span.text, [*pairs[:place], (pairs[place][0], text), *pairs[place + 1 :]])
        yield Suggestion(f"give {what} the channels of {whose}: `{said}`", (Edit(step.span, said),))
    if head == "conv" and ("kernel", "1") in pairs and step.inputs == (0,):  # a projection that does not stride yet
        for name in list_stride_names(side.tensor.shape, other.tensor.shape, dataflow):
            said = f"shortcut({texts[0]}, {name})"
            yield Suggestion(f"give {what} the channels and stride of {whose}: `{said}`", (Edit(step.span, said),))


def suggest_projection(low: Side, high: Side, dataflow: Dataflow) -> Iterator[Suggestion]:
    """The narrower side, sent through one layer more."""
    if low.name == UNNAMED:
        return
    width, stride = next(list_channel_texts(high, dataflow)), find_missing_stride(low.tensor.shape, high.tensor.shape)
    if stride is None:
        wider = f"({low.name} |> conv({width}, kernel=1))"
        help = f"give both sides the same channels: replace `{low.name}` with `{wider}`"
        yield Suggestion(help, (Edit(low.text.span, wider),))
        for name in list_stride_names(low.tensor.shape, high.tensor.shape, dataflow):  # where other blocks stride
            through = f"({low.name} |> shortcut({width}, {name}))"
            help = f"match the channels and stride of the other side: replace `{low.name}` with `{through}`"
            yield Suggestion(help, (Edit(low.text.span, through),))
        return
    count = next((n.name for n in dataflow.numbers if n.type == "size" and n.value == stride), describe(stride))
    through = f"({low.name} |> shortcut({width}, {count}))"
    help = f"match the channels and stride of the other side: replace `{low.name}` with `{through}`"
    yield Suggestion(help, (Edit(low.text.span, through),))


def list_stride_names(low: Shape, high: Shape, dataflow: Dataflow) -> list[str]:
    """The numbers of the block that are the stride which a side lacks, or 1 where it lacks none."""
    stride = find_missing_stride(low, high) or 1
    return [n.name for n in dataflow.numbers if n.value == stride and (n.type == "size" or n.name == "stride")]


def list_channel_texts(side: Side, dataflow: Dataflow) -> Iterator[str]:
    """How the channels of a side can be written: as its own call does, by a name, `in.channels`, as a number."""
    numbers = list_integers(dataflow)
    pairs = parse_arguments(side.step.span.text) if side.step is not None else []
    texts = [
        text for name, text in pairs if name in ("", "channels") and evaluate_text(text, numbers) == side.channels
    ][:1]
    texts += ["in.channels"] if side.step is None else []
    texts += [name for name, value in numbers.items() if value == side.channels and name != "in.channels"]
    texts += ["in.channels"] if numbers["in.channels"] == side.channels else []
    yield from dict.fromkeys((*texts, str(side.channels)))


def evaluate_text(text: str, numbers: Mapping[str, Number]) -> Number | None:
    """What a number, a name or a product of them is; None for any other expression."""
    factors = [numbers.get(f.strip(), int(f) if f.strip().isdecimal() else None) for f in text.split("*")]
    return None if None in factors else prod(f for f in factors if f is not None)


def find_missing_stride(low: Shape, high: Shape) -> int | tuple[int, ...] | None:
    """The stride that makes the sizes of `low` those of `high`; None where they are equal, or no stride does."""
    pairs = list(zip(low.sizes, high.sizes, strict=True))
    if low.sizes == high.sizes or any(is_constant(f) or not slope(g) for f, g in pairs):
        return None
    ratios = [slope(f) / slope(g) for f, g in pairs]
    if any(r < 1 or r.denominator != 1 for r in ratios):
        return None
    strides = tuple(int(r) for r in ratios)
    if any(step(f, s, 0) != g for (f, g), s in zip(pairs, strides, strict=True)):
        return None
    return normal_size(strides)
