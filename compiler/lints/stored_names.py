"""Warnings about keys of the state dict that stand for different layers in the blocks of one stage."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.ir.network import ExpandedBlock, Step
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.lints.stages import blocks_of
from resnetc.compiler.remedies.call_text import is_shipped, shorten
from resnetc.compiler.source import Span

Place = tuple[str, int, int]


def find_shifted_names(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """Unlabelled steps that some blocks of a stage lack, so that later ones have other names there."""
    network = checked.network
    compared: set[frozenset[int]] = set()
    for stage in network.stages:
        operation = network.root.steps[stage.step].operation
        blocks = [] if isinstance(operation, str) else blocks_of(operation)
        pending = group_by_definition(blocks)
        while pending:
            group = pending.pop()
            key = frozenset(map(id, group))
            if key in compared:
                continue
            compared.add(key)
            pending += inner_groups(group)
            for path, optional, other in find_shifts(group):
                yield warn_of_shift(path, optional, other, stage.name)


def warn_of_shift(path: Path, optional: Step, other: Step, stage: str) -> Diagnostic:
    name = show_path(path)
    start = Span(optional.span.source, optional.span.start, optional.span.start)
    return Diagnostic(
        "W0610",
        f"`{name}` is one layer in some blocks of `{stage}`, and another one in the others",
        Label(optional.span, "only some blocks have this"),
        labels=() if is_shipped(other.span) else (Label(other.span, f"the others store this as `{name}`"),),
        helps=(f"label it, as in `extra_{name}: {shorten(optional.span.text)}`: then the others have one name each",),
        fix=(Edit(start, f"extra_{name}: "),),
    )


def group_by_definition(blocks: list[ExpandedBlock]) -> list[list[ExpandedBlock]]:
    """Distinct blocks, those of one definition together; a block that is alone has none to differ from."""
    groups: dict[int, dict[int, ExpandedBlock]] = {}
    for block in blocks:
        groups.setdefault(id(block.definition), {})[id(block)] = block
    return [list(group.values()) for group in groups.values() if len(group) > 1]


def inner_groups(group: list[ExpandedBlock]) -> list[list[ExpandedBlock]]:
    """The blocks that stand under one name in the blocks of a group."""
    inner: dict[Path, list[ExpandedBlock]] = {}
    for block in group:
        for step in block.steps:
            if isinstance(step.operation, ExpandedBlock):
                inner.setdefault(step.path, []).append(step.operation)
    return [one for blocks in inner.values() for one in group_by_definition(blocks)]


def find_shifts(group: list[ExpandedBlock]) -> Iterator[tuple[Path, Step, Step]]:
    """Names that are two layers, with the one that some blocks lack and the other."""
    first: dict[Path, tuple[Step, dict[Place, int]]] = {}
    for block in group:
        steps = [step for step in block.steps if step.base is not None and step.extent.keeps_state]
        counts: dict[Place, int] = {}
        for step in steps:
            counts[place_of(step)] = counts.get(place_of(step), 0) + 1
        for step in steps:
            other, others = first.setdefault(step.path, (step, counts))
            if place_of(other) == place_of(step):
                continue
            if others.get(place_of(step), 0) < counts[place_of(step)]:
                optional, second = step, other
            elif counts.get(place_of(other), 0) < others[place_of(other)]:
                optional, second = other, step
            else:
                continue  # both are in both, shifted by another step
            if not is_shipped(optional.span):
                yield step.path, optional, second


def place_of(step: Step) -> Place:
    return step.span.source.name, step.span.start, step.span.end
