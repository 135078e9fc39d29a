"""Warnings about keys of the state dict that stand for different layers in the blocks of one stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.ir.network import ExpandedBlock, Step
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.lints.stages import list_blocks
from resnetc.compiler.remedies.call_text import is_shipped, shorten
from resnetc.compiler.source import Span, SpanKey


class Shift(NamedTuple):
    """A name that is two layers: the one that some blocks lack, and the other."""

    path: Path
    optional: Step
    other: Step


def find_shifted_names(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """Unlabelled steps that some blocks of a stage lack, so that later ones have other names there."""
    network = checked.network
    compared: set[frozenset[int]] = set()
    for stage in network.stages:
        operation = network.root.steps[stage.step].operation
        blocks = [] if isinstance(operation, str) else list_blocks(operation)
        pending = group_by_definition(blocks)
        while pending:
            group = pending.pop()
            key = frozenset(map(id, group))
            if key in compared:
                continue
            compared.add(key)
            pending += group_inner_blocks(group)
            for shift in find_shifts(group):
                yield warn_of_shift(shift.path, shift.optional, shift.other, stage.name)


def warn_of_shift(path: Path, optional: Step, other: Step, stage: str) -> Diagnostic:
    name = show_path(path)
    start = Span(optional.span.source, optional.span.start, optional.span.start)
    return Diagnostic(
        "W0610",
        f"`{name}` refers to different layers in the blocks of `{stage}`",
        Label(optional.span, "only some blocks have this"),
        labels=() if is_shipped(other.span) else (Label(other.span, f"the others store this as `{name}`"),),
        helps=(f"label it, as in `extra_{name}: {shorten(optional.span.text)}`: then the other names agree",),
        fix=(Edit(start, f"extra_{name}: "),),
    )


def group_by_definition(blocks: list[ExpandedBlock]) -> list[list[ExpandedBlock]]:
    """Distinct blocks, those of one definition together; a block that is alone has none to differ from."""
    groups: dict[int, dict[int, ExpandedBlock]] = {}
    for block in blocks:
        groups.setdefault(id(block.definition), {})[id(block)] = block
    return [list(group.values()) for group in groups.values() if len(group) > 1]


def group_inner_blocks(group: list[ExpandedBlock]) -> list[list[ExpandedBlock]]:
    """The blocks that stand under one name in the blocks of a group."""
    inner: dict[Path, list[ExpandedBlock]] = {}
    for block in group:
        for step in block.steps:
            if isinstance(step.operation, ExpandedBlock):
                inner.setdefault(step.path, []).append(step.operation)
    return [one for blocks in inner.values() for one in group_by_definition(blocks)]


def find_shifts(group: list[ExpandedBlock]) -> Iterator[Shift]:
    """Names that are two layers, with the one that some blocks lack and the other."""
    first: dict[Path, tuple[Step, ExpandedBlock]] = {}
    counts: dict[int, Counter[SpanKey]] = {}
    for block in group:
        for step in block.steps:
            other, owner = first.get(step.path, (step, block))
            if step.base is None or (step.span is other.span and other is not step) or not step.extent.keeps_state:
                continue
            first.setdefault(step.path, (step, block))
            place, other_place = step.span.key, other.span.key
            if place == other_place:
                continue
            for one in (block, owner):
                if id(one) not in counts:
                    counts[id(one)] = Counter(s.span.key for s in one.steps if s.base is not None)
            own, others = counts[id(block)], counts[id(owner)]
            if others[place] < own[place]:
                optional, second = step, other
            elif own[other_place] < others[other_place]:
                optional, second = other, step
            else:
                continue  # both are in both, shifted by another step
            if not is_shipped(optional.span):
                yield Shift(step.path, optional=optional, other=second)
