"""The stages of a model: which blocks each stage has, and the position of every block."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import (
    Absent,
    Arguments,
    ChainLayer,
    DefinedLayer,
    Here,
    LabelLayer,
    Layer,
    SlotLayer,
    Value,
)
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.limits import MAX_BLOCKS, too_many_blocks
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


@record
class BlockGroup:
    """Blocks of a stage: their text, the values of its `each` if it has one, and how many there are."""

    repeat: syntax.Repeat
    elements: tuple[Value, ...] | None
    count: int


class Stages:
    """The blocks of all stages: counted before the first is expanded, and limited."""

    def __init__(self, evaluator: Evaluator, model: syntax.Model, frame: Frame) -> None:
        self.evaluator = evaluator
        self.stages: list[tuple[syntax.Stage, list[BlockGroup]]] = []
        total = 0
        for stage in model.stages:
            groups: list[BlockGroup] = []
            for repeat in stage.groups:
                if repeat.count is not None:
                    count = evaluator.integer(repeat.count, frame)
                    if count < 0 or (count == 0 and len(stage.groups) == 1):
                        raise Fault(no_blocks(repeat.count.span, count))
                    groups.append(BlockGroup(repeat, None, count))
                else:
                    assert repeat.values is not None
                    elements = evaluator.evaluate(repeat.values, frame)
                    if not isinstance(elements, tuple) or not elements:
                        raise Fault(errors.not_a_list(elements, repeat.values.span))
                    groups.append(BlockGroup(repeat, elements, len(elements)))
                total += groups[-1].count
                if total > MAX_BLOCKS:
                    raise Fault(too_many_blocks(repeat.span, total, "blocks"))
            self.stages.append((stage, groups))
        self.total, self.position = total, 0

    def iterate_blocks(self, groups: list[BlockGroup], frame: Frame) -> Iterator[Layer]:
        """The blocks of a stage one after the other, each with its place in `frame.here`."""
        count = sum(group.count for group in groups)
        for index, layer in enumerate(self.iterate_layers(groups, frame)):
            frame.here = Here(index, count, self.position, self.total)
            yield layer
            self.position += 1

    def iterate_layers(self, groups: list[BlockGroup], frame: Frame) -> Iterator[Layer]:
        for group in groups:
            repeat = group.repeat
            if group.elements is None:
                layer = self.evaluate_layer(repeat.block, frame)
                for _ in range(group.count):
                    yield layer
                continue
            assert repeat.name is not None
            for element in group.elements:
                frame.locals[repeat.name.id] = element
                yield self.evaluate_layer(repeat.block, frame)
            del frame.locals[repeat.name.id]

    def evaluate_layer(self, expr: syntax.Expr, frame: Frame) -> Layer:
        frame.here = None
        layer = self.evaluator.layer(expr, frame)
        if isinstance(layer, Absent):
            raise Fault(application_errors.absent_value(expr.span, "the block of this stage"))
        if isinstance(layer, LabelLayer):
            raise Fault(application_errors.labelled_stage_block(layer.span))
        return layer


def drop_first_values(layer: Layer) -> Layer:
    """A stage's block after the first: its `first` parameters have their defaults, in each step of a chain."""
    match layer:
        case ChainLayer(steps):
            return ChainLayer(tuple(drop_first_values(step) for step in steps), layer.span)
        case LabelLayer(path, inner):
            return LabelLayer(path, drop_first_values(inner), layer.span)
        case DefinedLayer(item, spec, arguments, bindings, span):
            return DefinedLayer(
                item=item,
                spec=spec,
                arguments=drop_first_arguments(item.parameters, arguments),
                bindings=bindings,
                span=span,
            )
        case SlotLayer(slot, arguments, span):
            return SlotLayer(slot, drop_first_arguments(slot.parameters, arguments), span)
    return layer


def drop_first_arguments(parameters: tuple[syntax.Parameter, ...], arguments: Arguments) -> Arguments:
    first = {p.name.id for p in parameters if p.first}
    return tuple([(name, value) for name, value in arguments if name not in first])


def no_blocks(span: Span, count: int) -> Diagnostic:
    return Diagnostic(
        "E0318",
        f"a stage must have at least one block, not {count}",
        Label(span, f"this is {count}"),
        helps=("remove the stage, or give it a positive number of blocks",),
    )
