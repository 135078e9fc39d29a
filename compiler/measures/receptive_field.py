"""Traces from the input to each value: the most weighted layers on a path, and the window of the input that it sees."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, External, Leaf, Module, Sequence, Step
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import Affine, constant, is_constant, slope

Window = tuple[int, int, int]  # from, to, step: output t sees the inputs t * step + from .. t * step + to


@record(eq=True)
class Trace:
    """The way to a value: weighted layers on the longest path; what a position sees, or saw before pooling.

    `global_because`: it sees the whole input, as behind a gate, or its branches have different strides; the steps that
    make it so, from the outermost to the one in which the branches meet.
    """

    depth: int
    field: tuple[Window, ...]
    global_because: tuple[Step | Leaf, ...] = ()
    is_pooled: bool = False

    def chain(self, other: Trace) -> Trace:
        """This way, and then that of a module."""
        start = make_initial_trace(len(other.field))
        if other is start:  # as an activation's or a norm's
            return self
        depth = self.depth + other.depth
        changes_field = other.field != start.field or other.global_because or other.is_pooled
        if self.is_pooled or not changes_field:
            return self if depth == self.depth else Trace(depth, self.field, self.global_because, self.is_pooled)
        pairs = zip(self.field, other.field, strict=True)
        field = tuple([(a + j * b, c + j * d, j * k) for (a, c, j), (b, d, k) in pairs])
        return Trace(depth, field, self.global_because or other.global_because, other.is_pooled)


@lru_cache(maxsize=16)
def make_initial_trace(rank: int) -> Trace:
    return Trace(0, ((0, 0, 1),) * rank)


def merge_traces(traces: list[Trace], counted: list[Trace], step: Step) -> Trace:
    """The ways to values that a step puts together; the layers of `counted` ones count."""
    depth = max(t.depth for t in counted or traces)
    global_because = next((t.global_because for t in traces if t.global_because), ())
    maps = [t for t in traces if not t.is_pooled]
    if not maps:
        equal = all(t.field == traces[0].field for t in traces)
        return Trace(depth, traces[0].field, global_because if equal else global_because or (step,), True)
    strides = {tuple(step for _, _, step in t.field) for t in maps}
    hull = tuple(
        (min(low for low, _, _ in windows), max(high for _, high, _ in windows), windows[0][2])
        for windows in zip(*(t.field for t in maps), strict=True)
    )
    has_mixed_strides = len(maps) < len(traces) or len(strides) > 1
    return Trace(depth, hull, global_because or (step,) if has_mixed_strides else global_because)


def is_broadcast(shape: Shape, out: Shape) -> bool:
    """Whether a factor is repeated to fit the product."""
    one = constant(1)
    pairs = zip(shape.sizes, out.sizes, strict=True)
    return shape.channels != out.channels or any(f == one and g != one for f, g in pairs)


def trace_leaf(leaf: Leaf) -> Trace:
    """A primitive on its own: its window on every axis."""
    arguments = leaf.by_name
    rank = leaf.shape_in.rank
    layers = int(leaf.primitive.state in ("conv", "linear"))

    def get_size(name: str, i: int) -> int:
        return get_size_on_axis(arguments[name], i)

    if leaf.external is not None:
        return trace_external(leaf, leaf.external)
    match leaf.primitive.rule:
        case "conv":
            reach = [get_size("dilation", i) * (get_size("kernel", i) - 1) for i in range(rank)]
            field = [
                (-get_size("padding", i), reach[i] - get_size("padding", i), get_size("stride", i)) for i in range(rank)
            ]
        case "pool":
            pads = [get_size("padding", i) for i in range(rank)]
            field = [(-pads[i], get_size("kernel", i) - 1 - pads[i], get_size("stride", i)) for i in range(rank)]
        case "blur":
            pads = [(get_size("stride", i) + get_size("kernel", i) - 2) // 2 for i in range(rank)]
            field = [(-pads[i], get_size("kernel", i) - 1 - pads[i], get_size("stride", i)) for i in range(rank)]
        case "constant_pad":
            field = [(-get_size("amount", i), -get_size("amount", i), 1) for i in range(rank)]
        case "space_to_depth":
            field = [(0, get_size("factor", i) - 1, get_size("factor", i)) for i in range(rank)]
        case "subsample":
            field = [(0, 0, get_size("stride", i)) for i in range(rank)]
        case "over_positions":
            return Trace(layers, make_initial_trace(rank).field, (leaf,))
        case rule:
            pooled = rule in ("global", "reshape", "flatten") or (rule == "linear" and not leaf.shape_out.rank)
            if not layers and not pooled:
                return make_initial_trace(rank)
            return Trace(layers, make_initial_trace(rank).field, is_pooled=pooled)
    return Trace(layers, tuple(field))


def trace_external(leaf: Leaf, external: External) -> Trace:
    """A class of the user's own: one layer, and the window that is claimed for it; without a claim, the whole input.

    What gives a vector, or a map of one size, pools.
    """
    field = make_initial_trace(leaf.shape_in.rank).field
    if leaf.shape_out.rank != leaf.shape_in.rank or all(is_constant(size) for size in external.sizes):
        return Trace(1, field, is_pooled=True)
    steps = [slope(size) for size in external.sizes]
    if external.window is None or any(step.numerator != 1 for step in steps):
        return Trace(1, field, (leaf,))
    rows = []
    for size, step, window in zip(external.sizes, steps, external.window, strict=True):
        wider = size.D if isinstance(size, Affine) else 0  # than its input, as padding makes it
        before = (wider + window - 1) // 2
        rows.append((-before, window - 1 - before, step.denominator))
    return Trace(1, tuple(rows))


class Tracer:
    """Finds the way through modules, each distinct one once."""

    def __init__(self) -> None:
        self.traces: dict[object, Trace] = {}  # of modules, which are told apart by identity; of equal leaves

    def trace_module(self, module: Module) -> Trace:
        """The way through a module."""
        key = module.interning_key or module if isinstance(module, Leaf) else module
        trace = self.traces.get(key)
        if trace is None:
            if isinstance(module, Leaf):
                trace = trace_leaf(module)
                key = module if trace.global_because else key  # which says what leaf it is
            elif isinstance(module, Sequence):
                trace = make_initial_trace(module.shape_in.rank)
                for _, child in module.children:
                    trace = trace.chain(self.trace_module(child))
            else:
                trace = self.trace_wires(module)[module.output]
            self.traces[key] = trace
        return trace

    def trace_wires(self, block: ExpandedBlock) -> list[Trace]:
        """The way to every value of a block."""
        out = [make_initial_trace(block.shape_in.rank)] * len(block.wires)
        for step in block.steps:
            traces = [out[i] for i in step.inputs]
            if isinstance(step.operation, str):
                trace = merge_traces(traces, traces, step)
                if step.operation == "*":
                    shape = block.wires[step.outputs[0]].shape
                    refs = [i for i in step.inputs if not is_broadcast(block.wires[i].shape, shape)]
                    trace = merge_traces(traces, [out[i] for i in refs], step)
            else:
                before = merge_traces(traces, traces, step) if len(traces) > 1 else traces[0]
                trace = before.chain(self.trace_module(step.operation))
                if trace.global_because and not before.global_because:
                    trace = replace(trace, global_because=(step, *trace.global_because))
            for ref in step.outputs:
                out[ref] = trace
        return out
