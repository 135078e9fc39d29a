"""`ir.Network` -> its figures: parameters, multiply-adds, weighted layers, receptive field, memory, stage by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from resnetc.compiler import costs
from resnetc.compiler.costs import Cost, Sum, total
from resnetc.compiler.ir import Leaf, Module, Network, Sequence, Shape, Step, Template
from resnetc.compiler.shapes import axis
from resnetc.compiler.sizes import constant, evaluate, show, slope

Key = tuple[str, tuple[int, ...]]
Symbols = tuple[str | None, ...]


# -- what is stored ---------------------------------------------------------------------------------------------------


def state(leaf: Leaf) -> list[tuple[str, tuple[int, ...], bool]]:
    """What a primitive has in the state dict, in its order: name, shape, whether it is a parameter (else a buffer)."""
    arguments = dict(leaf.arguments)
    channels = leaf.shape_in.channels
    vector = (channels,)
    affine = [("weight", vector, True), ("bias", vector, True)]
    match leaf.primitive.state:
        case "conv":
            kernel = [axis(arguments["kernel"], i) for i in range(leaf.shape_in.rank)]
            made, weight = arguments["channels"], (arguments["channels"], channels // arguments["groups"], *kernel)
        case "linear":
            made, weight = arguments["features"], (arguments["features"], channels)
        case "batch_norm":
            means = [("running_mean", vector, False), ("running_var", vector, False)]
            return [*affine, *means, ("num_batches_tracked", (), False)]
        case "affine":
            return affine
        case "affine_v":
            return [*affine, ("v", vector, True)]
        case "affine_tau":
            return [*affine, ("tau", vector, True)]
        case _:
            return []
    return [("weight", weight, True), ("bias", (made,), True)] if arguments["bias"] else [("weight", weight, True)]


def state_dict_keys(network: Network) -> list[Key]:
    """The keys of the state dict with their shapes, in the order of registration."""
    return module_keys(network.root, {})


def module_keys(module: Module, known: dict[int, list[Key]]) -> list[Key]:
    """The keys below one module; those of equal modules are found once."""
    if id(module) in known:
        return known[id(module)]
    match module:
        case Leaf():
            out = [(name, shape) for name, shape, _ in state(module)]
        case Sequence(children):
            out = [(f"{name}.{key}", shape) for name, child in children for key, shape in module_keys(child, known)]
        case Template(_, steps, _, _, order):
            stored = {s.path: module_keys(s.operation, known) for s in steps if not isinstance(s.operation, str)}
            stored = {path: keys for path, keys in stored.items() if keys}
            tree: dict[Any, Any] = {}
            for path in order:
                if path in stored:
                    node = tree
                    for part in path[:-1]:
                        node = node.setdefault(part, {})  # a container is registered at its first mention
                    node[path[-1]] = stored[path]
            out = tree_keys(tree)
    known[id(module)] = out
    return out


def tree_keys(tree: dict[Any, Any]) -> list[Key]:
    return [
        (f"{part}.{key}", shape)
        for part, node in tree.items()
        for key, shape in (tree_keys(node) if isinstance(node, dict) else node)
    ]


# -- the way from the input -------------------------------------------------------------------------------------------

Window = tuple[int, int, int]  # from, to, step: output t sees the inputs t * step + from .. t * step + to


@dataclass(frozen=True, slots=True)
class Trace:
    """The way to a value: weighted layers on the longest path; what a position sees, or saw before pooling.

    `whole`: it sees the whole input, as behind a gate, or its branches have different strides.
    """

    depth: int
    field: tuple[Window, ...]
    whole: bool = False
    pooled: bool = False

    def then(self, other: Trace) -> Trace:
        """This way, and then that of a module."""
        depth = self.depth + other.depth
        if self.pooled:
            return Trace(depth, self.field, self.whole, True)
        pairs = zip(self.field, other.field, strict=True)
        field = tuple((a + j * b, c + j * d, j * k) for (a, c, j), (b, d, k) in pairs)
        return Trace(depth, field, self.whole or other.whole, other.pooled)


def start(rank: int) -> Trace:
    return Trace(0, ((0, 0, 1),) * rank)


def merged(traces: list[Trace], counted: list[Trace]) -> Trace:
    """The ways to values that are put together; the layers of `counted` ones count."""
    depth = max(t.depth for t in counted or traces)
    maps = [t for t in traces if not t.pooled]
    if not maps:
        equal = all(t.field == traces[0].field for t in traces)
        return Trace(depth, traces[0].field, not equal or any(t.whole for t in traces), True)
    strides = {tuple(step for _, _, step in t.field) for t in maps}
    hull = tuple(
        (min(low for low, _, _ in windows), max(high for _, high, _ in windows), windows[0][2])
        for windows in zip(*(t.field for t in maps), strict=True)
    )
    return Trace(depth, hull, len(maps) < len(traces) or len(strides) > 1 or any(t.whole for t in maps))


def broadcast(shape: Shape, out: Shape) -> bool:
    """Whether a factor is repeated to fit the product."""
    one = constant(1)
    pairs = zip(shape.sizes, out.sizes, strict=True)
    return shape.channels != out.channels or any(f == one and g != one for f, g in pairs)


def leaf_trace(leaf: Leaf) -> Trace:
    """A primitive on its own: its window on every axis."""
    arguments = dict(leaf.arguments)
    rank = leaf.shape_in.rank
    layers = int(leaf.primitive.state in ("conv", "linear"))

    def each(name: str, i: int) -> int:
        return axis(arguments[name], i)

    match leaf.primitive.rule:
        case "conv":
            reach = [each("dilation", i) * (each("kernel", i) - 1) for i in range(rank)]
            field = [(-each("padding", i), reach[i] - each("padding", i), each("stride", i)) for i in range(rank)]
        case "pool":
            pads = [each("padding", i) for i in range(rank)]
            field = [(-pads[i], each("kernel", i) - 1 - pads[i], each("stride", i)) for i in range(rank)]
        case "blur":
            pads = [(each("stride", i) + each("kernel", i) - 2) // 2 for i in range(rank)]
            field = [(-pads[i], each("kernel", i) - 1 - pads[i], each("stride", i)) for i in range(rank)]
        case "constant_pad":
            field = [(-each("amount", i), -each("amount", i), 1) for i in range(rank)]
        case "subsample":
            field = [(0, 0, each("stride", i)) for i in range(rank)]
        case rule:
            pooled = rule in ("global", "linear", "reshape", "flatten")
            return Trace(layers, start(rank).field, pooled=pooled)
    return Trace(layers, tuple(field))


# -- modules ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What is added up: elements of the state dict, multiply-adds, those of fixed filters."""

    parameters: int
    buffers: int
    cost: Cost
    filters: Cost


