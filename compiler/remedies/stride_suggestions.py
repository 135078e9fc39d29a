"""Remedies for branches with different strides: which call should take, or give up, a stride."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from itertools import combinations_with_replacement
from math import prod

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.evaluation.values import describe, normal_size
from resnetc.compiler.ir.network import ExpandedBlock
from resnetc.compiler.ir.paths import Constant
from resnetc.compiler.remedies.branches import Branch, Operation
from resnetc.compiler.remedies.call_text import format_call, is_shipped
from resnetc.compiler.remedies.window_suggestions import JoinSite, change_arguments, fit_changes
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import step
from resnetc.compiler.source import Span


class Wording(IntEnum):
    """How a stride is written, from the likeliest to be meant to the least."""

    BOUND = 0  # the call passes it already, to a layer that ignores it
    MISPLACED = 1  # the side has it already, under `dilation`, or twice
    NAMED = 2  # by the name of a parameter
    NUMBER = 3
    PRODUCT = 4


Term = tuple[Wording, str]
Ranked = tuple[Wording, Suggestion]


def suggest_strides(sites: list[JoinSite], span: Span, axis: int) -> list[Suggestion]:
    """What to write where strides differ, the likeliest first: calls with the stride of the other side.

    A stride is forgotten more often than one too many is written, and a name is meant more often than a number.
    """
    block, sides = sites[0].block, sites[0].sides
    low, high = sorted((0, 1), key=lambda i: sides[i].compute_stride(axis) or 1)
    ranked = [
        *suggest_stride_for_dilation(sites, low, axis),
        *suggest_stride_once(sites, high, axis),
        *suggest_stride_of_slot(sites, low, axis),
        *suggest_stride_of_call(sites, low, axis),
        *suggest_strided_layer(block, sides[low], sides[high], span),
        *suggest_stride_of_slot(sites, high, axis),
        *suggest_stride_of_call(sites, high, axis),
        *suggest_fewer_strides(sites, high, axis),
    ]
    strides = [sides[side].compute_stride(axis) for side in (low, high)]
    had = f"`{sides[low].name}` has {strides[0]}, `{sides[high].name}` {strides[1]}"
    ranked.sort(key=lambda remedy: remedy[0])
    if ranked and ranked[0][0] is Wording.BOUND:
        return [ranked[0][1]]
    return [*(suggestion for _, suggestion in ranked), Suggestion(f"give both sides the same stride: {had}")]


def list_stride_numbers(block: ExpandedBlock) -> list[tuple[str, Constant]]:
    """The numbers of a block that are strides: by their type, or because a call in it gives them as one."""
    stride_texts = {
        text for step in block.steps for name, text in parse_arguments(step.span.text)[1:] if name in ("", "stride")
    }
    typed = [(n.name, n.value) for n in block.numbers if n.type == "size"]
    return typed + [(n.name, n.value) for n in block.numbers if n.type != "size" and n.name in stride_texts]


def list_stride_terms(sites: list[JoinSite], needs: list[tuple[int, ...]]) -> Iterator[Term]:
    """How a stride can be told that is another one at every place: names, one number, products of names."""
    numbers_at = [dict(list_stride_numbers(place.block)) for place in sites]
    names = [name for name in numbers_at[0] if all(name in numbers for numbers in numbers_at)]

    def get_values(place: int, name: str) -> tuple[int, ...]:
        return tuple(get_size_on_axis(numbers_at[place][name], i) for i in range(len(needs[0])))

    yield from (
        (Wording.NAMED, name) for name in names if all(get_values(i, name) == need for i, need in enumerate(needs))
    )
    if len(set(needs)) == 1:
        yield Wording.NUMBER, describe(normal_size(needs[0]))
    for first, other in combinations_with_replacement(names, 2):
        both = [
            tuple(map(prod, zip(get_values(i, first), get_values(i, other), strict=True))) for i in range(len(needs))
        ]
        if both == needs:
            yield Wording.PRODUCT, f"{first} * {other}"
    for name in names:
        pairs = [pair for i, need in enumerate(needs) for pair in zip(need, get_values(i, name), strict=True)]
        factor = pairs[0][0] // max(pairs[0][1], 1)
        if factor > 1 and all(have * factor == need for need, have in pairs):
            yield Wording.PRODUCT, f"{factor} * {name}"


def find_required_stride(place: JoinSite, mine: int, call_span: Span) -> tuple[int, ...] | None:
    """The stride of a call on one side with which that side has the stride of the other."""
    side, other = place.sides[mine], place.sides[1 - mine]
    own = [o for o in side.operations if o.step.span.key == call_span.key]
    strides = []
    for axis in range(len(side.start.sizes)):
        whole, wanted = side.compute_stride(axis), other.compute_stride(axis)
        need = prod((o.get_size_map(axis) or (1, 0))[0] for o in own) * (wanted or 0)
        if not whole or not wanted or need % whole:
            return None
        strides.append(need // whole)
    return tuple(strides)


def suggest_stride_of_slot(sites: list[JoinSite], mine: int, axis: int) -> Iterator[Ranked]:
    """A slot's call with the stride of the other side."""
    side, other = sites[0].sides[mine], sites[0].sides[1 - mine]
    names = {name: get_size_on_axis(value, axis) for name, value in list_stride_numbers(sites[0].block)}
    for bound_step in {id(o.step): o.step for o in side.operations if o.step.slot and not is_convolution(o)}.values():
        needs = [find_required_stride(place, mine, bound_step.span) for place in sites]
        solved = [need for need in needs if need is not None]
        if len(solved) < len(needs):
            continue
        have = prod((o.get_size_map(axis) or (1, 0))[0] for o in side.operations if o.step is bound_step)
        pairs = parse_arguments(bound_step.span.text)
        values = [names.get(text, int(text) if text.isdecimal() else 0) for _, text in pairs]
        if solved[0][axis] in values:
            example = ", such as `shortcuts.project`" if bound_step.slot == "shortcut" else ""
            help = f"bind `{bound_step.slot}` to a policy that applies the stride {solved[0][axis]}{example}"
            yield Wording.BOUND, Suggestion(help)
        elif have in values:
            place = len(values) - 1 - values[::-1].index(have)
            for rank, right in list_stride_terms(sites, solved):
                text = format_call(
                    bound_step.span.text, [*pairs[:place], (pairs[place][0], right), *pairs[place + 1 :]]
                )
                edits = () if is_shipped(bound_step.span) else (Edit(bound_step.span, text),)
                yield rank, Suggestion(f"give the {bound_step.slot} the stride of `{other.name}`: `{text}`", edits)


