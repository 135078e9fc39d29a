"""The shape rules: what each primitive makes of a shape, and what it demands of every input size."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, prod
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.ir.network import Condition
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.sizes import constant, evaluate, is_constant, show, step
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import KERNEL, REQUIRED, Parameter, Primitive

Args = dict[str, Any]
AXES = ("", "L", "HW", "DHW")
MAX_CHANNELS = 2**24


def show_shape(shape: Shape, symbols: tuple[str | None, ...] = ()) -> str:
    """`[256, ceil(H / 4), ceil(W / 4)]`."""
    names = symbols or tuple(AXES[shape.rank])
    return (
        f"[{', '.join([str(shape.channels), *(show(f, n or 'H') for f, n in zip(shape.sizes, names, strict=False))])}]"
    )


def axis(value: Any, i: int) -> int:
    """The number of one axis of a `size`."""
    return value[i] if isinstance(value, tuple) else value  # type: ignore[no-any-return]


def settle(primitive: Primitive, given: Args, rank: int, span: Span) -> Args:
    """All arguments of a primitive: defaults filled in, sizes fit to the rank, ranges checked."""
    args: Args = {}
    for parameter in primitive.parameters:
        value = given.get(parameter.name, parameter.default)
        if value is REQUIRED:
            raise Fault(errors.missing_argument(primitive.name, parameter.name, span, primitive))
        if parameter.type == "size" and isinstance(value, tuple) and len(value) != rank:
            raise Fault(wrong_rank(primitive, parameter, value, rank, span))
        check_range(primitive, parameter, value, span)
        args[parameter.name] = value
    if "padding" in args and args["padding"] is None:
        dilation, kernel = args.get("dilation", 1), args["kernel"]
        pads = tuple(axis(dilation, i) * (axis(kernel, i) - 1) // 2 for i in range(rank))
        args["padding"] = pads[0] if len(set(pads)) == 1 else pads
    if "behind" in args and args["behind"] is None:
        args["behind"] = args["amount"]
    return args


def check_range(primitive: Primitive, parameter: Parameter, value: Any, span: Span) -> None:
    least = parameter.least
    values = value if isinstance(value, tuple) else (value,)
    if parameter.name == "rate" and not 0 <= value < 1:
        raise Fault(rate_out_of_range(primitive, value, span))
    if least is None or value is None:
        return
    for v in values:
        if v < least:
            raise Fault(out_of_range(primitive, parameter, value, least, span))
        if v > parameter.most:
            raise Fault(beyond_limit(primitive, parameter, value, span))


def rule(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    """The shapes that an operation gives for its inputs; what it demands of sizes is added to `demands`."""
    return RULES[primitive.rule](primitive, args, inputs, span, constraints)


def windows(
    primitive: Primitive,
    args: Args,
    shape: Shape,
    span: Span,
    constraints: list[Condition],
    deltas: list[int],
    needs: list[int],
) -> Shape:
    """A sliding window on every axis: `ceil((n + delta) / stride)`, which demands `n >= need`."""
    sizes = []
    for i, fn in enumerate(shape.sizes):
        if needs[i] > 1:
            constraints.append(Condition("at_least", i, fn, needs[i], span, f"`{primitive.name}`"))
        sizes.append(step(fn, axis(args["stride"], i), deltas[i]))
    return Shape(shape.channels, tuple(sizes))


def conv(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    channels, groups = args["channels"], args["groups"]
    needs_axes(primitive, shape, span)
    for what, count in (("input", shape.channels), ("output", channels)):
        if count % groups:
            raise Fault(groups_do_not_divide(primitive, what, count, groups, span))
    if primitive.name == "std_conv" and shape.channels == groups and args["kernel"] == 1:  # one weight has no deviation
        raise Fault(out_of_range(primitive, KERNEL, 1, 2, span))
    reach = [axis(args["dilation"], i) * (axis(args["kernel"], i) - 1) for i in range(shape.rank)]
    pad = [2 * axis(args["padding"], i) for i in range(shape.rank)]
    out = windows(
        primitive,
        args,
        shape,
        span,
        constraints,
        [p - r for p, r in zip(pad, reach, strict=True)],
        [r + 1 - p for p, r in zip(pad, reach, strict=True)],
    )
    return [Shape(channels, out.sizes)]


def pool(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    needs_axes(primitive, shape, span)
    deltas, needs = [], []
    for i in range(shape.rank):
        k, s, p = axis(args["kernel"], i), axis(args["stride"], i), axis(args["padding"], i)
        if 2 * p > k:
            raise Fault(padding_too_large(primitive, p, k, span))
        delta = p + min(0, p + s - k) if args["ceil"] else 2 * p - (k - 1)
        deltas.append(delta)
        needs.append(k if primitive.name == "avg_pool" and shape.rank == 3 else 1 - delta)  # k >= 1 - delta
    return [windows(primitive, args, shape, span, constraints, deltas, needs)]


def blur(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    needs_axes(primitive, shape, span)
    k = args["kernel"]
    border = [(axis(args["stride"], i) + k - 2) // 2 for i in range(shape.rank)]
    deltas = [2 * q - (k - 1) for q in border]
    needs = [max(q + 1, k - 2 * q) for q in border]  # the reflection, and one window
    return [windows(primitive, args, shape, span, constraints, deltas, needs)]


def same(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    if primitive.name == "response_norm":  # its mean is over the axes
        needs_axes(primitive, inputs[0], span)
    return [inputs[0]]


def groups(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    if inputs[0].channels % args["groups"]:
        raise Fault(groups_do_not_divide(primitive, "input", inputs[0].channels, args["groups"], span))
    return [inputs[0]]


def global_pool(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    needs_axes(primitive, inputs[0], span)
    return [Shape(inputs[0].channels, (constant(1),) * inputs[0].rank)]


def linear(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    if any(not is_constant(f) or evaluate(f, 1) > 1 for f in shape.sizes):  # below 1: refused where it arose
        raise Fault(linear_on_map(shape, span))
    return [Shape(args["features"], ())]


def pad_constant(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    needs_axes(primitive, shape, span)
    added = [axis(args["amount"], i) + axis(args["behind"], i) for i in range(shape.rank)]
    return [Shape(shape.channels, tuple(step(f, 1, n) for f, n in zip(shape.sizes, added, strict=True)))]


def pad_channels(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    if args["channels"] < shape.channels:
        raise Fault(pads_to_fewer(shape.channels, args["channels"], span))
    return [Shape(args["channels"], shape.sizes)]


def subsample(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    needs_axes(primitive, shape, span)
    return [Shape(shape.channels, tuple(step(f, axis(args["stride"], i), 0) for i, f in enumerate(shape.sizes)))]


def split(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    if shape.channels % args["parts"]:
        raise Fault(does_not_split(shape.channels, args["parts"], span))
    return [Shape(shape.channels // args["parts"], shape.sizes)] * args["parts"]


def agree(inputs: tuple[Shape, ...], what: str, span: Span, constraints: list[Condition]) -> None:
    """Maps that are put together have equal sizes on every axis."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.rank != first.rank:
            raise Fault(ranks_differ(what, first, other, span))
        for i, (f, g) in enumerate(zip(first.sizes, other.sizes, strict=True)):
            if f != g:
                constraints.append(Condition("equal", i, f, g, span, what))


