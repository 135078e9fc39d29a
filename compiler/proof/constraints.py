"""The conditions of a network in program order, each with its place."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.evaluation.values import describe, is_number
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Condition, ExpandedBlock, Leaf, Module, Network, Sequence, Stage, Step
from resnetc.compiler.ir.paths import show_path
from resnetc.compiler.remedies import branches
from resnetc.compiler.remedies.branches import Operation
from resnetc.compiler.remedies.call_text import shorten
from resnetc.compiler.shapes import rules
from resnetc.compiler.sizes import SizeFn
from resnetc.compiler.syntax import tree as syntax


@record
class Place:
    """Where a condition stands: a step of a block, the leaf inside it, the repetition of a stage that it belongs to."""

    block: ExpandedBlock
    step: int
    leaf: Leaf | None
    stage: Stage | None
    index: int
    outer: Place | None

    @property
    def operation(self) -> Operation:
        assert self.leaf is not None  # only additions have none
        return branches.make_operation(self.block.steps[self.step], self.leaf)

    def list_outer_places(self) -> list[Place]:
        """The places from the model down to this one."""
        places: list[Place] = []
        place: Place | None = self
        while place is not None:
            places.append(place)
            place = place.outer
        return places[::-1]

    def describe_place(self) -> tuple[str, ...]:
        """The way from the model to the condition: the stage and its block, then the blocks inside that."""
        notes = []
        trail = self.list_outer_places()
        for place, inner in zip(trail, [*trail[1:], None], strict=True):
            shown = show_numbers(inner.block) if inner else ""
            if place.stage:
                text = f"block {place.index + 1} of {place.stage.blocks} of stage `{place.stage.name}`"
                notes.append(f"in {text} ({place.stage.span}){shown}")
            elif inner:
                span = place.block.steps[place.step].span
                notes.append(f"in `{shorten(span.text)}` ({span}){shown}")
        return tuple(notes)

    def list_sizes_before(self, axis: int) -> Iterator[tuple[SizeFn, str]]:
        """The size of an axis behind everything that lies before here, and what that is called."""
        for place in self.list_outer_places():
            block, step = place.block, place.block.steps[place.step]
            for ref in reversed(branches.trace_back(block, step.inputs[0])[:-1]):
                wire = block.wires[ref]
                assert wire.step is not None  # the last of a chain is `in`
                for size in wire.shape.sizes[axis : axis + 1]:
                    yield size, shorten_name(block.steps[wire.step])
            if place.stage:
                for size in list_blocks(step.operation)[place.index].inputs[0].sizes[axis : axis + 1]:
                    yield size, shorten_name(step)


def shorten_name(step: Step) -> str:
    """What a step is called for short: its path as a stage, else its text up to the arguments."""
    if step.span.text.startswith("stage "):
        return show_path(step.path)
    return shorten(step.span.text).partition("(")[0]


def show_numbers(block: ExpandedBlock) -> str:
    """`, width = 64`: the numbers of a block that are not its defaults."""
    values = {number.name: number.value for number in block.numbers}
    shown = ""
    for parameter in block.definition.parameters:
        value, usual = values.get(parameter.name.id), parameter.default
        said = usual is None or (isinstance(usual, syntax.Number) and usual.value != value)
        if said and is_number(value):
            shown += f", {parameter.name.id} = {describe(value)}"
    return shown


def list_constraints(network: Network) -> Iterator[tuple[Place, Condition]]:
    """Every condition with its place. What occurs repeatedly is looked at once, where it occurs first."""
    return list_constraints_of_block(network.root, None, {stage.step: stage for stage in network.stages}, set())


def list_constraints_of_block(
    block: ExpandedBlock, outer: Place | None, stages: dict[int, Stage], visited: set[int]
) -> Iterator[tuple[Place, Condition]]:
    """The conditions of a block, step by step: of additions, of leaves, of the blocks inside."""
    joins: dict[int, list[Condition]] = {}
    for condition in block.conditions:
        if condition.step is not None:
            joins.setdefault(condition.step, []).append(condition)
    others = any(condition.step is None for condition in block.conditions)
    for number, step in enumerate(block.steps):
        if isinstance(step.operation, str):
            if number in joins:
                place = Place(block=block, step=number, leaf=None, stage=None, index=0, outer=outer)
                yield from ((place, condition) for condition in joins[number])
            continue
        if not others and isinstance(step.operation, Leaf):
            continue
        stage = stages.get(number)
        for index, child in enumerate(list_blocks(step.operation) if stage else [step.operation]):
            for module in branches.flatten_chains(child):
                if isinstance(module, ExpandedBlock):
                    if id(module) not in visited:
                        visited.add(id(module))
                        yield from list_constraints_of_block(
                            module,
                            Place(block=block, step=number, leaf=None, stage=stage, index=index, outer=outer),
                            {},
                            visited,
                        )
                elif others:  # the list does not say whose they are, so the leaf's rule is asked again
                    place = Place(block=block, step=number, leaf=module, stage=stage, index=index, outer=outer)
                    yield from ((place, condition) for condition in rules.list_conditions(module))


def list_blocks(module: Module | str) -> list[Module]:
    """The blocks of a stage."""
    assert isinstance(module, Sequence)
    return [child for _, child in module.children]
