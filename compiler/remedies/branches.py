"""Which operation to blame where two branches differ in size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from resnetc.compiler.diagnostics.diagnostic import Fault, Label
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Condition, ExpandedBlock, Leaf, Module, Sequence, Step
from resnetc.compiler.ir.paths import show_path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.remedies.call_text import is_complete, shorten, write_canonical_call
from resnetc.compiler.shapes import rules
from resnetc.compiler.sizes import Affine, SizeFn, identity, is_constant, step
from resnetc.compiler.source import Span

ROWS = {1: ("position",), 2: ("row", "column"), 3: ("frame", "row", "column")}

Geometry = tuple[int, int]
"""Stride and delta of `ceil((n + delta) / stride)`."""


@record
class Operation:
    """One operation of a branch: what it does to the size of each axis, None where that is no stride and delta."""

    text: str
    span: Span
    step: Step
    leaf: Leaf | None
    geometry: tuple[Geometry | None, ...]

    def get_size_map(self, axis: int) -> Geometry | None:
        """What it does to the size of one axis."""
        return self.geometry[axis] if axis < len(self.geometry) else None

    def describe_effect(self, axis: int) -> str:
        """The same in words, besides a plain stride."""
        stride, delta = self.get_size_map(axis) or (1, 0)
        row = ROWS[len(self.geometry)][axis]
        if stride == 2 and delta == -1:
            return f"loses the last {row} of an odd map"
        if stride > 1 and delta == 1 - stride:
            return f"loses the {row}s beyond a multiple of {stride}"
        count = f"{abs(delta)} {row}{'s' if abs(delta) > 1 else ''}"
        return f"removes {count} from its map" if delta < 0 else f"adds {count} to its map"


@record
class Branch:
    """One side of an addition: from the value that both sides come from to the one that is added."""

    name: str
    start: Shape
    end: Shape
    operations: tuple[Operation, ...]

    def compute_stride(self, axis: int) -> int | None:
        """The stride of the whole branch."""
        maps = [o.get_size_map(axis) for o in self.operations]
        return prod(g[0] for g in maps if g) if all(maps) else None

    def list_contributions(self, axis: int) -> list[tuple[Operation, int]]:
        """The operations that add to D in `ceil((n + D) / c)` of the whole branch, with what they add."""
        contributions, before = [], 1
        for operation in self.operations:
            stride, delta = operation.get_size_map(axis) or (1, 0)
            if delta:
                contributions.append((operation, delta * before))
            before *= stride
        return contributions

    def compute_sizes(self) -> tuple[SizeFn, ...] | None:
        """The sizes at the end, computed from the operations."""
        sizes = self.start.sizes
        for operation in self.operations:
            if len(operation.geometry) != len(sizes) or None in operation.geometry:
                return None
            sizes = tuple(step(f, *does) for f, does in zip(sizes, operation.geometry, strict=True) if does)
        return sizes


# -- branches ---------------------------------------------------------------------------------------------------------


def find_diverging_branches(block: ExpandedBlock, left: int, right: int) -> tuple[Branch, Branch]:
    """The ways of two values, from their nearest common origin on."""
    origins = set(trace_back(block, left))
    shared = next(ref for ref in trace_back(block, right) if ref in origins)
    names = [name_value(block, ref) for ref in (left, right)]
    if names[0] == names[1]:  # elements of one list
        names = [name_value(block, ref, by_path=True) for ref in (left, right)]
    return make_branch(block, shared, left, names[0]), make_branch(block, shared, right, names[1])


def find_operands(block: ExpandedBlock, condition: Condition, number: int) -> tuple[int, int]:
    """The two values that a condition compares: the first input, and the first that has the other size."""
    first, *others = block.steps[number].inputs
    odd = (ref for ref in others if block.wires[ref].shape.sizes[condition.axis] == condition.other)
    return first, next(odd, others[0])


def trace_back(block: ExpandedBlock, ref: int) -> list[int]:
    """The values that one value was made of, backwards to `in`; through an addition or a gate along its map."""
    refs = [ref]
    while (number := block.wires[ref].step) is not None:
        inputs, sizes = block.steps[number].inputs, block.wires[ref].shape.sizes
        ref = next((r for r in inputs if block.wires[r].shape.sizes == sizes), inputs[0])
        refs.append(ref)
    return refs


def make_branch(block: ExpandedBlock, start: int, end: int, name: str) -> Branch:
    """The operations between two values of a block, in their order."""
    refs = trace_back(block, end)
    operations: list[Operation] = []
    for ref in reversed(refs[: refs.index(start)]):
        number = block.wires[ref].step
        assert number is not None  # only `in` has none, and it lies before the start
        step = block.steps[number]
        if not isinstance(step.operation, str):
            operations.extend(make_operation(step, module) for module in flatten_chains(step.operation))
    return Branch(name, block.wires[start].shape, block.wires[end].shape, tuple(operations))


def flatten_chains(module: Module) -> Iterator[Leaf | ExpandedBlock]:
    """The operations of a chain, nested chains opened; blocks stay closed."""
    pending = [module]
    while pending:
        module = pending.pop()
        if isinstance(module, Sequence):
            pending.extend(child for _, child in reversed(module.children))
        else:
            yield module


def name_value(block: ExpandedBlock, ref: int, by_path: bool = False) -> str:
    """How a value is called: by its name, or by the text or the path of the layer that makes it."""
    wire = block.wires[ref]
    if wire.step is None:
        return "in"
    step = block.steps[wire.step]
    return show_path(step.path) if by_path else wire.name or shorten(step.span.text)


def make_operation(step: Step, module: Leaf | ExpandedBlock) -> Operation:
    if isinstance(module, ExpandedBlock):
        sizes = zip(module.shape_in.sizes, module.shape_out.sizes, strict=False)
        return Operation(
            text=shorten(step.span.text),
            span=step.span,
            step=step,
            leaf=None,
            geometry=tuple(infer_geometry(f, g) for f, g in sizes),
        )
    text = module.span.text if is_complete(module) else write_canonical_call(module)
    return Operation(text=shorten(text), span=module.span, step=step, leaf=module, geometry=compute_geometry(module))


def compute_geometry(leaf: Leaf) -> tuple[Geometry | None, ...]:
    """Stride and delta on each axis, read off what the shape rule makes of a size that is the input's own."""
    if leaf.external is not None:
        return tuple(infer_geometry(identity(), size) for size in leaf.external.sizes)
    free = tuple(Shape(s.channels, (identity(),) * s.rank) for s in leaf.inputs)
    try:
        (shape, *_) = rules.infer_shapes(leaf.primitive, leaf.by_name, free, leaf.span, [])
    except Fault:  # it takes constant sizes only
        return (None,) * leaf.shape_in.rank
    return tuple(infer_geometry(identity(), size) for size in shape.sizes)


