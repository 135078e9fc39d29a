"""`ir.Network` -> the sizes that it accepts, with the reasons, and the first fault of its sizes: the rest would echo it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resnetc.compiler import blame, shapes, syntax
from resnetc.compiler.blame import Branch, Operation
from resnetc.compiler.diagnostics import Diagnostic, Label
from resnetc.compiler.ir import Condition, Leaf, Module, Network, Sequence, Stage, Template
from resnetc.compiler.sizes import (
    ALL,
    SizeFn,
    SizeSet,
    SizesTooIrregular,
    at_least,
    congruent,
    equal_where,
    evaluate,
    first_difference,
    from_minimum,
    nearest_difference,
    only,
    show,
    show_set,
    slope,
)
from resnetc.compiler.source import Span
from resnetc.compiler.values import describe, is_number


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a condition stands: a step of a template, the leaf inside it, the block of a stage that it belongs to."""

    template: Template
    step: int
    leaf: Leaf | None
    stage: Stage | None
    index: int
    outer: Place | None

    @property
    def operation(self) -> Operation:
        assert self.leaf is not None  # only additions have none
        return blame.operation(self.template.steps[self.step], self.leaf)

    def trail(self) -> list[Place]:
        """The places from the model down to this one."""
        found: list[Place] = []
        place: Place | None = self
        while place is not None:
            found.append(place)
            place = place.outer
        return found[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """A condition that shrank the set of accepted sizes of its axis."""

    condition: Condition
    before: SizeSet
    after: SizeSet
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Accepted:
    """The sizes of each axis that a network takes, whatever it declares; a fixed axis takes its number only."""

    axes: tuple[SizeSet, ...]
    reasons: tuple[Reason, ...]


def prove(network: Network) -> tuple[Accepted, list[Diagnostic]]:
    """Derives the accepted sizes, then judges the additions and the declared sizes by them."""
    declared = network.input
    axes = [ALL if symbol else only(n) for symbol, n in zip(declared.symbols, declared.sizes, strict=True)]
    reasons: list[Reason] = []
    known: set[tuple[str, int, SizeFn, SizeFn | int]] = set()
    for place, condition in demands(network):
        key = (condition.kind, condition.axis, condition.fn, condition.other)
        if key in known:
            continue
        known.add(key)
        before = axes[condition.axis]
        try:
            after = before & holds(condition)
        except SizesTooIrregular as error:
            return Accepted(tuple(axes), tuple(reasons)), [too_irregular(condition, str(error))]
        if after != before:
            axes[condition.axis] = after
            reasons.append(Reason(condition, before, after, place))
    accepted = Accepted(tuple(axes), tuple(reasons))
    fault = judged(network, accepted)
    return accepted, [fault] if fault else []


def holds(condition: Condition) -> SizeSet:
    """The input sizes at which a condition holds."""
    if not isinstance(condition.other, int):
        return equal_where(condition.fn, condition.other)
    if condition.kind == "at_least":
        return at_least(condition.fn, condition.other)
    return congruent(condition.fn, condition.other, 0)


# -- conditions in the order of the program ---------------------------------------------------------------------------


def demands(network: Network) -> Iterator[tuple[Place, Condition]]:
    """Every condition with its place. What occurs repeatedly is looked at once, where it occurs first."""
    return inside(network.root, None, {stage.step: stage for stage in network.stages}, set())


def inside(
    template: Template, outer: Place | None, stages: dict[int, Stage], seen: set[int]
) -> Iterator[tuple[Place, Condition]]:
    """The conditions of a template, step by step: of additions, of leaves, of the blocks inside."""
    listed: dict[int | None, list[Condition]] = {}
    for condition in template.conditions:
        listed.setdefault(condition.step, []).append(condition)
    for number, step in enumerate(template.steps):
        if isinstance(step.operation, str):
            place = Place(template, number, None, None, 0, outer)
            yield from ((place, condition) for condition in listed.get(number, ()))
            continue
        stage = stages.get(number)
        for index, child in enumerate(blocks(step.operation) if stage else [step.operation]):
            for module in blame.opened(child):
                if isinstance(module, Template):
                    if id(module) not in seen:
                        seen.add(id(module))
                        yield from inside(module, Place(template, number, None, stage, index, outer), {}, seen)
                elif None in listed:  # the list does not say whose they are, so the leaf's rule is asked again
                    place = Place(template, number, module, stage, index, outer)
                    found: list[Condition] = []
                    shapes.rule(module.primitive, dict(module.arguments), module.inputs, module.span, found)
                    yield from ((place, condition) for condition in found)


def blocks(module: Module) -> list[Module]:
    return [child for _, child in module.children] if isinstance(module, Sequence) else [module]


# -- judgement --------------------------------------------------------------------------------------------------------


def judged(network: Network, accepted: Accepted) -> Diagnostic | None:
    """The first fault: of what the input declares, of an addition, of the example size."""
    declared = [stated(network, axis) for axis in range(len(accepted.axes))]
    for axis, sizes in enumerate(declared):
        if sizes is not None and sizes.is_empty:
            return declares_nothing(network, axis)
    for reason in accepted.reasons:
        axis = reason.condition.axis
        sizes = declared[axis]
        promised = reason.before & (from_minimum(accepted.axes[axis].min or 1) if sizes is None else sizes)
        if not promised.subset_of(reason.after):
            fault = broken(Case(network, accepted, reason), promised, explicit=sizes is not None)
            if fault is not None:
                return fault
    for axis, sizes in enumerate(declared):
        if network.input.sizes[axis] not in accepted.axes[axis] & (ALL if sizes is None else sizes):
            return unfit(network, accepted, axis)
    return None


def stated(network: Network, axis: int) -> SizeSet | None:
    """The sizes behind `when`; None where nothing is said of an axis, and every size from the least on is meant."""
    whole = None
    for about, sizes, _ in network.input.conditions:
        if about == axis:
            whole = sizes if whole is None else whole & sizes
    return whole


def broken(case: Case, promised: SizeSet, explicit: bool) -> Diagnostic | None:
    """The fault of a condition that some promised size breaks. Without `when`, sizes that are too small are no promise."""
    reason = case.reason
    if reason.condition.kind != "equal":
        if reason.after.is_empty:
            return never_enough(case)
        return promises_too_much(case, promised) if explicit else None
    f, g = case.sides
    sides = blame.branches(reason.place.template, reason.condition, reason.place.step)
    strides = [side.stride(case.axis) for side in sides]
    if slope(f) != slope(g) or (None not in strides and strides[0] != strides[1]):
        return strides_differ(case, sides, promised)
    if equal_where(f, g).is_empty:
        return never_equal(case, sides)
    return promises_too_much(case, promised) if explicit else not_everywhere(case, sides, promised)


def unfit(network: Network, accepted: Accepted, axis: int) -> Diagnostic:
    """The fault of an example size that is not accepted, by the first reason that refuses it."""
    size = network.input.sizes[axis]
    for reason in accepted.reasons:
        if reason.condition.axis == axis and size not in reason.after:
            if reason.condition.kind == "at_least":
                return too_small(Case(network, accepted, reason))
            break
    return not_accepted(network, accepted, axis)


# -- words ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What the words about a condition are made of."""

    network: Network
    accepted: Accepted
    reason: Reason

    @property
    def axis(self) -> int:
        return self.reason.condition.axis

    @property
    def symbol(self) -> str:
        return self.network.input.symbols[self.axis] or "n"

    @property
    def sides(self) -> tuple[SizeFn, SizeFn]:
        other = self.reason.condition.other
        assert not isinstance(other, int)
        return self.reason.condition.fn, other

    def show(self, f: SizeFn) -> str:
        return show(f, self.symbol)

    def counterexamples(self, within: SizeSet) -> list[str]:
        """The smallest size that breaks an equality, and the one nearest to the declared size."""
        (f, g), declared = self.sides, self.network.input.sizes[self.axis]
        found = {first_difference(f, g, within): "smallest size that breaks it"}
        found.setdefault(nearest_difference(f, g, within, declared), "nearest to the declared one")
        return [
            f"{what}: {self.symbol} = {n} ({evaluate(f, n)} and {evaluate(g, n)})" for n, what in found.items() if n
        ]

    def sized(self, sides: tuple[Branch, Branch]) -> tuple[Label, ...]:
        """From where on each side has its size."""
        labels = []
        for side, size in zip(sides, self.sides, strict=True):
            last = next((o for o in reversed(side.operations) if o.geometry[self.axis] != (1, 0)), None)
            if last:
                labels.append(Label(last.span, f"`{side.name}` is {self.show(size)} from here"))
        return tuple(labels)

    def whereabouts(self) -> tuple[str, ...]:
        """The way from the model to the condition: the stage and its block, then the blocks inside that."""
        notes = []
        trail = self.reason.place.trail()
        for place, inner in zip(trail, [*trail[1:], None], strict=True):
            if place.stage:
                where = f"in block {place.index + 1} of {place.stage.blocks} of stage `{place.stage.name}`"
                notes.append(f"{where} ({place.stage.span}){numbers(inner.template) if inner else ''}")
            elif inner:
                span = place.template.steps[place.step].span
                notes.append(f"in `{blame.short(span.text)}` ({span}){numbers(inner.template)}")
        return tuple(notes)


def numbers(template: Template) -> str:
    """`, width = 64`: the numbers of a block that are not its defaults."""
    values = {name: value for name, _, value in template.numbers}
    shown = ""
    for parameter in template.definition.parameters:
        name, usual = parameter.name.id, parameter.default
        known = isinstance(usual, syntax.Number) and usual.value == values.get(name)
        plain = usual is None or isinstance(usual, syntax.Number)
        if name in values and plain and not known and is_number(values[name]):
            shown += f", {name} = {describe(values[name])}"
    return shown