def concat(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    agree(inputs, "`concat`", span, constraints)
    return [Shape(sum(s.channels for s in inputs), inputs[0].sizes)]


def equals(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    agree(inputs, f"`{primitive.name}`", span, constraints)
    for other in inputs[1:]:
        if other.channels != inputs[0].channels:
            raise Fault(channels_differ(primitive.name, inputs[0], other, span))
    return list(inputs) if primitive.rule == "list_same" else [inputs[0]]


def regroup(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    if inputs[0].channels % (args["groups"] * args["parts"]):
        raise Fault(does_not_split(inputs[0].channels, args["groups"] * args["parts"], span))
    return [inputs[0]]


def constant_sizes(primitive: Primitive, shape: Shape, span: Span) -> list[int]:
    if not all(is_constant(f) for f in shape.sizes):
        raise Fault(not_constant(primitive, shape, span))
    return [evaluate(f, 1) for f in shape.sizes]


def reshape(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    wanted = args["shape"]
    have = [shape.channels, *constant_sizes(primitive, shape, span)]
    whole = bool(wanted) and all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in wanted)
    if not whole or prod(wanted) != prod(have):
        raise Fault(reshape_differs(have, wanted, span))
    if len(wanted) > len(AXES):
        raise Fault(too_many_axes(len(wanted) - 1, span))
    return [Shape(wanted[0], tuple(constant(n) for n in wanted[1:]))]


def flatten(
    primitive: Primitive, args: Args, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    return [Shape(shape.channels * prod(constant_sizes(primitive, shape, span)), ())]


Rule = Callable[[Primitive, Args, tuple[Shape, ...], Span, list[Condition]], list[Shape]]

RULES: dict[str, Rule] = {
    "conv": conv,
    "pool": pool,
    "blur": blur,
    "same": same,
    "groups": groups,
    "global": global_pool,
    "linear": linear,
    "constant_pad": pad_constant,
    "pad_channels": pad_channels,
    "subsample": subsample,
    "split": split,
    "concat": concat,
    "sum": equals,
    "list_same": equals,
    "regroup": regroup,
    "reshape": reshape,
    "flatten": flatten,
}


def needs_axes(primitive: Primitive, shape: Shape, span: Span) -> None:
    if not shape.rank:
        raise Fault(no_axes(primitive, shape, span))


def out_of_range(primitive: Primitive, parameter: Parameter, value: Any, least: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0303",
        f"`{parameter.name}` of `{primitive.name}` must be at least {least}, not {describe(value)}",
        Label(span, f"`{parameter.name}` is {describe(value)} here"),
        helps=(f"give it {least} or more" + (" channels" if parameter.name == "channels" else ""),),
    )


def beyond_limit(primitive: Primitive, parameter: Parameter, value: Any, span: Span) -> Diagnostic:
    why = (
        "a larger layer would not fit in memory" if parameter.most == MAX_CHANNELS else "a wider filter is nearly flat"
    )
    return Diagnostic(
        "E0304",
        f"`{parameter.name}` of `{primitive.name}` exceeds the limit of {parameter.most:_}",
        Label(span, f"`{parameter.name}` is {describe(value)} here"),
        helps=(f"give it at most {parameter.most:_}: {why}",),
    )


def rate_out_of_range(primitive: Primitive, value: Any, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0305",
        f"the rate of `{primitive.name}` must be at least 0 and below 1, not {describe(value)}",
        Label(span, f"`rate` is {describe(value)} here"),
        helps=("write a fraction such as `1 / 10`",),
    )


def wrong_rank(primitive: Primitive, parameter: Parameter, value: Any, rank: int, span: Span) -> Diagnostic:
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
        helps=(f"choose a number of groups that divides {channels}, such as {gcd(channels, groups)}",),
    )


def padding_too_large(primitive: Primitive, padding: int, kernel: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0309",
        f"the padding {padding} of `{primitive.name}` is more than half its kernel of {kernel}",
        Label(span, "some windows would lie entirely in the padding"),
        helps=(f"use a padding of at most {kernel // 2}",),
    )


def linear_on_map(shape: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0310",
        f"`linear` needs a vector, but gets a map {show_shape(shape)}",
        Label(span, "its input is a map"),
        helps=("add `global_avg_pool |>` before it",),
    )


def pads_to_fewer(have: int, wanted: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0311",
        f"`pad_channels({wanted})` cannot remove channels: the input has {have}",
        Label(span, f"its input has {have} channels"),
        helps=(f"pad to {have} or more, or project: `conv({wanted}, kernel=1)` can also remove channels",),
    )


def does_not_split(channels: int, parts: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0312",
        f"{channels} channels cannot be split into {parts} equal parts",
        Label(span, f"{channels} = {parts} x {channels // parts} + {channels % parts}"),
        helps=(f"make the channels a multiple of {parts}",),
    )


def ranks_differ(what: str, first: Shape, other: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0313",
        f"{what} needs equal numbers of axes: {show_shape(first)} and {show_shape(other)}",
        Label(span, f"{first.rank} axes and {other.rank}"),
        helps=("make both sides maps or both vectors: `linear` and `flatten` turn a map into a vector",),
    )


def channels_differ(what: str, first: Shape, other: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0315",
        f"`{what}` needs equal shapes: {show_shape(first)} and {show_shape(other)}",
        Label(span, f"channels differ: {first.channels} and {other.channels}"),
        helps=("give all elements of the list the same number of channels",),
    )


def not_constant(primitive: Primitive, shape: Shape, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0316",
        f"`{primitive.name}` needs sizes that do not depend on the input: {show_shape(shape)}",
        Label(span, "the map still depends on the input size"),
        helps=(f"average the map first: `global_avg_pool |> {primitive.name}...`",),
    )


def too_many_axes(count: int, span: Span) -> Diagnostic:
    most = len(AXES) - 1
    return Diagnostic(
        "E0336",
        f"a map has at most {most} axes, but this one would have {count}",
        Label(span, f"the channels and {count} axes"),
        helps=(f"write the channels and at most {most} sizes after them, or `regroup` the channels",),
    )


def reshape_differs(have: list[int], wanted: Any, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0317",
        f"cannot reshape {describe(tuple(have))} to {describe(wanted)}",
        Label(span, f"its input has {prod(have)} values"),
        helps=(f"write integers whose product is {prod(have)}",),
    )
