"""`ir.Network` -> the sizes that it accepts, with the reasons, and the first fault of its sizes: the rest would echo it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resnetc.compiler import blame, shapes, syntax
from resnetc.compiler.blame import Branch, Operation
from resnetc.compiler.diagnostics import Diagnostic, Label
from resnetc.compiler.ir import Condition, Leaf, Module, Network, Sequence, Stage, Step, Template
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

    def values(self) -> str:
        """The sizes of both sides at the declared size."""
        n = self.network.input.sizes[self.axis]
        f, g = self.sides
        at = f" at {self.symbol} = {n}" if self.network.input.symbols[self.axis] else ""
        return f"{evaluate(f, n)} and {evaluate(g, n)}{at}"

    def demand(self, n: int) -> Label:
        """What the operation needs, against what it gets for the input size n."""
        condition, place = self.reason.condition, self.reason.place
        if condition.kind == "equal":
            f, g = self.sides
            return Label(condition.span, f"sizes differ: {evaluate(f, n)} and {evaluate(g, n)}")
        least = "a multiple of" if condition.kind == "multiple" else "at least"
        return Label(place.operation.span, f"needs {least} {condition.other}, and {evaluate(condition.fn, n)} arrives")

    def shrinking(self) -> tuple[str, ...]:
        """The sizes on the way from the input to the operation: `16 -> 8 (conv) -> 4 (max_pool) -> 2 (layer2)`."""
        n = self.network.input.sizes[self.axis]
        drawn, last = str(n), n
        for size, name in ((evaluate(f, n), name) for f, name in self.passed()):
            if size != last:
                drawn, last = f"{drawn} -> {size} ({name})", size
        return (drawn,) if last != n else ()

    def passed(self) -> Iterator[tuple[SizeFn, str]]:
        """The size behind everything that lies before the operation, and what it is called."""
        for place in self.reason.place.trail():
            template, made = place.template, place.template.steps[place.step]
            stages = {} if place.outer else {stage.step: stage.name for stage in self.network.stages}
            for ref in reversed(blame.chain(template, made.inputs[0])):
                number = template.wires[ref].step
                if number is not None:
                    yield template.wires[ref].shape.sizes[self.axis], stages.get(number) or head(template.steps[number])
            if place.stage and not isinstance(made.operation, str):
                yield blocks(made.operation)[place.index].inputs[0].sizes[self.axis], place.stage.name

    def effects(self, blamed: Operation | None) -> tuple[str, ...]:
        return (f"`{blamed.text}` {blamed.effect(self.axis)}",) if blamed else ()

    def stride(self, size: SizeFn) -> str:
        return str(1 / slope(size)) if slope(size) else "none"

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


def head(made: Step) -> str:
    """A step without its arguments."""
    return blame.short(made.span.text).partition("(")[0]


def allowing(network: Network, accepted: Accepted) -> str | None:
    """The `when` that restricts every axis to accepted sizes; what an axis says already stays where it is true."""
    said = []
    for axis, sizes in enumerate(accepted.axes):
        symbol, before = network.input.symbols[axis], stated(network, axis)
        if before is not None and before.subset_of(sizes):
            said += [span.text for about, _, span in network.input.conditions if about == axis]
        elif symbol and not (before is None and sizes == from_minimum(sizes.min or 1)):
            text = blame.allowing(sizes, symbol, network.input.sizes[axis])
            if text is None:
                return None
            said.append(text)
    return f"when {' and '.join(said)}" if said else None


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


def strides_differ(case: Case, sides: tuple[Branch, Branch], promised: SizeSet) -> Diagnostic:
    f, g = case.sides
    strides = [side.stride(case.axis) or case.stride(size) for side, size in zip(sides, (f, g), strict=True)]
    named = " and ".join(f"{stride} (`{side.name}`)" for stride, side in zip(strides, sides, strict=True))
    help = blame.stride_to_give(case.reason.place.template, sides, case.axis)
    if 0 in (slope(f), slope(g)) and slope(f) != slope(g):
        help = "`*` spreads a map of size 1 over another, as gates need it; `+` does not"
    return Diagnostic(
        "E0302",
        f"{case.reason.condition.text} joins maps of different strides: {named}",
        Label(case.reason.condition.span, f"sizes differ: {case.show(f)} and {case.show(g)}"),
        labels=blame.strided(sides, case.axis),
        notes=(*case.counterexamples(promised)[:1], *case.whereabouts()),
        helps=(help,),
    )


def never_equal(case: Case, sides: tuple[Branch, Branch]) -> Diagnostic:
    f, g = case.sides
    remedy = blame.remedy(sides, case.axis)
    blamed = remedy.operation if remedy else blame.most_changing(sides, case.axis)
    if remedy:
        help = f"write `{remedy.text}`: both are then {case.show(remedy.sizes[case.axis])}"
    else:
        help = f"let `{blamed.text}` keep the size of its map" if blamed else "bring both sides to one size before it"
    return Diagnostic(
        "E0332",
        f"{case.reason.condition.text} never fits: {case.show(f)} and {case.show(g)}",
        Label(case.reason.condition.span, f"sizes differ: {case.values()}"),
        labels=case.sized(sides),
        notes=(*case.effects(blamed), *case.whereabouts()),
        helps=(help,),
        fix=remedy.fix if remedy else (),
    )


def not_everywhere(case: Case, sides: tuple[Branch, Branch], promised: SizeSet) -> Diagnostic:
    f, g = case.sides
    remedy = blame.remedy(sides, case.axis)
    blamed = remedy.operation if remedy else blame.most_changing(sides, case.axis)
    fitting = show_set(equal_where(f, g), case.symbol)
    line = allowing(case.network, case.accepted)
    if remedy and not (blame.shipped(remedy.operation.span) and line):
        help = f"`{remedy.text}` makes both {case.show(remedy.sizes[case.axis])} for every {case.symbol}"
    elif line:
        help = f"say behind the input which sizes the network is for: `{line}`"
    else:
        help = "bring both sides to one size, for instance with the same operation on both"
    return Diagnostic(
        "E0314",
        f"{case.reason.condition.text} does not fit every size from {promised.min} up: {case.show(f)} and {case.show(g)}",
        Label(case.reason.condition.span, "sizes differ"),
        labels=case.sized(sides),
        notes=(
            "; ".join([*case.counterexamples(promised), f"equal only for {fitting}"]),
            *case.effects(blamed),
            *case.whereabouts(),
        ),
        helps=(help,),
        fix=remedy.fix if remedy else (),
    )


def promises_too_much(case: Case, promised: SizeSet) -> Diagnostic:
    size = (promised - case.reason.after).min or 1
    stated = [span for axis, _, span in case.network.input.conditions if axis == case.axis]
    accepted = case.accepted.axes[case.axis]
    line = allowing(case.network, case.accepted)
    return Diagnostic(
        "E0331",
        f"the input allows {case.symbol} = {size}, which the network refuses: it accepts {show_set(accepted, case.symbol)}",
        Label(stated[-1], f"{case.symbol} = {size} is allowed here"),
        labels=(case.demand(size),),
        notes=case.whereabouts(),
        helps=(f"allow accepted sizes only: `{line}`" if line else "change the network: no size at all fits through it",),
    )


def too_small(case: Case) -> Diagnostic:
    condition, network = case.reason.condition, case.network
    arrives = evaluate(condition.fn, network.input.sizes[case.axis])
    least = [sizes.min for sizes in case.accepted.axes]
    return Diagnostic(
        "E0320",
        f"the input is too small: `{case.reason.place.operation.text}` needs a size of at least {condition.other}, "
        f"and {arrives} arrives",
        Label(network.input.span, f"too small: {case.symbol} = {network.input.sizes[case.axis]}"),
        labels=(case.demand(network.input.sizes[case.axis]),),
        notes=(*case.shrinking(), *case.whereabouts()),
        helps=(f"use an input of at least `{describe((network.input.channels, *least))}`",),
    )


def never_enough(case: Case) -> Diagnostic:
    condition = case.reason.condition
    arrives = case.show(condition.fn)
    return Diagnostic(
        "E0335",
        f"`{case.reason.place.operation.text}` needs a size of at least {condition.other}, and no input gives it more than {arrives}",
        Label(case.reason.place.operation.span, f"a map of {arrives} arrives here"),
        notes=(*case.shrinking(), *case.whereabouts()),
        helps=("give it a smaller kernel, or put it where the map is larger",),
    )


def not_accepted(network: Network, accepted: Accepted, axis: int) -> Diagnostic:
    symbol = network.input.symbols[axis] or "n"
    nearest = []
    for about, size in enumerate(network.input.sizes):
        said = stated(network, about)
        nearest.append((accepted.axes[about] & (ALL if said is None else said)).nearest(size))
    size = network.input.sizes[axis]
    why = "is not among those behind `when`" if size in accepted.axes[axis] else f"is refused: the network accepts {show_set(accepted.axes[axis], symbol)}"
    return Diagnostic(
        "E0333",
        f"the declared size {symbol} = {size} {why}",
        Label(network.input.span, "declared here"),
        helps=(f"declare a size that fits, such as `{describe((network.input.channels, *nearest))}`",),
    )


def declares_nothing(network: Network, axis: int) -> Diagnostic:
    symbol = network.input.symbols[axis]
    spans = [span for about, _, span in network.input.conditions if about == axis]
    return Diagnostic(
        "E0336",
        f"the condition behind the input holds for no {symbol}",
        Label(spans[-1], f"no {symbol} is left"),
        helps=("remove a part of the condition",),
    )


def too_irregular(condition: Condition, what: str) -> Diagnostic:
    return Diagnostic(
        "E0334",
        f"the sizes at {condition.text} cannot be decided: {what}",
        Label(condition.span, "from here on"),
        helps=("use fewer different strides",),
    )
