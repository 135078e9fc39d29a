"""The figures of a network and its stages: parameters, multiply-adds, weighted layers, receptive field, memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import prod
from typing import TypeAlias

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence, Step
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.measures import costs
from resnetc.compiler.measures.costs import Cost, CostSum, evaluate_cost
from resnetc.compiler.measures.receptive_field import Trace, Tracer
from resnetc.compiler.measures.uncounted import NOTHING, Uncounted, find_uncounted, join_uncounted
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import SizeFn, evaluate, show
from resnetc.compiler.sizes.functions import period_gain

Stored = tuple[str, tuple[int, ...], bool]
Key = tuple[str, tuple[int, ...]]
KeyTree: TypeAlias = "dict[str | int, KeyTree | list[Key]]"
"""Containers and what they store, by the parts of its path."""

Symbols = tuple[str | None, ...]


# -- what is stored ---------------------------------------------------------------------------------------------------


VECTORS = {
    "affine": ("weight", "bias"),
    "affine_v": ("weight", "bias", "v"),
    "affine_tau": ("weight", "bias", "tau"),
    "weight": ("weight",),
    "slope": ("weight",),
    "batch_norm": ("weight", "bias", "running_mean", "running_var"),
}
"""What norms store for each channel, by what the table says that they keep."""
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def list_state_entries(leaf: Leaf) -> list[Stored]:
    """What a primitive has in the state dict, in its order: name, shape, whether it is a parameter (else a buffer).

    A parameter of the block itself has no name below that of the step.
    """
    arguments = leaf.by_name
    channels, state = leaf.shape_in.channels, leaf.primitive.state
    vector = (1 if arguments.get("shared") else channels,)
    shapes: dict[str, tuple[int, ...]] = {
        name: vector for name in VECTORS.get(state, ()) if leaf.has_parameters or name in BUFFERS
    }
    if "running_mean" in shapes:
        shapes["num_batches_tracked"] = ()
    if state == "conv":
        kernel = [get_size_on_axis(arguments["kernel"], i) for i in range(leaf.shape_in.rank)]
        shapes["weight"] = (leaf.get_integer("channels"), channels // leaf.get_integer("groups"), *kernel)
    elif state == "linear":
        shapes["weight"] = (leaf.get_integer("features"), channels)
    elif state == "parameter":
        shapes[""] = leaf.get_integers("shape")
    if "weight" in shapes and arguments.get("bias"):
        shapes["bias"] = shapes["weight"][:1]
    if "weight" in shapes and arguments.get("scaled"):
        shapes["gain"] = shapes["weight"][:1] + (1,) * (len(shapes["weight"]) - 1)
    return [(name, shape, name not in BUFFERS) for name, shape in shapes.items()]


def list_state_dict_keys(network: Network) -> list[Key]:
    """The keys of the state dict with their shapes, in the order of registration."""
    return list_module_keys(network.root, {})


def list_module_keys(module: Module, cache: dict[int, list[Key]]) -> list[Key]:
    """The keys below one module; those of equal modules are found once."""
    if id(module) in cache:
        return cache[id(module)]
    match module:
        case Leaf():
            out = [(name, shape) for name, shape, _ in list_state_entries(module)]
        case Sequence(children):
            out = [
                (f"{name}.{key}", shape) for name, child in children for key, shape in list_module_keys(child, cache)
            ]
        case ExpandedBlock(_, steps, _, _, order):
            placed = [(path, list_module_keys(part, cache)) for s in steps for path, part in s.stores]
            stored = {path: keys for path, keys in placed if keys}  # a name may have stood for other steps before
            tree: KeyTree = {}
            for path in order:
                if path in stored:
                    node = tree
                    for part in path[:-1]:
                        inner = node.setdefault(part, {})  # a container stands where its first keys do
                        assert isinstance(inner, dict)  # what has keys contains nothing else
                        node = inner
                    node[path[-1]] = stored[path]
            out = list_tree_keys(tree)
    cache[id(module)] = out
    return out


def list_tree_keys(tree: KeyTree) -> list[Key]:
    return [
        (f"{part}.{key}" if key else str(part), shape)
        for part, node in tree.items()
        for key, shape in (list_tree_keys(node) if isinstance(node, dict) else node)
    ]


# -- modules ----------------------------------------------------------------------------------------------------------


@record
class Figures:
    """What is added up: elements of the state dict, multiply-adds, those of fixed filters."""

    parameters: int
    buffers: int
    cost: Cost
    filters: Cost
    uncounted: Uncounted


class Measurer:
    """Measures every distinct module once; a stage of a thousand equal blocks is one block a thousand times.

    The figures of a module are those of what it holds, whichever network that is a part of.
    """

    def __init__(self) -> None:
        self.figures: dict[object, Figures] = {}  # of modules, which are told apart by identity; of equal leaves
        self.tracer = Tracer()

    def measure_module(self, module: Module) -> Figures:
        """The figures of a module, computed when it is first met."""
        key = module.interning_key or module if isinstance(module, Leaf) else module
        figures = self.figures.get(key)
        if figures is None:
            if isinstance(module, Leaf):
                figures = measure_leaf(module)
            elif isinstance(module, Sequence):
                figures = self.add_figures([child for _, child in module.children])
            else:
                figures = self.measure_steps(module.steps)
            self.figures[key] = figures
        return figures

    def measure_steps(self, steps: Iterable[Step]) -> Figures:
        return self.add_figures([s.operation for s in steps if not isinstance(s.operation, str)])

    def add_figures(self, modules: Iterable[Module]) -> Figures:
        """The sum of the figures of modules; equal figures are added once, times their number."""
        counts: dict[Figures, int] = {}
        for module in modules:
            figures = self.measure_module(module)
            counts[figures] = counts.get(figures, 0) + 1
        cost, filters = CostSum(), CostSum()
        parameters = buffers = 0
        for figures, times in counts.items():
            parameters += figures.parameters * times
            buffers += figures.buffers * times
            cost.add(figures.cost, times)
            filters.add(figures.filters, times)
        uncounted = join_uncounted([figures.uncounted for figures in counts])
        return Figures(
            parameters=parameters,
            buffers=buffers,
            cost=cost.to_cost(),
            filters=filters.to_cost(),
            uncounted=uncounted,
        )


def measure_leaf(leaf: Leaf) -> Figures:
    """The figures of one operation; those of an `extern` are what it claims."""
    stored = [(prod(shape), parameter) for _, shape, parameter in list_state_entries(leaf)]
    external = leaf.external
    return Figures(
        parameters=external.parameters or 0 if external else sum(n for n, parameter in stored if parameter),
        buffers=external.buffers or 0 if external else sum(n for n, parameter in stored if not parameter),
        cost=costs.count_multiply_adds(leaf),
        filters=costs.count_filter_multiply_adds(leaf),
        uncounted=find_uncounted(leaf),
    )


# -- networks ---------------------------------------------------------------------------------------------------------


@record
class Part:
    """A stage, or the stem or head (of no blocks): the shape it gives, the stride there, what it holds and costs."""

    name: str
    blocks: int
    out: Shape
    symbols: Symbols
    stride: int | tuple[int, ...]
    parameters: int
    cost: Cost
    uncounted: Uncounted = NOTHING

    def compute_shape(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Channels, and the size of each axis."""
        return evaluate_shape(self.out, sizes)

    @property
    def symbolic(self) -> tuple[str, ...]:
        """`("2048", "ceil(H / 32)", "ceil(W / 32)")`."""
        symbols = self.symbols + (None,) * len(self.out.sizes)
        names = zip(self.out.sizes, symbols, strict=False)
        return (str(self.out.channels), *(show(f, symbol or "H") for f, symbol in names))

    def count_multiply_adds(self, sizes: tuple[int, ...]) -> int:
        """As `Measures.count_multiply_adds`, of this part."""
        return evaluate_cost(self.cost, sizes)


