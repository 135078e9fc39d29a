"""Applies primitives to tensors: the leaves of a network."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import cast

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import Absent, PrimitiveLayer, Tensor, Value
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.dataflow_builder import MAX_STEPS
from resnetc.compiler.expansion.limits import MAX_NODES, too_many_blocks
from resnetc.compiler.ir.network import Condition, External, Leaf
from resnetc.compiler.ir.paths import Arguments
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes import rules
from resnetc.compiler.shapes.arguments import complete_arguments, get_integer
from resnetc.compiler.source import Span

LIST_RULES = {"concat", "sum", "list_same"}
PASS_ON = {"same", "map", "groups", "over_positions", "sum", "list_same", "regroup"}
"""Rules by which an operation gives the very shapes that it gets, as many as it has outputs."""


class Operation:
    """What an operation is wherever it is applied with equal arguments to equal inputs; leaves say where."""

    __slots__ = ("arguments", "outputs", "conditions", "first")

    def __init__(self, arguments: Arguments, outputs: tuple[Shape, ...], conditions: tuple[Condition, ...]) -> None:
        self.arguments, self.outputs, self.conditions = arguments, outputs, conditions
        self.first: Leaf | None = None  # that is this operation


class EqualOperations:
    """The operations of all networks of a run, and the arguments of these with their defaults."""

    def __init__(self) -> None:
        self.operations: dict[Hashable, Operation] = {}
        """By primitive, arguments, inputs, and the place in the text, which what they demand refers to."""
        self.arguments: dict[Hashable, Arguments] = {}
        """By primitive, what is stated, and the number of axes."""


class Leaves:
    """Makes the operations of one network, and counts them."""

    def __init__(self, equal: EqualOperations | None = None) -> None:
        self.equal = EqualOperations() if equal is None else equal
        self.nodes = 0
        self.externs: list[External] = []  # of the user's own, as they are applied

    def build_leaf(self, layer: PrimitiveLayer, inputs: tuple[Shape, ...], frame: Frame) -> Leaf:
        self.count(layer.span)
        primitive = layer.primitive
        key = primitive, layer.arguments, inputs, layer.span
        operation = self.equal.operations.get(key)
        if operation is None:
            operation = self.equal.operations[key] = self.compute_operation(layer, inputs, frame)
        if frame.scope is not None:
            frame.scope.constraints.extend(operation.conditions)
        outputs = operation.outputs
        if primitive.rule in PASS_ON:  # the very shape: what is said of its channels is said of those of this input
            outputs = inputs[: len(outputs)]
        leaf = Leaf(
            primitive=primitive,
            arguments=operation.arguments,
            inputs=inputs,
            outputs=outputs,
            span=layer.span,
            interning_key=operation.first,
        )
        if operation.first is None:
            operation.first = leaf
        return leaf

    def count(self, span: Span) -> None:
        """One operation more, or one chain of them."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Fault(too_many_blocks(span, self.nodes, "distinct operations"))

    def compute_operation(self, layer: PrimitiveLayer, inputs: tuple[Shape, ...], frame: Frame) -> Operation:
        """The arguments of an operation with their defaults, what it gives and what it demands."""
        arguments = self.evaluate_arguments(layer, inputs[0], frame)
        by_name = dict(arguments)
        if layer.primitive.rule == "split" and count_parts(by_name) > MAX_STEPS:
            raise Fault(application_errors.too_many_steps(layer.span, MAX_STEPS))
        conditions: list[Condition] = []
        outputs = rules.infer_shapes(layer.primitive, by_name, inputs, layer.span, conditions)
        return Operation(arguments, tuple(outputs), tuple(conditions))

    def evaluate_arguments(self, layer: PrimitiveLayer, shape: Shape, frame: Frame) -> Arguments:
        primitive, rank = layer.primitive, shape.rank
        key = primitive, layer.arguments, rank, shape.channels if primitive.state == "parameter" else None
        arguments = self.equal.arguments.get(key)
        if arguments is None:
            stated = dict(layer.arguments)
            complete = complete_arguments(primitive, stated, rank, layer.span, frame.locals, shape.channels)
            # The table has no parameter for another value.
            arguments = self.equal.arguments[key] = cast("Arguments", tuple(complete.items()))
        return arguments


def count_parts(arguments: Mapping[str, Value]) -> int:
    """In how many parts `split` cuts the channels."""
    parts = arguments["parts"]
    return len(parts) if isinstance(parts, tuple) else get_integer(arguments, "parts")


def list_tensors(layer: PrimitiveLayer, value: Value, span: Span) -> list[Tensor]:
    """The inputs of a primitive: one tensor, or for those that take one, a list (of lists)."""
    takes_list = layer.primitive.rule in LIST_RULES
    if isinstance(value, tuple):
        if not takes_list:
            raise Fault(application_errors.list_applied(layer.primitive.name, span))
        flat: list[Tensor] = []
        for item in value:
            flat.extend(list_tensors(layer, item, span) if isinstance(item, tuple) else [require_tensor(item, span)])
        return flat
    if takes_list and not isinstance(value, tuple) and layer.primitive.rule != "concat":
        raise Fault(application_errors.list_needed(layer.primitive.name, span))
    return [require_tensor(value, span)]


def require_tensor(value: Value, span: Span) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Absent):
        raise Fault(application_errors.absent_value(span, "an element of the list"))
    if isinstance(value, tuple):
        raise Fault(application_errors.list_applied(span.text, span))
    raise Fault(application_errors.not_a_tensor(span, value, "the input of a layer"))
