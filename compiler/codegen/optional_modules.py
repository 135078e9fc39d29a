"""Blocks that lack one of their modules at some places: they share one class, with an argument for that module.

For example, a pre-activated block with a projection adds `downsample(pre)`, one without it adds `x`. An expert writes
one class whose `downsample` may be None, not two classes. In the spec the missing module is an `identity`, perhaps of
another value and under another name, or no step at all; here an identity takes the place of the module that the other
occurrences have there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from itertools import takewhile
from typing import TypeVar

from resnetc.compiler.codegen.functional import changes_nothing
from resnetc.compiler.codegen.grouping import in_place, structure
from resnetc.compiler.codegen.torch_modules import gain
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Step, Wire
from resnetc.grammar.primitives import PRIMITIVES

K = TypeVar("K", bound=Hashable)


def join_groups(groups: dict[K, list[ExpandedBlock]]) -> dict[K, list[tuple[ExpandedBlock, ExpandedBlock]]]:
    """Groups of one block that differ in modules left out become one, led by the occurrences that have them all.

    An occurrence stands beside the one that it was expanded as: `(to be written, as expanded)`.
    """
    joined = {key: [(template, template) for template in group] for key, group in groups.items()}
    for key in groups:
        for fuller in [other for other in joined if other != key]:
            model = joined[fuller][0][0]
            if model.definition is not joined[key][0][0].definition:
                continue
            aligned = ((align(template, model), original) for template, original in joined[key])
            pairs = [(a, original) for a, original in takewhile(lambda pair: pair[0] is not None, aligned) if a]
            if len(pairs) == len(joined[key]) and is_one_program(joined[fuller] + pairs):
                joined[fuller] += pairs
                del joined[key]
                break
    return joined


def is_one_program(pairs: list[tuple[ExpandedBlock, ExpandedBlock]]) -> bool:
    """Whether all that go without a module read one wire in its place."""
    columns = zip(*(template.steps for template, _ in pairs), strict=True)
    return all(len({step.inputs for step in column}) <= 2 for column in columns)


def align(template: ExpandedBlock, model: ExpandedBlock) -> ExpandedBlock | None:
    """A template with an identity where `model` has a module that it lacks; None where more tells them apart."""
    if len(template.steps) + 1 == len(model.steps):
        padded = (
            insert_identity(template, model, number, ref)
            for number, step in enumerate(model.steps)
            if can_be_left_out(step)
            and has_paths_but(number, template, model)
            and (ref := wire_read_instead(template, model, number)) is not None
        )
        return next((aligned for one in padded if (aligned := align(one, model)) is not None), None)
    if len(template.steps) != len(model.steps) or len(template.wires) != len(model.wires):
        return None
    if any(own.shape.rank != theirs.shape.rank for own, theirs in zip(template.wires, model.wires, strict=True)):
        return None
    both = list(zip(template.steps, model.steps, strict=True))
    if not all(own.path == theirs.path or is_left_out(own, theirs) for own, theirs in both):
        return None
    steps = tuple(
        dataclasses.replace(own, path=theirs.path, slot=theirs.slot, base=theirs.base)
        if is_left_out(own, theirs)
        else own
        for own, theirs in both
    )
    paths = {own.path: theirs.path for own, theirs in both if is_left_out(own, theirs)}
    order = tuple(dict.fromkeys(paths.get(path, path) for path in template.order))
    aligned = dataclasses.replace(template, steps=steps, order=order)
    return aligned if structure(with_inputs_of(model, aligned)) == structure(model) else None


def has_paths_but(number: int, template: ExpandedBlock, model: ExpandedBlock) -> bool:
    """Whether the steps of a template can stand for those of `model`, that without step `number`."""
    others = (*model.steps[:number], *model.steps[number + 1 :])
    pairs = zip(template.steps, others, strict=True)
    return all(own.path == theirs.path or is_left_out(own, theirs) for own, theirs in pairs)


def is_left_out(own: Step, theirs: Step) -> bool:
    """Whether a step is an identity where another occurrence has a module."""
    return not isinstance(own.operation, str) and changes_nothing(own.operation) and can_be_left_out(theirs)


def can_be_left_out(step: Step) -> bool:
    """Whether a step is a module of one value, and no later line of `__init__` has its name."""
    operation = step.operation
    if isinstance(operation, str) or changes_nothing(operation) or in_place(operation) is not None:
        return False
    single = len(step.inputs) == len(step.outputs) == 1
    return single and not (isinstance(operation, Leaf) and gain(operation) is not None)


def with_inputs_of(model: ExpandedBlock, aligned: ExpandedBlock) -> ExpandedBlock:
    """The aligned template, its identities reading what the modules of `model` read: all else must be equal."""
    steps = tuple(
        own.replace_wires(theirs.inputs, own.outputs) if is_left_out(own, theirs) else own
        for own, theirs in zip(aligned.steps, model.steps, strict=True)
    )
    return dataclasses.replace(aligned, steps=steps)


def wire_read_instead(template: ExpandedBlock, model: ExpandedBlock, number: int) -> int | None:
    """The wire that a template without step `number` reads where `model` reads what that makes; None if there are two.

    It must be there before the step: the identity that takes its place reads it.
    """
    result = model.steps[number].outputs[0]
    others = [step for i, step in enumerate(model.steps) if i != number]
    reads = [(model.output, template.output)]
    for theirs, own in zip(others, template.steps, strict=True):
        if len(theirs.inputs) != len(own.inputs):
            return None
        reads += zip(theirs.inputs, own.inputs, strict=True)
    refs = {ref for wire, ref in reads if wire == result}
    if len(refs) != 1:
        return None
    ref = refs.pop()
    step = template.wires[ref].step
    return ref if step is None or step < number else None


def insert_identity(template: ExpandedBlock, model: ExpandedBlock, number: int, ref: int) -> ExpandedBlock:
    """A template with one more step, an identity of the wire `ref`, read where `model` reads that step."""
    step = model.steps[number]
    (result,) = step.outputs

    def renumbered(own: int) -> int:
        return own if own < result else own + 1

    def inputs(own: Step, theirs: Step) -> tuple[int, ...]:
        wires = zip(own.inputs, theirs.inputs, strict=True)
        return tuple([result if wire == result else renumbered(ref) for ref, wire in wires])

    others = [other for i, other in enumerate(model.steps) if i != number]
    steps = [
        own.replace_wires(inputs(own, theirs), tuple(map(renumbered, own.outputs)))
        for own, theirs in zip(template.steps, others, strict=True)
    ]
    shape = template.wires[ref].shape
    identity = Leaf(primitive=PRIMITIVES["identity"], arguments=(), inputs=(shape,), outputs=(shape,), span=step.span)
    steps.insert(number, dataclasses.replace(step, operation=identity, inputs=(renumbered(ref),)))
    wires = [
        wire if wire.step is None or wire.step < number else Wire(wire.shape, wire.step + 1, wire.name)
        for wire in template.wires
    ]
    wires.insert(result, Wire(shape, number, model.wires[result].name))
    return dataclasses.replace(
        template,
        steps=tuple(steps),
        wires=tuple(wires),
        output=result if model.output == result else renumbered(template.output),
        order=tuple(path for path in model.order if path == step.path or path in template.order),
    )


def wire_instead(group: list[ExpandedBlock], number: int) -> int | None:
    """The wire that some occurrences read in place of what a step makes; the first of the group has its module."""
    own = group[0].steps[number].inputs
    for template in group:
        inputs = template.steps[number].inputs
        if inputs != own:
            return inputs[0]
    return None


def inputs_of(step: Step, instead: int | None, alias: Mapping[int, int]) -> tuple[int, ...]:
    """What a step reads, wires by their aliases; where some occurrences go without its module, what is in its place."""
    inputs = step.inputs if instead is None else (*step.inputs, instead)
    return tuple([alias.get(ref, ref) for ref in inputs])