@record(eq=True)
class Row:
    """A part at given sizes."""

    name: str
    blocks: int
    shape: tuple[int, ...]
    symbolic: tuple[str, ...]
    parameters: int
    multiply_adds: int
    uncounted: Uncounted = NOTHING


class Activations:
    """What autograd keeps of a network, worked out when it is asked for: most commands do not say it."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @cached_property
    def costs(self) -> costs.ActivationCosts:
        """Where the numbers are float32."""
        return costs.count_activation_bytes(self.network)


@record
class Measures:
    """The figures of a network. `sizes` are those of the input, one for each axis.

    `receptive_field` is that of the last map before global pooling, a tuple where the axes differ; None where it is the
    whole input (behind a gate) or branches of different strides meet: `global_because` are the steps that make it so,
    from the model's to the one in which the branches meet.
    """

    parameters: int
    buffers: int
    weighted_layers: int
    receptive_field: int | tuple[int, ...] | None
    global_because: tuple[Step | Leaf, ...]
    parts: tuple[Part, ...]
    out: Shape
    cost: Cost
    filters: Cost
    activations: Activations
    uncounted: Uncounted = NOTHING

    @property
    def stages(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.blocks)

    def list_rows(self, sizes: tuple[int, ...]) -> tuple[Row, ...]:
        """Stem, stages and head at given sizes."""
        return tuple(
            Row(
                name=p.name,
                blocks=p.blocks,
                shape=p.compute_shape(sizes),
                symbolic=p.symbolic,
                parameters=p.parameters,
                multiply_adds=p.count_multiply_adds(sizes),
                uncounted=p.uncounted,
            )
            for p in self.parts
        )

    def compute_output(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the output: channels, and the size of each axis."""
        return evaluate_shape(self.out, sizes)

    def list_terms(self) -> tuple[tuple[tuple[SizeFn, ...], int], ...]:
        """The polynomial of the multiply-adds, from the stem on: size functions and coefficient; the constant last."""
        return tuple(sorted(self.cost.items(), key=lambda term: term[0] == ()))

    def count_multiply_adds(self, sizes: tuple[int, ...]) -> int:
        """Convolutions and linear layers with parameters, each multiply-add once."""
        return evaluate_cost(self.cost, sizes)

    def count_all_multiply_adds(self, sizes: tuple[int, ...]) -> int:
        """The same with fixed filters. (No operation of the language is a matrix product between activations.)"""
        return evaluate_cost(self.cost, sizes) + evaluate_cost(self.filters, sizes)

    def count_activation_bytes(self, sizes: tuple[int, ...]) -> int:
        """What autograd keeps of one image in float32 while training."""
        return evaluate_cost(self.activations.costs.total, sizes)

    def count_checkpointed_activation_bytes(self, sizes: tuple[int, ...]) -> int:
        """The same with every block checkpointed: stem, head, the blocks' inputs, and what the largest block keeps."""
        costs = self.activations.costs
        largest = max((evaluate_cost(block, sizes) for block in costs.blocks), default=0)
        return evaluate_cost(costs.checkpointed, sizes) + largest


