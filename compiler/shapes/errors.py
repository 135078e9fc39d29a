"""Messages about arguments out of range, and about shapes that an operation does not accept."""

from __future__ import annotations

import re
from math import isqrt, prod

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.evaluation.values import Value, describe
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.format_shapes import AXIS_SYMBOLS, show_shape
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import MAX_CHANNELS, Parameter, Primitive

POOLED = re.compile(r"((?:(?:flatten|dropout(?:\([^()]*\))?)\s*\|>\s*)*)(?:[\w.\[\]]+\s*:\s*)?\Z")
"""What stands between the last pool and a layer that needs a vector: `flatten`, a dropout, the layer's own label."""


def out_of_range(primitive: Primitive, parameter: Parameter, value: Value, least: Value, span: Span) -> Diagnostic:
    """An argument below its least value, or not above that of another parameter."""
    place = f"`{parameter.name}` is {describe(value)} here"
    bound = f"at least {describe(least)}"
    help = f"give it {describe(least)} or more" + (" channels" if parameter.name == "channels" else "")
    if parameter.above:
        place = f"`{parameter.above}` is {describe(least)} and {place}"
        bound = f"above its `{parameter.above}` of {describe(least)}"
        help = f"give `{parameter.name}` a number above {describe(least)}"
        if value != least:
            help += f", such as `{primitive.name}({describe(value)}, {describe(least)})`"
    return Diagnostic(
        "E0303",
        f"`{parameter.name}` of `{primitive.name}` must be {bound}, not {describe(value)}",
        Label(span, place),
        helps=(help,),
    )


def without_effect(primitive: Primitive, parameter: Parameter, value: Value, span: Span) -> Diagnostic:
    """An argument that a flag must be set for."""
    return Diagnostic(
        "E0337",
        f"`{parameter.name}` of `{primitive.name}` has no effect without `{parameter.needs}=true`",
        Label(span, f"`{parameter.name}` is {describe(value)} here, and `{parameter.needs}` is false"),
        helps=(f"add `{parameter.needs}=true`, or remove `{parameter.name}`",),
    )


def beyond_limit(primitive: Primitive, parameter: Parameter, value: Value, span: Span) -> Diagnostic:
    why = "a larger one has no use"
    if parameter.name in ("channels", "features", "kernel"):
        why = (
            "a larger layer would not fit in memory"
            if parameter.most == MAX_CHANNELS
            else "a wider filter is nearly flat"
        )
    return Diagnostic(
        "E0304",
        f"`{parameter.name}` of `{primitive.name}` exceeds the limit of {parameter.most:,}",
        Label(span, f"`{parameter.name}` is {describe(value)} here"),
        helps=(f"give it at most {parameter.most:,}: {why}",),
    )


def rate_out_of_range(primitive: Primitive, value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0305",
        f"the rate of `{primitive.name}` must be at least 0 and below 1, not {describe(value)}",
        Label(span, f"`rate` is {describe(value)} here"),
        helps=("write a fraction such as `1 / 10`",),
    )


def wrong_rank(
    primitive: Primitive, parameter: Parameter, value: tuple[Value, ...], rank: int, span: Span
) -> Diagnostic:
    return Diagnostic(
        "E0306",
        f"`{parameter.name}` of `{primitive.name}` has {len(value)} values for a map with {rank} axes",
        Label(span, f"`{parameter.name}` is {describe(value)} here"),
        helps=(f"write one number for all axes, or a list of {rank}",),
    )


def no_axes(primitive: Primitive, shape: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0307",
        f"`{primitive.name}` needs a map, but gets a vector of {shape.channels} values",
        Label(span, "its input is a vector"),
        helps=("move it before the `linear` or `flatten` that turns the map into a vector",),
    )


def groups_do_not_divide(primitive: Primitive, what: str, channels: int, groups: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0308",
        f"{groups} groups do not divide the {channels} {what} channels of `{primitive.name}`",
        Label(span, f"{channels} = {groups} x {channels // groups} + {channels % groups}"),
        helps=(f"choose a number of groups that divides {channels}, such as {find_nearest_divisor(channels, groups)}",),
    )


