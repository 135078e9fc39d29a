"""Costs as polynomials of the input's sizes: multiply-adds, and the bytes that autograd keeps while training.

A polynomial is `{(fn_H, fn_W): coefficient}`, with one size function for each axis of the input; the key of the
constant is `()`. A product of several sizes of one axis (an `extern` may cost that) has a row of functions for each:
`{(fn_H, fn_W, fn_H, fn_W): coefficient}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from math import prod

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Join, Leaf, Module, Network, Sequence
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import SizeFn, compose, evaluate, is_constant, step

Cost = Mapping[tuple[SizeFn, ...], int]
FLOAT, LONG = 4, 8


def count_elements(shape: Shape, each: int = 1) -> Cost:
    """The elements of a map or vector, `each` counted so often."""
    if all(is_constant(f) for f in shape.sizes):
        return {(): each * shape.channels * prod(evaluate(f, 1) for f in shape.sizes)}
    return {shape.sizes: each * shape.channels}


def evaluate_cost(cost: Cost, sizes: tuple[int, ...]) -> int:
    """The value of a polynomial at the sizes of an input."""
    return sum(n * prod(evaluate(f, s) for f, s in zip(key, cycle(sizes), strict=False)) for key, n in cost.items())


class CostSum:
    """A sum of polynomials; equal objects are counted, so that a thousand equal blocks cost as much as one."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[Cost, int]] = {}

    def add(self, cost: Cost, times: int = 1) -> None:
        if cost:
            row = self.rows.get(id(cost))
            self.rows[id(cost)] = (cost, times if row is None else row[1] + times)

    def to_cost(self) -> Cost:
        out: dict[tuple[SizeFn, ...], int] = {}
        for cost, times in self.rows.values():
            for key, n in cost.items():
                out[key] = out.get(key, 0) + n * times
        return out


