"""The facts about a network that claims can mention: figures, shapes, accepted sizes, at open or given sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from resnetc.compiler.evaluation.values import Record, Value, normal_size
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf, Network, Step
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.measures import costs
from resnetc.compiler.proof.accepted_sizes import Accepted, intersect_with_declared
from resnetc.compiler.proof.size_conflict import SizeConflict
from resnetc.compiler.sizes import SizeFn, SizeSet, identity
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.values import SymInt, apply_size_function, compute

if TYPE_CHECKING:
    from resnetc.compiler.measures.costs import Cost
    from resnetc.compiler.measures.summary import Measures
    from resnetc.compiler.measures.uncounted import Uncounted

PRECISIONS = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
"""Bytes of a number."""

COSTS = ("multiply_adds", "activation_bytes")
FIGURES = frozenset((*COSTS, "parameters", "buffers", "weighted_layers", "receptive_field"))
QUESTIONS = ("accepts", "refuses")

CostOf = Callable[[Sequence[Value], Span], Value]


@record
class Facts:
    """A network as claims see it."""

    name: str  # as messages call it
    symbols: tuple[str | None, ...]
    declared: tuple[int, ...]
    inputs: tuple[Value, ...]  # the sizes of the input that all else is told for: open, or numbers
    fields: Mapping[str, Value]
    uncounted: Uncounted  # what its figures leave out
    global_because: tuple[
        Step | Leaf, ...
    ]  # why the receptive field is the whole input, if it is: then there is no number
    stages: dict[Path, Record]
    multiply_adds: CostOf
    activation_bytes: Callable[[Sequence[Value], int, str, Span], Value]
    accepted: tuple[SizeSet, ...]  # accepted
    promised: tuple[SizeSet, ...]  # of these, the ones that the input allows
    find_refusal: Callable[[int, int], SizeConflict | None]  # why a size of an axis is refused
    notes: tuple[str, ...]  # a note that names the network, where it is one of several
    has_other_axes: bool  # its input has other axes than that of the model that claims

    def is_stage_prefix(self, name: str) -> bool:
        return any(path[0] == name for path in self.stages)


def list_open_sizes(network: Network) -> tuple[Value, ...]:
    """The sizes of a network's input: open ones by their symbols, fixed ones by their numbers."""
    pairs = zip(network.input.symbols, network.input.sizes, strict=True)
    return tuple(SymInt(axis, s, identity()) if s else n for axis, (s, n) in enumerate(pairs))


def collect_facts(
    name: str,
    network: Network,
    accepted: Accepted,
    measures: Measures,
    inputs: Sequence[Value],
    has_other_axes: bool = False,
) -> Facts:
    """What is known of a network where its input has these sizes."""
    inputs = tuple(inputs)
    root, strides = network.root, {part.name: part.stride for part in measures.stages}

    def make_record(of: str, shape: Shape, more: dict[str, Value]) -> Record:
        all_sizes = (*inputs, *(1 for _ in shape.sizes))  # a vector may be read as a map of more axes, all fixed
        sizes = (apply_size_function(fn, size) for fn, size in zip(shape.sizes, all_sizes, strict=False))
        return Record(f"`{of}`", {"shape": (shape.channels, *sizes), "channels": shape.channels, **more})

    fields: dict[str, Value] = {
        "parameters": measures.parameters,
        "buffers": measures.buffers,
        "weighted_layers": measures.weighted_layers,
        "receptive_field": normal_size(measures.receptive_field),
        "output": make_record("output", root.shape_out, {}),
    }
    stages = {
        stage.path: make_record(
            stage.name,
            root.wires[root.steps[stage.step].outputs[0]].shape,
            {"stride": strides[stage.name], "blocks": stage.blocks},
        )
        for stage in network.stages
    }
    costs_by_item: dict[int, Cost] = {}

    def compute_activation_bytes(sizes: Sequence[Value], batch: int, precision: str, span: Span) -> Value:
        item = PRECISIONS[precision]
        if item not in costs_by_item:
            costs_by_item[item] = costs.count_activation_bytes(network, item).total
        return compute("*", batch, evaluate_cost(costs_by_item[item], sizes, span), span)

    def find_refusal(axis: int, size: int) -> SizeConflict | None:
        refusing = (r for r in accepted.reasons if r.axis == axis and size not in r.after)
        return next((SizeConflict(network, accepted, reason) for reason in refusing), None)

    return Facts(
        name=name,
        symbols=network.input.symbols,
        declared=network.input.sizes,
        inputs=inputs,
        fields=fields,
        uncounted=measures.uncounted,
        global_because=measures.global_because,
        stages=stages,
        multiply_adds=lambda sizes, span: evaluate_cost(measures.cost, sizes, span),
        activation_bytes=compute_activation_bytes,
        accepted=accepted.axes,
        promised=tuple(intersect_with_declared(network, accepted, axis) for axis in range(len(accepted.axes))),
        find_refusal=find_refusal,
        notes=(f"in the network `{network.name}`",) if network.name != network.model else (),
        has_other_axes=has_other_axes,
    )


def evaluate_cost(cost: Cost, sizes: Sequence[Value], span: Span) -> Value:
    """A cost where the input has these sizes."""
    total: Value = 0
    for key, coefficient in cost.items():
        total = compute("+", total, evaluate_term(key, coefficient, sizes, span), span)
    return total


def evaluate_term(key: Sequence[SizeFn], coefficient: int, sizes: Sequence[Value], span: Span) -> Value:
    product: Value = coefficient
    for fn, size in zip(key, cycle(sizes), strict=False):
        product = compute("*", product, apply_size_function(fn, size), span)
    return product