def measure(network: Network, measurer: Measurer | None = None) -> Measures:
    """All figures of a network, in time that grows with its distinct blocks and, a little, with their number.

    With the measurer of other networks, what it has in common with them is not measured again.
    """
    root, measurer = network.root, measurer or Measurer()
    figures = measurer.measure_module(root)
    wires = measurer.tracer.trace_wires(root)
    trace = wires[root.output]
    field = tuple(high - low + 1 for low, high, _ in trace.field)
    return Measures(
        parameters=figures.parameters,
        buffers=figures.buffers,
        weighted_layers=trace.depth,
        receptive_field=None if trace.global_because else merge_axes(field),
        global_because=trace.global_because,
        parts=tuple(measure_parts(network, measurer, wires)),
        out=root.shape_out,
        cost=figures.cost,
        filters=figures.filters,
        activations=Activations(network),
        uncounted=figures.uncounted,
    )


def measure_parts(network: Network, measurer: Measurer, wires: list[Trace]) -> Iterable[Part]:
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
            figures, shape = measurer.measure_steps(steps[first:end]), root.wires[ref].shape
            stride = merge_axes(compute_strides(shape, wires[ref]))
            yield Part(
                name=name,
                blocks=blocks,
                out=shape,
                symbols=symbols,
                stride=stride,
                parameters=figures.parameters,
                cost=figures.cost,
                uncounted=figures.uncounted,
            )


def compute_strides(shape: Shape, trace: Trace) -> tuple[int, ...]:
    """The strides of a map against the input, by the slopes of its sizes.

    Where a size is fixed, the windows on the way say it.
    """
    windows = zip([period_gain(f) for f in shape.sizes], trace.field, strict=False)
    return tuple([period // gain if gain else window[2] for (period, gain), window in windows])


def evaluate_shape(shape: Shape, sizes: tuple[int, ...]) -> tuple[int, ...]:
    padded_sizes = sizes + (1,) * len(shape.sizes)  # a vector may be read as a map of more axes, all fixed
    return (shape.channels, *(evaluate(f, n) for f, n in zip(shape.sizes, padded_sizes, strict=False)))


def merge_axes(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where all axes have the same."""
    return values[0] if len(set(values)) == 1 else values