def suggest_stride_of_call(sites: list[JoinSite], mine: int, axis: int) -> Iterator[Ranked]:
    """An operation of one side with the stride that makes its side like the other, wherever that occurs.

    The first of the largest windows strides, as the 3x3 of a bottleneck does; the last that strides without need stops.
    """
    side, other = sites[0].sides[mine], sites[0].sides[1 - mine]
    likely = [*reversed(side.operations)]
    if (side.compute_stride(axis) or 1) < (other.compute_stride(axis) or 1):
        likely = sorted(side.operations, key=lambda o: -prod(list_kernel_sizes(o)))
    for operation in likely:
        if operation.leaf is None or "stride" not in dict(operation.leaf.arguments) or is_shipped(operation.span):
            continue
        axes = range(len(side.start.sizes))
        have = [
            (does or (1, 0))[0] * (other.compute_stride(i) or 1)
            for i, does in zip(axes, operation.geometry, strict=False)
        ]
        whole = [side.compute_stride(i) or 1 for i in axes]
        if any(n % w for n, w in zip(have, whole, strict=False)):
            continue
        stride = normal_size(tuple(n // w for n, w in zip(have, whole, strict=False)))
        names = [name for name, value in list_stride_numbers(sites[0].block) if value == stride]
        for term in (*names, ""):
            change = change_arguments(operation, {"stride": stride}, {"stride": term} if term else None)
            if change.edits and fit_changes(sites, (change,)) is not None:
                rank = Wording.NAMED if term else Wording.NUMBER
                help = f"give `{side.name}` the stride of `{other.name}`: `{change.text}`"
                yield rank, Suggestion(help, change.edits)


def suggest_stride_for_dilation(sites: list[JoinSite], mine: int, axis: int) -> Iterator[Ranked]:
    """A convolution of one side that has the stride of the other, under the keyword `dilation`."""
    side, other = sites[0].sides[mine], sites[0].sides[1 - mine]
    strides = {name: value for name, value in list_stride_numbers(sites[0].block) if "dilat" not in name}
    for operation in side.operations:
        stated = dict(parse_arguments(operation.span.text)) if operation.leaf else {}
        name = stated.get("dilation", "")
        if name in strides and "stride" not in stated:
            stride = {"stride": strides[name]}
            change = change_arguments(operation, stride, {"stride": name}, renamed={"dilation": "stride"})
            if change.edits and fit_changes(sites, (change,)) is not None:
                help = f"give `{side.name}` the stride of `{other.name}` instead of a dilation: `{change.text}`"
                yield Wording.MISPLACED, Suggestion(help, change.edits)


def suggest_stride_once(sites: list[JoinSite], mine: int, axis: int) -> Iterator[Ranked]:
    """The last of two operations of one side that both say the stride which the other side has once."""
    side = sites[0].sides[mine]
    strides = dict(list_stride_numbers(sites[0].block))
    saying = [o for o in side.operations if dict(parse_arguments(o.span.text)).get("stride") in strides]
    for first, last in [(saying[0], o) for o in saying[:0:-1]]:
        if dict(parse_arguments(first.span.text))["stride"] == dict(parse_arguments(last.span.text))["stride"]:
            change = change_arguments(last, {"stride": 1}, dropped="stride") if last.leaf else None
            if change and change.edits and fit_changes(sites, (change,)) is not None:
                help = f"let `{side.name}` stride once: `{change.text}`"
                yield Wording.MISPLACED, Suggestion(help, change.edits)


def suggest_fewer_strides(sites: list[JoinSite], mine: int, axis: int) -> Iterator[Ranked]:
    """Several operations of one side that were all given the stride: only the first ones stride then."""
    side = sites[0].sides[mine]
    strided = [o for o in side.operations if o.leaf is not None and (o.get_size_map(axis) or (1, 0))[0] > 1]
    if any("stride" not in dict(o.leaf.arguments) or is_shipped(o.span) for o in strided if o.leaf):
        return
    for count in range(1, len(strided) - 1):  # a single one too many is another suggestion
        changes = tuple(change_arguments(operation, {"stride": 1}) for operation in strided[count:])
        if all(change.edits for change in changes) and fit_changes(sites, changes) is not None:
            first = "the first operation" if count == 1 else f"the first {count} operations"
            help = f"let only {first} of `{side.name}` stride: `{changes[0].text}` in the other {len(changes)} places"
            yield Wording.NUMBER, Suggestion(help, tuple(edit for change in changes for edit in change.edits))


def list_kernel_sizes(operation: Operation) -> tuple[int, ...]:
    """The sizes of the kernel of an operation, if it has one."""
    leaf = operation.leaf
    kernel = leaf.by_name.get("kernel", 1) if leaf else 1
    return tuple(get_size_on_axis(kernel, i) for i in range(leaf.shape_in.rank if leaf else 1))


def suggest_strided_layer(block: ExpandedBlock, low: Branch, high: Branch, span: Span) -> Iterator[Ranked]:
    """A side without operations that goes through one with the strides of the other."""
    whole = tuple(high.compute_stride(i) or 1 for i in range(len(high.start.sizes)))
    if low.operations:
        return
    stride, channels = normal_size(whole), low.end.channels
    need = next((name for name, value in list_stride_numbers(block) if value == stride), describe(stride))
    widths = (n.name for n in block.numbers if (n.type, n.value) == ("int", channels) and n.name != "here")
    width = next(widths, channels)
    led = {
        f"shortcut({width}, {need})": (0,) * len(whole),
        f"max_pool({need}, stride={need}, padding=0)": tuple(1 - s for s in whole),
    }
    for text, deltas in led.items():
        if tuple(step(f, s, d) for f, s, d in zip(low.end.sizes, whole, deltas, strict=True)) == high.end.sizes:
            led_through = f"({low.name} |> {text})"
            edits = replace_operand(span, low.name, led_through)
            yield (
                Wording.NAMED,
                Suggestion(f"apply that stride to `{low.name}`: replace it with `{led_through}`", edits),
            )


def replace_operand(span: Span, name: str, text: str) -> tuple[Edit, ...]:
    """The edit that puts a text in the place of an operand that is a name."""
    start, end = span.start, span.end
    if is_shipped(span):
        return ()
    if re.match(rf"{re.escape(name)}\s*[+*]", span.text):
        return (Edit(Span(span.source, start, start + len(name)), text),)
    if re.search(rf"[+*]\s*{re.escape(name)}$", span.text):
        return (Edit(Span(span.source, end - len(name), end), text),)
    return ()


def is_convolution(operation: Operation) -> bool:
    """Whether a slot's call is itself the convolution, whose stride is the branch's own business."""
    leaf = operation.leaf
    return leaf is not None and leaf is operation.step.operation and leaf.primitive.rule == "conv"
