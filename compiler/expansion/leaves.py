"""Applies primitives to tensors: the leaves of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import Absent, PrimitiveLayer, Tensor, Value
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.dataflow_builder import MAX_STEPS
from resnetc.compiler.expansion.limits import MAX_NODES, too_many_blocks
from resnetc.compiler.ir.network import External, Leaf
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes import rules
from resnetc.compiler.shapes.arguments import complete_arguments, integer
from resnetc.compiler.source import Span

if TYPE_CHECKING:
    from resnetc.compiler.ir.paths import Arguments

LIST_RULES = {"concat", "sum", "list_same"}


class Leaves:
    """Makes the operations of one network, and counts them."""

    def __init__(self) -> None:
        self.nodes = 0
        self.externs: list[External] = []  # of the user's own, as they are applied

    def leaf(self, layer: PrimitiveLayer, inputs: tuple[Shape, ...], frame: Frame) -> Leaf:
        self.count(layer.span)
        args = complete_arguments(
            layer.primitive, dict(layer.arguments), inputs[0].rank, layer.span, frame.locals, inputs[0].channels
        )
        if layer.primitive.rule == "split" and count_parts(args) > MAX_STEPS:
            raise Fault(application_errors.too_many_steps(layer.span, MAX_STEPS))
        constraints = frame.scope.constraints if frame.scope is not None else []
        outputs = rules.infer_shapes(layer.primitive, args, inputs, layer.span, constraints)
        constants = cast("Arguments", tuple(args.items()))  # the table has no parameter for another value
        return Leaf(
            primitive=layer.primitive, arguments=constants, inputs=inputs, outputs=tuple(outputs), span=layer.span
        )

    def count(self, span: Span) -> None:
        """One operation more, or one chain of them."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Fault(too_many_blocks(span, self.nodes, "distinct operations"))


def count_parts(arguments: Mapping[str, Value]) -> int:
    """In how many parts `split` cuts the channels."""
    parts = arguments["parts"]
    return len(parts) if isinstance(parts, tuple) else integer(arguments, "parts")


def tensors_for(layer: PrimitiveLayer, value: Value, span: Span) -> list[Tensor]:
    """The inputs of a primitive: one tensor, or for those that take one, a list (of lists)."""
    takes_list = layer.primitive.rule in LIST_RULES
    if isinstance(value, tuple):
        if not takes_list:
            raise Fault(application_errors.list_applied(layer.primitive.name, span))
        flat: list[Tensor] = []
        for item in value:
            flat.extend(tensors_for(layer, item, span) if isinstance(item, tuple) else [require_tensor(item, span)])
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