def count_multiply_adds(leaf: Leaf) -> Cost:
    """The multiply-adds of a convolution or a linear layer with parameters.

    Padded positions count; a bias and a normalisation do not.
    """
    if leaf.external is not None:
        return compose_cost(leaf.external.multiply_adds or {}, leaf.shape_in)
    if leaf.primitive.state == "linear":
        return count_elements(leaf.shape_out, leaf.shape_in.channels)
    if leaf.primitive.state != "conv":
        return {}
    window = prod(get_size_on_axis(leaf.get_argument("kernel"), i) for i in range(leaf.shape_in.rank))
    return count_elements(leaf.shape_out, leaf.shape_in.channels // leaf.get_integer("groups") * window)


def compose_cost(cost: Cost, shape: Shape) -> Cost:
    """A polynomial of the sizes of a map as one of those of the network's input."""
    out: dict[tuple[SizeFn, ...], int] = {}
    for key, number in cost.items():
        row = tuple(compose(fn, size) for fn, size in zip(key, cycle(shape.sizes), strict=False))
        if all(is_constant(fn) for fn in row):
            number *= prod(evaluate(fn, 1) for fn in row)
            row = ()
        out[row] = out.get(row, 0) + number
    return out


def count_filter_multiply_adds(leaf: Leaf) -> Cost:
    """The multiply-adds of fixed filters, which run as convolutions and have no parameters."""
    if leaf.primitive.state != "filter":
        return {}
    return count_elements(leaf.shape_out, leaf.get_integer("kernel") ** leaf.shape_in.rank)


# -- what autograd keeps ----------------------------------------------------------------------------------------------

Operation = Module | Join
Program = Iterator[tuple[Operation, tuple[int, ...], tuple[int, ...]]]


def list_steps(module: Sequence | ExpandedBlock) -> tuple[Program, int]:
    """A scope as steps `(operation, inputs, outputs)` on numbered values (0 is the input), and the value it returns."""
    if isinstance(module, ExpandedBlock):
        return ((s.operation, s.inputs, s.outputs) for s in module.steps), module.output
    steps: Program = ((child, (i,), (i + 1,)) for i, (_, child) in enumerate(module.children))
    return steps, len(module.children)


@record
class SavedTensors:
    """What a module keeps for its backward pass, by the memory that its values live in.

    A view lives in the memory of what it was made from, and memory that several operations keep counts once. So the
    memories of inputs and outputs are left to whoever uses the module, who knows what else keeps them.
    """

    inside: Cost  # bytes of kept memory that is neither an input's nor an output's
    inputs: tuple[bool, ...]  # whether an input is kept
    outputs: tuple[int, ...]  # the input that an output is a view of, or -1: the memory that the module makes
    own_memory: Cost  # bytes of that memory
    keeps_output: bool  # whether the module itself keeps it
    requires_grad: bool  # whether gradients flow to the outputs
    is_strided_view: bool = False  # of a part of a map: with gaps between what is of one image and of the next

    @property
    def own(self) -> Cost:
        out = CostSum()
        out.add(self.inside)
        out.add(self.own_memory if self.keeps_output else {})
        return out.to_cost()


class SavedTensorAnalysis:
    """Finds what modules keep, each distinct one once. Blocks of `stages` are checkpointed: they keep their input.

    `element_size` is the size of a number in bytes; positions are always kept as long integers.
    """

    def __init__(self, stages: Iterable[Module] = (), element_size: int = FLOAT) -> None:
        self.element_size = element_size
        self.results: dict[tuple[int, tuple[bool, ...], bool], SavedTensors] = {}
        self.stages = {id(stage) for stage in stages}
        self.blocks: dict[int, SavedTensors] = {}

    def analyze_module(
        self, module: Module, requires_grad: tuple[bool, ...], is_strided_view: bool = False
    ) -> SavedTensors:
        """What it keeps, given which inputs gradients flow to, and whether the first is a part of a map."""
        key = (id(module), requires_grad, is_strided_view)
        if key not in self.results:
            if isinstance(module, Leaf):
                self.results[key] = analyze_leaf(module, requires_grad, is_strided_view, self.element_size)
            else:
                self.results[key] = self.analyze_scope(module, requires_grad, is_strided_view)
        return self.results[key]

    def analyze_scope(
        self, module: Sequence | ExpandedBlock, requires_grad: tuple[bool, ...], is_strided_view: bool
    ) -> SavedTensors:
        """What a block or a sequence keeps, from what its steps keep and which memory they share."""
        # Two things are followed along the steps: whether gradients reach a value, which decides what an operation
        # keeps, and in whose memory it lies. Memory 0 is that of the scope's input; each operation that is no view
        # opens another, and a view lies in that of its input. What keeps a value marks its memory, however often, so
        # that a map which a ReLU and the next convolution keep counts once. At the end the marked ones are added up,
        # without the first and the last: of these only who uses the scope knows whether something else keeps them.
        checkpointed = id(module) in self.stages
        place, flows = {0: 0}, {0: requires_grad[0]}  # the memory of each value; whether gradients reach it
        parts = {0: is_strided_view}  # whether a value is a part of a map
        sizes: list[Cost] = [{}]
        saved = [False]
        inside = CostSum()
        steps, output = list_steps(module)
        for operation, inputs, outputs in steps:
            reached = tuple(flows[i] for i in inputs)
            if isinstance(operation, str):
                assert isinstance(module, ExpandedBlock)  # a sequence has modules only
                tensors = analyze_join(operation, reached, module.wires[outputs[0]].shape, self.element_size)
            else:
                tensors = (
                    self.analyze_checkpoint(operation)
                    if checkpointed
                    else self.analyze_module(operation, reached, parts[inputs[0]])
                )
            inside.add(tensors.inside)
            for i, is_kept in zip(inputs, tensors.inputs, strict=True):
                saved[place[i]] |= is_kept
            if -1 in tensors.outputs:
                sizes.append(tensors.own_memory)
                saved.append(tensors.keeps_output)
            for ref, source in zip(outputs, tensors.outputs, strict=False):
                place[ref] = len(sizes) - 1 if source < 0 else place[inputs[source]]
                flows[ref], parts[ref] = tensors.requires_grad, tensors.is_strided_view
        last = place[output]
        for i in range(1, len(sizes)):
            if saved[i] and i != last:
                inside.add(sizes[i])
        is_kept = saved[last] and last > 0
        outputs = (-1 if last else 0,)
        return SavedTensors(
            inside=inside.to_cost(),
            inputs=(saved[0],),
            outputs=outputs,
            own_memory=sizes[last],
            keeps_output=is_kept,
            requires_grad=flows[output],
            is_strided_view=parts[output],
        )

    def analyze_checkpoint(self, block: Module) -> SavedTensors:
        if id(block) not in self.blocks:
            output_size = count_elements(block.outputs[0], self.element_size)
            self.blocks[id(block)] = SavedTensors(
                inside={}, inputs=(True,), outputs=(-1,), own_memory=output_size, keeps_output=False, requires_grad=True
            )
        return self.blocks[id(block)]


def analyze_join(operation: str, requires_grad: tuple[bool, ...], shape: Shape, element_size: int) -> SavedTensors:
    """A sum or a difference keeps nothing, a product each factor that the gradient of the other needs."""
    inputs = (requires_grad[1], requires_grad[0]) if operation == "*" else (False, False)
    return SavedTensors(
        inside={},
        inputs=inputs,
        outputs=(-1,),
        own_memory=count_elements(shape, element_size),
        keeps_output=False,
        requires_grad=any(requires_grad),
    )


def analyze_leaf(leaf: Leaf, requires_grad: tuple[bool, ...], is_strided_view: bool, element_size: int) -> SavedTensors:
    """What a primitive keeps, by the table's `saves`. Vectors that do not grow with the batch are left out.

    A group norm reads a map without gaps: of a part of a map it makes a copy, and keeps that instead.
    """
    primitive = leaf.primitive
    saves, more, is_first = primitive.saves, primitive.saves_more, False
    if primitive.saves_first is not None and not any(requires_grad):
        saves, more, is_first = primitive.saves_first, primitive.saves_more_first, True
    flows = any(requires_grad) or leaf.has_parameters
    if is_view(leaf):
        part = is_strided_view or len(leaf.outputs) > 1
        return SavedTensors(
            inside={},
            inputs=(False,) * len(requires_grad),
            outputs=(0,) * len(leaf.outputs),
            own_memory={},
            keeps_output=False,
            requires_grad=flows,
            is_strided_view=part,
        )
    outputs_size = count_elements(leaf.shape_out, element_size * len(leaf.outputs))
    outputs = (-1,) * len(leaf.outputs)
    if not flows:
        return SavedTensors(
            inside={},
            inputs=(False,) * len(requires_grad),
            outputs=outputs,
            own_memory=outputs_size,
            keeps_output=False,
            requires_grad=False,
        )
    inside = CostSum()
    inside.add(count_statistics(leaf, element_size) if saves or not is_first else {})
    inside.add(outputs_size, more)
    if saves == "indices":
        inside.add(count_elements(leaf.shape_out, LONG))
    elif saves == "mask":
        inside.add(count_elements(leaf.shape_out, element_size))
    elif saves == "padded":
        inside.add(count_elements(pad_shape(leaf), element_size))
    inputs = (saves in ("input", "input and output", "indices", "padded"),) * len(requires_grad)
    if is_strided_view and leaf.primitive.name in ("group_norm", "instance_norm"):
        inside.add(outputs_size)
        inputs = (False,)
    return SavedTensors(
        inside=inside.to_cost(),
        inputs=inputs,
        outputs=outputs,
        own_memory=outputs_size,
        keeps_output=saves in ("output", "input and output"),
        requires_grad=True,
    )


def is_view(leaf: Leaf) -> bool:
    """Whether the outputs lie in the memory of the input."""
    match leaf.primitive.name:
        case "identity" | "split" | "reshape" | "flatten":
            return True
        case "dropout" | "drop_path":
            return bool(leaf.get_argument("rate") == 0)
        case "regroup":
            return 1 in (leaf.get_argument("groups"), leaf.get_argument("parts"))
        case "sum" | "concat":
            return len(leaf.inputs) == 1
    return False


def count_statistics(leaf: Leaf, element_size: int) -> Cost:
    """Numbers beside the maps: means and deviations of groups or positions, the draw of a dropped path."""
    channels = leaf.shape_in.channels
    match leaf.primitive.name:
        case "group_norm":
            return {(): element_size * 2 * leaf.get_integer("groups")}
        case "instance_norm":
            return {(): element_size * 2 * channels}
        case "evo_norm_s0":
            return {(): element_size * leaf.get_integer("groups")}
        case "response_norm":
            return {(): element_size * channels}
        case "layer_norm":
            return count_elements(
                Shape(1, leaf.shape_in.sizes), 2 * max(element_size, FLOAT)
            )  # never in half precision
        case "rms_norm":
            return count_elements(Shape(1, leaf.shape_in.sizes), element_size)
        case "global_response_norm":
            return {(): element_size * (2 * channels + 1)}
        case "drop_path":
            return {(): element_size}
    return {}


def pad_shape(leaf: Leaf) -> Shape:
    """The input of a blur between its reflected borders."""
    kernel, stride = leaf.get_integer("kernel"), leaf.get_argument("stride")
    border = [(get_size_on_axis(stride, i) + kernel - 2) // 2 for i in range(leaf.shape_in.rank)]
    sizes = tuple(step(f, 1, 2 * q) for f, q in zip(leaf.shape_in.sizes, border, strict=True))
    return Shape(leaf.shape_in.channels, sizes)


@record
class ActivationCosts:
    """The bytes that autograd keeps of one image while training."""

    total: Cost
    checkpointed: Cost  # with the blocks of all stages checkpointed: what is kept outside of them, and their inputs
    blocks: tuple[Cost, ...]  # what each distinct block of a stage keeps inside


def count_activation_bytes(network: Network, element_size: int = FLOAT) -> ActivationCosts:
    """What autograd keeps of one image while training, where a number has `element_size` bytes."""
    stages = [m for m in (network.root.steps[s.step].operation for s in network.stages) if isinstance(m, Sequence)]
    memory = SavedTensorAnalysis(element_size=element_size)
    total = count_saved_bytes(memory, network.root)
    blocks = {id(child): child for stage in stages for _, child in stage.children}
    inside = {frozenset(own.items()): own for own in (memory.analyze_module(b, (True,)).own for b in blocks.values())}
    checkpointed = count_saved_bytes(SavedTensorAnalysis(stages, element_size), network.root)
    return ActivationCosts(total, checkpointed, tuple(inside.values()))


def count_saved_bytes(memory: SavedTensorAnalysis, root: ExpandedBlock) -> Cost:
    """All that a network keeps; nobody wants the gradient of its input."""
    saved = memory.analyze_module(root, (False,))
    out = CostSum()
    out.add(saved.own)
    out.add(count_elements(root.shape_in, memory.element_size) if saved.inputs[0] else {})
    return out.to_cost()