class Measurer:
    """Measures every distinct module once; a stage of a thousand equal blocks is one block a thousand times."""

    def __init__(self) -> None:
        self.figures: dict[int, Figures] = {}
        self.traces: dict[int, Trace] = {}

    def module(self, module: Module) -> Figures:
        if id(module) not in self.figures:
            if isinstance(module, Leaf):
                made = leaf_figures(module)
            elif isinstance(module, Sequence):
                made = self.all(child for _, child in module.children)
            else:
                made = self.steps(module.steps)
            self.figures[id(module)] = made
        return self.figures[id(module)]

    def steps(self, steps: Iterable[Step]) -> Figures:
        return self.all(s.operation for s in steps if not isinstance(s.operation, str))

    def all(self, modules: Iterable[Module]) -> Figures:
        distinct: dict[int, Module] = {}
        counts: Counter[int] = Counter()
        for module in modules:
            distinct[id(module)] = module
            counts[id(module)] += 1
        cost, filters = Sum(), Sum()
        parameters = buffers = 0
        for key, module in distinct.items():
            figures, times = self.module(module), counts[key]
            parameters += figures.parameters * times
            buffers += figures.buffers * times
            cost.put(figures.cost, times)
            filters.put(figures.filters, times)
        return Figures(parameters, buffers, cost.cost(), filters.cost())

    def trace(self, module: Module) -> Trace:
        """The way through a module."""
        if id(module) not in self.traces:
            if isinstance(module, Leaf):
                made = leaf_trace(module)
            elif isinstance(module, Sequence):
                made = start(module.shape_in.rank)
                for _, child in module.children:
                    made = made.then(self.trace(child))
            else:
                made = self.wires(module)[module.output]
            self.traces[id(module)] = made
        return self.traces[id(module)]

    def wires(self, template: Template) -> list[Trace]:
        """The way to every value of a block."""
        out = [start(template.shape_in.rank)] * len(template.wires)
        for step in template.steps:
            traces = [out[i] for i in step.inputs]
            if isinstance(step.operation, str):
                made = merged(traces, traces)
                if step.operation == "*":
                    shape = template.wires[step.outputs[0]].shape
                    refs = [i for i in step.inputs if not broadcast(template.wires[i].shape, shape)]
                    made = merged(traces, [out[i] for i in refs])
            else:
                made = (merged(traces, traces) if len(traces) > 1 else traces[0]).then(self.trace(step.operation))
            for ref in step.outputs:
                out[ref] = made
        return out


def leaf_figures(leaf: Leaf) -> Figures:
    stored = [(prod(shape), parameter) for _, shape, parameter in state(leaf)]
    return Figures(
        sum(n for n, parameter in stored if parameter),
        sum(n for n, parameter in stored if not parameter),
        costs.multiply_adds(leaf),
        costs.filter_multiply_adds(leaf),
    )


