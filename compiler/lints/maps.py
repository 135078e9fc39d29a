"""Warnings about maps that strides have made one position, at the declared size."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence, Step, list_leaves
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.remedies.call_text import shorten
from resnetc.compiler.shapes.arguments import list_sizes
from resnetc.compiler.sizes import evaluate
from resnetc.compiler.source import Span

POOLING = ("global", "flatten", "reshape")  # shape rules of what gives one position by design
MIN_WHOLE_WINDOW = 4  # a window of so many positions over a whole map is a global pool


def find_single_positions(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """A stage that convolves one position, or else a batch norm that takes its statistics from one."""
    network = checked.network
    positions = Positions(network)
    if not positions.may_matter():
        return
    stages = {stage.step: stage for stage in network.stages}
    wires, norms = positions.trace_parts()
    size = "x".join(map(str, network.input.sizes))
    for number, step in enumerate(network.root.steps):
        stage = stages.get(number)
        if stage is not None and wires[step.inputs[0]]:
            span = find_own_text(checked, stage.span)
            yield Diagnostic(
                "W0608",
                f"the input of stage `{stage.name}` has one position at {size}",
                Label(span, "nothing is left to convolve here" if span is stage.span else "too small for its strides"),
                labels=label_cause(network, wires, span),
                helps=("use fewer strides before this stage, or declare a larger input",),
            )
            return
    for number, step in enumerate(network.root.steps):
        if number in norms:
            stage = stages.get(number)
            span = find_own_text(checked, step.span)
            where = f"in stage `{stage.name}` " if stage is not None else ""
            yield Diagnostic(
                "W0609",
                f"a batch norm {where}gets one position at {size}: PyTorch refuses to train with one image",
                Label(span, "one value per channel and image" if span is step.span else "too small for its strides"),
                labels=label_norm(norms[number], span),
                helps=(
                    "use fewer strides or a larger input, or allow this and train with two or more images per batch",
                ),
            )
            return


def find_own_text(checked: CheckedNetwork, span: Span) -> Span:
    """A place in the file of the network; for one in the file of its model the declared input, if it is in its own."""
    declared = checked.network.input.span
    return declared if span.source is not checked.spec.source and declared.source is checked.spec.source else span


def label_cause(network: Network, wires: list[bool], span: Span) -> tuple[Label, ...]:
    """The first part of a model that gives one position."""
    part = next(step for step in network.root.steps if any(wires[wire] for wire in step.outputs))
    return () if part.span.source is not span.source else (Label(part.span, "its output has one position"),)


def label_norm(norm: Leaf, span: Span) -> tuple[Label, ...]:
    is_elsewhere = norm.span.source is not span.source or span.start <= norm.span.start < span.end
    return () if is_elsewhere else (Label(norm.span, f"`{shorten(norm.span.text)}` is a batch norm"),)


class Positions:
    """Which maps are one position at the declared size because of strides, not of a global pool."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._modules: dict[tuple[int, bool], tuple[bool, Leaf | None]] = {}

    def may_matter(self) -> bool:
        """Whether any stage or batch norm reads a map of one position, for whatever reason."""
        root = self.network.root
        stages = [root.wires[root.steps[stage.step].inputs[0]].shape for stage in self.network.stages]
        norms = [leaf.shape_in for leaf in list_leaves(root) if leaf.primitive.name == "batch_norm"]
        by_sizes = {shape.sizes: shape for shape in (*stages, *norms)}
        return any(map(self.is_single, by_sizes.values()))

    def trace_parts(self) -> tuple[list[bool], dict[int, Leaf]]:
        """Whether each wire of the model is such a map; and each batch norm that reads one, by its step."""
        root = self.network.root
        pooled, norms = self._trace_wires(root, self.is_single(root.shape_in))
        single = [self.is_single(wire.shape) and not by_pool for wire, by_pool in zip(root.wires, pooled, strict=True)]
        return single, norms

    def is_single(self, shape: Shape) -> bool:
        return all(size == 1 for size in self.list_sizes(shape))

    def list_sizes(self, shape: Shape) -> list[int]:
        """The sizes of a map; a reshaped one may have more axes than the input, all of fixed sizes."""
        declared = self.network.input.sizes + (1,) * shape.rank
        return [evaluate(size, n) for size, n in zip(shape.sizes, declared, strict=False)]

    def _trace_wires(self, block: ExpandedBlock, is_pooled: bool) -> tuple[list[bool], dict[int, Leaf]]:
        """Whether only pooled maps lead to each wire of a block, and the batch norms by their steps."""
        pooled = [is_pooled] * len(block.wires)
        norms: dict[int, Leaf] = {}
        for number, step in enumerate(block.steps):
            result, norm = self._trace_step(step, all(pooled[wire] for wire in step.inputs))
            for wire in step.outputs:
                pooled[wire] = result
            if norm is not None:
                norms[number] = norm
        return pooled, norms

    def _trace_step(self, step: Step, is_pooled: bool) -> tuple[bool, Leaf | None]:
        return (is_pooled, None) if isinstance(step.operation, str) else self._trace_module(step.operation, is_pooled)

    def _trace_module(self, module: Module, is_pooled: bool) -> tuple[bool, Leaf | None]:
        """Whether the output of a module is pooled, and a batch norm in it that reads one position that is not."""
        key = id(module), is_pooled
        if key not in self._modules:
            norm: Leaf | None = None
            result = is_pooled
            match module:
                case Leaf(primitive):
                    if primitive.name == "batch_norm" and not is_pooled and self.is_single(module.shape_in):
                        norm = module
                    result = is_pooled or self.pools(module)
                case Sequence(children):
                    for _, child in children:
                        result, inner = self._trace_module(child, result)
                        norm = norm or inner
                case ExpandedBlock():
                    wires, norms = self._trace_wires(module, is_pooled)
                    result, norm = wires[module.output], next(iter(norms.values()), None)
            self._modules[key] = result, norm
        return self._modules[key]

    def pools(self, leaf: Leaf) -> bool:
        """Whether an operation is meant to leave one position: a global pool, or a window over the whole map."""
        if leaf.primitive.rule not in ("conv", "pool") or self.is_single(leaf.shape_in):
            return leaf.primitive.rule in POOLING
        rank, before = leaf.shape_in.rank, self.list_sizes(leaf.shape_in)
        kernel, stride, padding = (
            list_sizes(leaf.get_argument(name), rank) for name in ("kernel", "stride", "padding")
        )
        is_whole = all(size == window for size, window in zip(before, kernel, strict=True)) and not any(padding)
        return is_whole and (max(kernel) >= MIN_WHOLE_WINDOW or max(stride) == 1)