def find_nearest_divisor(number: int, wanted: int) -> int:
    """The divisor that lies nearest to what was wanted; not 1, which makes no groups, where there is another."""
    divisors = {d for low in range(1, isqrt(number) + 1) if number % low == 0 for d in (low, number // low)}
    return min(divisors - {1} or {1}, key=lambda d: (abs(d - wanted), d))


def padding_too_large(primitive: Primitive, padding: int, kernel: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0309",
        f"the padding {padding} of `{primitive.name}` is more than half its kernel of {kernel}",
        Label(span, "some windows would lie entirely in the padding"),
        helps=(f"use a padding of at most {kernel // 2}",),
    )


def insert_pool(step: Span) -> tuple[str, Edit]:
    """`global_avg_pool |>` in front of a layer that needs a vector, and in front of which layer that is."""
    text = step.source.text
    before = POOLED.search(text, max(0, text.rfind("\n", 0, step.start)), step.start)
    start = before.start() if before else step.start
    first = re.match(r"\w+", text[start:]) if before and before[1] else None
    return f"`{first[0]}`" if first else "it", Edit(Span(step.source, start, start), "global_avg_pool |> ")


def linear_on_map(shape: Shape, features: int, span: Span) -> Diagnostic:
    """A `linear` on a map that was to give scores; inside of a network it works at every position of a map."""
    where, edit = insert_pool(span)
    return Diagnostic(
        "E0310",
        f"the last `linear` needs a vector, but gets a map {show_shape(shape)}",
        Label(span, "its input is a map"),
        helps=(
            f"add `global_avg_pool |>` before {where}",
            f"for scores at every position write `plain_conv({features}, kernel=1, bias=true)`",
        ),
        fix=(edit,),
    )


def pads_to_fewer(have: int, wanted: int, before: int, span: Span) -> Diagnostic:
    extra = wanted - have
    headline = f"`pad_channels({wanted})` cannot remove channels: the input has {have}"
    help = f"pad to {have} or more, or project: `conv({wanted}, kernel=1)` can also remove channels"
    if extra >= 0:
        headline = f"`pad_channels({wanted}, before={before})` has only {extra} channels to add to {have}"
        help = f"write `before={extra // 2}` for equal padding on both sides, at most `before={extra}`"
    return Diagnostic("E0311", headline, Label(span, f"its input has {have} channels"), helps=(help,))


def does_not_split(channels: int, parts: int | tuple[int, ...], span: Span) -> Diagnostic:
    """Channels that are no multiple of a number, or not the sum of stated parts."""
    if isinstance(parts, int):
        what = f"{parts} equal parts"
        equation = f"{channels} = {parts} x {channels // parts} + {channels % parts}"
        help = f"make the channels a multiple of {parts}"
    else:
        what, others = f"parts of {describe(parts)}", sum(parts[:-1])
        equation = f"{' + '.join(map(str, parts))} = {sum(parts)}" if len(parts) > 1 else f"one part of {parts[0]}"
        help = f"write parts whose sum is {channels}"
        if 0 < others < channels:
            help = f"make the last part {channels - others}: the rest of {channels} channels"
    return Diagnostic("E0312", f"{channels} channels cannot be split into {what}", Label(span, equation), helps=(help,))


def ranks_differ(what: str, first: Shape, other: Shape, span: Span, channels: str = "") -> Diagnostic:
    """`channels` is how the channels of both are written, where a vector could weigh a map."""
    help = "make both sides maps or both vectors: `linear` and `flatten` turn a map into a vector"
    if channels:
        ones = ", ".join(["1"] * max(first.rank, other.rank))
        help = f"make the vector a map of one position: `... |> reshape([{channels}, {ones}])`"
    return Diagnostic(
        "E0313",
        f"{what} needs equal numbers of axes: {show_shape(first)} and {show_shape(other)}",
        Label(span, f"{first.rank} axes and {other.rank}"),
        helps=(help,),
    )


def channels_differ(what: str, first: Shape, other: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0315",
        f"`{what}` needs equal shapes: {show_shape(first)} and {show_shape(other)}",
        Label(span, f"channels differ: {first.channels} and {other.channels}"),
        helps=("give all elements of the list the same number of channels",),
    )


def not_constant(primitive: Primitive, shape: Shape, span: Span) -> Diagnostic:
    edit = insert_pool(span)[1]
    return Diagnostic(
        "E0316",
        f"`{primitive.name}` needs sizes that do not depend on the input: {show_shape(shape)}",
        Label(span, "the map still depends on the input size"),
        helps=(f"average the map first: `global_avg_pool |> {primitive.name}...`",),
        fix=(edit,) if primitive.name == "flatten" else (),
    )


def too_many_axes(count: int, span: Span) -> Diagnostic:
    most = len(AXIS_SYMBOLS) - 1
    return Diagnostic(
        "E0336",
        f"a map has at most {most} axes, but this one would have {count}",
        Label(span, f"the channels and {count} axes"),
        helps=(f"write the channels and at most {most} sizes after them, or `regroup` the channels",),
    )


def reshape_differs(have: list[int], wanted: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0317",
        f"cannot reshape {describe(tuple(have))} to {describe(wanted)}",
        Label(span, f"its input has {prod(have)} values"),
        helps=(f"write integers whose product is {prod(have)}",),
    )


def not_broadcast(primitive: Primitive, stored: Value, shape: Shape, span: Span) -> Diagnostic:
    whole = (shape.channels, *(1 for _ in shape.sizes))
    forms = dict.fromkeys(map(describe, ((shape.channels,), whole, (1,), ())))
    return Diagnostic(
        "E0341",
        f"the parameter of `{primitive.name}` cannot have the shape {describe(stored)}",
        Label(span, f"for a map of {shape.channels} channels"),
        helps=(
            f"give it one of the shapes {', '.join(f'`{form}`' for form in forms)}: one number, or one per channel",
        ),
    )