# -- networks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A stage, or the stem or head (of no blocks): the shape it gives, the stride there, what it holds and costs."""

    name: str
    blocks: int
    out: Shape
    symbols: Symbols
    stride: int | tuple[int, ...]
    parameters: int
    cost: Cost

    def shape(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return shape_at(self.out, sizes)

    @property
    def symbolic(self) -> tuple[str, ...]:
        """`("2048", "ceil(H / 32)", "ceil(W / 32)")`."""
        symbols = self.symbols + (None,) * len(self.out.sizes)
        names = zip(self.out.sizes, symbols, strict=False)
        return (str(self.out.channels), *(show(f, symbol or "H") for f, symbol in names))

    def multiply_adds(self, sizes: tuple[int, ...]) -> int:
        return total(self.cost, sizes)


@dataclass(frozen=True, slots=True)
class Row:
    """A part at given sizes."""

    name: str
    blocks: int
    shape: tuple[int, ...]
    symbolic: tuple[str, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """The figures of a network. `sizes` are those of the input, one for each axis.

    `receptive_field` is that of the last map before global pooling, a tuple where the axes differ; None where it is the
    whole input (behind a gate) or branches of different strides meet.
    """

    parameters: int
    buffers: int
    weighted_layers: int
    receptive_field: int | tuple[int, ...] | None
    parts: tuple[Part, ...]
    out: Shape
    cost: Cost
    filters: Cost
    kept: Cost
    kept_outside: Cost
    kept_inside: tuple[Cost, ...]

    @property
    def stages(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.blocks)

    def rows(self, sizes: tuple[int, ...]) -> tuple[Row, ...]:
        """Stem, stages and head at given sizes."""
        return tuple(
            Row(p.name, p.blocks, p.shape(sizes), p.symbolic, p.parameters, p.multiply_adds(sizes)) for p in self.parts
        )

    def output(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return shape_at(self.out, sizes)

    def terms(self) -> tuple[tuple[tuple[Any, ...], int], ...]:
        """The polynomial of the multiply-adds: size functions and their coefficient, from the stem to the head."""
        return tuple(self.cost.items())

    def multiply_adds(self, sizes: tuple[int, ...]) -> int:
        """Convolutions and linear layers with parameters, each multiply-add once."""
        return total(self.cost, sizes)

    def multiply_adds_all(self, sizes: tuple[int, ...]) -> int:
        """The same with fixed filters. (No operation of the language is a matrix product between activations.)"""
        return total(self.cost, sizes) + total(self.filters, sizes)

    def activation_bytes(self, sizes: tuple[int, ...]) -> int:
        """What autograd keeps of one image in float32 while training."""
        return total(self.kept, sizes)

    def activation_bytes_checkpointed(self, sizes: tuple[int, ...]) -> int:
        """The same with every block checkpointed: stem, head, the blocks' inputs, and the inside of the largest block."""
        return total(self.kept_outside, sizes) + max((total(b, sizes) for b in self.kept_inside), default=0)


def measure(network: Network) -> Measures:
    """All figures of a network, in time that grows with its distinct blocks and, a little, with their number."""
    root, measurer = network.root, Measurer()
    figures = measurer.module(root)
    wires = measurer.wires(root)
    trace = wires[root.output]
    field = tuple(high - low + 1 for low, high, _ in trace.field)
    return Measures(
        figures.parameters,
        figures.buffers,
        trace.depth,
        None if trace.whole else each_axis(field),
        tuple(parts(network, measurer, wires)),
        root.shape_out,
        figures.cost,
        figures.filters,
        *costs.activations(network),
    )


def parts(network: Network, measurer: Measurer, wires: list[Trace]) -> Iterable[Part]:
    """Stem, stages and head; a network without stages is one part."""
    root, steps, symbols = network.root, network.root.steps, network.input.symbols
    spans = [(s.name, s.blocks, s.step, s.step + 1, steps[s.step].outputs[0]) for s in network.stages]
    if spans:
        stem = ("stem", 0, 0, spans[0][2], steps[spans[0][2]].inputs[0])
        spans = [stem, *spans, ("head", 0, spans[-1][3], len(steps), root.output)]
    else:
        spans = [("model", 0, 0, len(steps), root.output)]
    for name, blocks, first, end, ref in spans:
        if first < end:
            figures, shape = measurer.steps(steps[first:end]), root.wires[ref].shape
            stride = each_axis(strides(shape, wires[ref]))
            yield Part(name, blocks, shape, symbols, stride, figures.parameters, figures.cost)


def strides(shape: Shape, trace: Trace) -> tuple[int, ...]:
    """Of a map against the input: by the slopes of its sizes; where a size is fixed, by the windows on the way."""
    windows = zip(shape.sizes, trace.field, strict=False)
    return tuple(int(1 / slope(f)) if slope(f) else window[2] for f, window in windows)


def shape_at(shape: Shape, sizes: tuple[int, ...]) -> tuple[int, ...]:
    given = sizes + (1,) * len(shape.sizes)  # a vector may be read as a map of more axes, all fixed
    return (shape.channels, *(evaluate(f, n) for f, n in zip(shape.sizes, given, strict=False)))


def each_axis(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else values