def infer_geometry(before: SizeFn, after: SizeFn) -> Geometry | None:
    """The stride and delta that lead from one size to another, if that is what they differ by."""
    if before == after:
        return 1, 0
    if not (isinstance(before, Affine) and isinstance(after, Affine) and before.u == after.u == 1):
        return None
    (stride, rest), (delta, odd) = divmod(after.c, before.c), divmod(after.D - before.D, before.c)
    return None if rest or odd else (stride, delta)


def find_most_changing(sides: tuple[Branch, Branch], axis: int) -> Operation | None:
    """The operation that changes a size most, besides its stride."""
    contributions = [pair for side in sides for pair in side.list_contributions(axis)]
    return max(contributions, key=lambda pair: abs(pair[1]), default=(None, 0))[0]


# -- strides ----------------------------------------------------------------------------------------------------------


def label_strides(sides: tuple[Branch, Branch], axis: int) -> tuple[Label, ...]:
    """Every strided operation of a side that strides more than the other, and where a side without any should have one.

    A side whose size no longer follows that of the input, as behind a global pool, has no stride: from there on.
    """
    strides = [
        [(o, does[0]) for o in side.operations if (does := o.get_size_map(axis)) and does[0] > 1] for side in sides
    ]
    labels = []
    for side, mine, other in zip(sides, strides, reversed(strides), strict=True):
        if side.end.rank > axis and is_constant(side.end.sizes[axis]) and not is_constant(side.start.sizes[axis]):
            fixed = next((o for o in side.operations if o.get_size_map(axis) is None), None)
            labels += [Label(fixed.span, f"`{side.name}` has a fixed size from here")] if fixed else []
            continue
        if Counter(stride for _, stride in mine) - Counter(stride for _, stride in other):
            total = 1
            for operation, stride in mine:
                total *= stride
                labels.append(Label(operation.span, f"`{side.name}` has stride {total} from here"))
        calls = [o.step for o in side.operations if parse_arguments(o.step.span.text)]
        if not mine and calls:
            dilated = (step for step in calls if "dilation" in dict(parse_arguments(step.span.text)))
            labels.append(Label(next(dilated, calls[-1]).span, f"`{side.name}` has stride 1"))
    return tuple(labels)


# -- conditions behind an input ---------------------------------------------------------------------------------------
