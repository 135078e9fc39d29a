"""Warnings about the stages of a network."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.ir.network import ExpandedBlock, Module, Sequence
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.sizes import slope
from resnetc.compiler.source import Span


def find_repeated_strides(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """Stages in which a block after the first makes the map smaller: its stride was meant for the first block only."""
    network = checked.network
    for stage in network.stages:
        operation = network.root.steps[stage.step].operation
        blocks = [] if isinstance(operation, str) else list_blocks(operation)
        reducing = {id(block): reduces(block) for block in {id(block): block for block in blocks}.values()}
        smaller = [block for block in blocks if reducing[id(block)]]
        if len(smaller) < 2 or not reducing[id(blocks[0])]:
            continue
        definition = smaller[1].definition
        parameter = next((p for p in definition.parameters if p.name.id == "stride" and not p.first), None)
        labels: tuple[Label, ...] = ()
        fix: tuple[Edit, ...] = ()
        help = "give a stride to the first block only, or silence this with `// allow W0601: reason` on the line before"
        if parameter is not None:
            name = f"block `{definition.name.id}`"
            labels = (Label(parameter.span, "every block of a stage gets this, because it is not `first stride`"),)
            help = f"declare `first {parameter.span.text}` in {name}: then only the first block of a stage strides"
            if not is_shipped(parameter.span):
                fix = (Edit(Span(parameter.span.source, parameter.span.start, parameter.span.start), "first "),)
        yield Diagnostic(
            "W0601",
            f"{len(smaller)} of the {len(blocks)} blocks of `{stage.name}` make the map smaller",
            Label(stage.span, f"this stage makes the map {show_factor(blocks)} smaller"),
            labels=labels,
            helps=(help,),
            fix=fix,
        )


def list_blocks(operation: Module) -> list[ExpandedBlock]:
    """The blocks of a stage, one after the other."""
    children = [child for _, child in operation.children] if isinstance(operation, Sequence) else [operation]
    return [child for child in children if isinstance(child, ExpandedBlock)]


def reduces(block: ExpandedBlock) -> bool:
    """Whether a block makes a map smaller on some axis, and still leaves a map."""
    pairs = zip(block.shape_in.sizes, block.shape_out.sizes, strict=False)
    return any([before is not after and 0 < slope(after) < slope(before) for before, after in pairs])


def show_factor(blocks: list[ExpandedBlock]) -> str:
    """`8 times`: by how much the blocks of a stage make the map smaller, on the axis where that is most."""
    pairs = zip(blocks[0].shape_in.sizes, blocks[-1].shape_out.sizes, strict=False)
    return f"{max(slope(before) / slope(after) for before, after in pairs if slope(after))} times"
