"""The shape rules: the output shapes of each primitive, and its conditions on the sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.values import Value
from resnetc.compiler.ir.network import Condition, Leaf
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes import errors
from resnetc.compiler.shapes.arguments import Arguments, get_integer, get_integers, get_size_on_axis, list_sizes
from resnetc.compiler.shapes.format_shapes import AXIS_SYMBOLS
from resnetc.compiler.sizes import constant, evaluate, is_constant, step
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import KERNEL, Primitive, ShapeRule


def infer_shapes(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    """The shapes that an operation gives for its inputs; what it demands of sizes is added to `constraints`."""
    return RULES[primitive.rule](primitive, arguments, inputs, span, constraints)


def list_conditions(leaf: Leaf) -> Sequence[Condition]:
    """What an operation demands of the sizes that it gets."""
    if leaf.external is not None:
        return leaf.external.conditions
    constraints: list[Condition] = []
    infer_shapes(leaf.primitive, leaf.by_name, leaf.inputs, leaf.span, constraints)
    return constraints


def slide_windows(
    primitive: Primitive,
    arguments: Arguments,
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
            constraints.append(
                Condition(kind="at_least", axis=i, fn=fn, other=needs[i], span=span, text=f"`{primitive.name}`")
            )
        sizes.append(step(fn, get_size_on_axis(arguments["stride"], i), deltas[i]))
    return Shape(shape.channels, tuple(sizes))


def infer_conv(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    channels, groups = get_integer(arguments, "channels"), get_integer(arguments, "groups")
    require_axes(primitive, shape, span)
    for what, count in (("input", shape.channels), ("output", channels)):
        if count % groups:
            raise Fault(errors.groups_do_not_divide(primitive, what, count, groups, span))
    if primitive.name == "std_conv" and shape.channels == groups and arguments["kernel"] == 1:
        # A single weight has no deviation.
        raise Fault(errors.out_of_range(primitive, KERNEL, 1, 2, span))
    dilation, kernel, padding = (list_sizes(arguments[name], shape.rank) for name in ("dilation", "kernel", "padding"))
    deltas = [2 * p - d * (k - 1) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    out = slide_windows(primitive, arguments, shape, span, constraints, deltas, [1 - delta for delta in deltas])
    return [Shape(channels, out.sizes)]


def infer_pool(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    require_axes(primitive, shape, span)
    kernel, stride, padding = (list_sizes(arguments[name], shape.rank) for name in ("kernel", "stride", "padding"))
    deltas, needs = [], []
    for k, s, p in zip(kernel, stride, padding, strict=True):
        if 2 * p > k:
            raise Fault(errors.padding_too_large(primitive, p, k, span))
        delta = p + min(0, p + s - k) if arguments["ceil"] else 2 * p - (k - 1)
        deltas.append(delta)
        needs.append(k if primitive.name == "avg_pool" and shape.rank == 3 else 1 - delta)  # k >= 1 - delta
    return [slide_windows(primitive, arguments, shape, span, constraints, deltas, needs)]


def infer_blur(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    require_axes(primitive, shape, span)
    k = get_integer(arguments, "kernel")
    border = [(stride + k - 2) // 2 for stride in list_sizes(arguments["stride"], shape.rank)]
    deltas = [2 * q - (k - 1) for q in border]
    needs = [max(q + 1, k - 2 * q) for q in border]  # the reflection, and one window
    return [slide_windows(primitive, arguments, shape, span, constraints, deltas, needs)]


def infer_same(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    if primitive.state == "parameter":
        require_broadcast(primitive, arguments["shape"], inputs[0], span)
    return [inputs[0]]


def infer_same_map(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    require_axes(primitive, inputs[0], span)  # what it computes is over the axes
    return [inputs[0]]


def require_broadcast(primitive: Primitive, stored: Value, shape: Shape, span: Span) -> None:
    """A parameter is one number, or one for each channel, without axes behind it or with all of them."""
    one, each = (1,), (shape.channels,)
    behind = (1,) * shape.rank
    assert isinstance(stored, tuple)  # by its type in the table
    if any(isinstance(n, bool) for n in stored) or stored not in ((), one, each, (*one, *behind), (*each, *behind)):
        raise Fault(errors.not_broadcast(primitive, stored, shape, span))


def infer_grouped(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    channels, groups = inputs[0].channels, get_integer(arguments, "groups")
    if channels % groups:
        raise Fault(errors.groups_do_not_divide(primitive, "input", channels, groups, span))
    return [inputs[0]]


def infer_global_pool(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    require_axes(primitive, inputs[0], span)
    return [Shape(inputs[0].channels, (constant(1),) * inputs[0].rank)]


def infer_over_channels(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    return [Shape(1, inputs[0].sizes)]


def infer_linear(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    is_pooled = all(is_constant(f) and evaluate(f, 1) <= 1 for f in shape.sizes)  # below 1: refused where it arose
    return [Shape(get_integer(arguments, "features"), () if is_pooled else shape.sizes)]


def infer_constant_pad(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    require_axes(primitive, shape, span)
    amount, behind = (list_sizes(arguments[name], shape.rank) for name in ("amount", "behind"))
    triples = zip(shape.sizes, amount, behind, strict=True)
    return [Shape(shape.channels, tuple(step(f, 1, before + after) for f, before, after in triples))]


def infer_pad_channels(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    channels, before = get_integer(arguments, "channels"), get_integer(arguments, "before")
    if channels < shape.channels + before:
        raise Fault(errors.pads_to_fewer(shape.channels, channels, before, span))
    return [Shape(channels, shape.sizes)]


def infer_subsample(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    require_axes(primitive, shape, span)
    strides = list_sizes(arguments["stride"], shape.rank)
    return [Shape(shape.channels, tuple(step(f, stride, 0) for f, stride in zip(shape.sizes, strides, strict=True)))]


def infer_space_to_depth(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    require_axes(primitive, shape, span)
    factors = list_sizes(arguments["factor"], shape.rank)
    for i, (fn, factor) in enumerate(zip(shape.sizes, factors, strict=True)):
        if factor > 1:
            text = f"`{primitive.name}`"
            constraints.append(Condition(kind="multiple", axis=i, fn=fn, other=factor, span=span, text=text))
    sizes = tuple(step(fn, factor, 0) for fn, factor in zip(shape.sizes, factors, strict=True))
    return [Shape(shape.channels * prod(factors), sizes)]


def infer_split(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    if isinstance(arguments["parts"], tuple):
        widths = get_integers(arguments, "parts")
        if sum(widths) != shape.channels:
            raise Fault(errors.does_not_split(shape.channels, widths, span))
        return [Shape(width, shape.sizes) for width in widths]
    parts = get_integer(arguments, "parts")
    if shape.channels % parts:
        raise Fault(errors.does_not_split(shape.channels, parts, span))
    return [Shape(shape.channels // parts, shape.sizes)] * parts


def require_equal_sizes(inputs: tuple[Shape, ...], what: str, span: Span, constraints: list[Condition]) -> None:
    """Maps that are put together have equal sizes on every axis."""
    first = inputs[0]
    for other in inputs[1:]:
        if other.rank != first.rank:
            raise Fault(errors.ranks_differ(what, first, other, span))
        for i, (f, g) in enumerate(zip(first.sizes, other.sizes, strict=True)):
            if f != g:
                constraints.append(Condition(kind="equal", axis=i, fn=f, other=g, span=span, text=what))


def infer_concat(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    require_equal_sizes(inputs, "`concat`", span, constraints)
    return [Shape(sum(s.channels for s in inputs), inputs[0].sizes)]


def infer_elementwise(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    require_equal_sizes(inputs, f"`{primitive.name}`", span, constraints)
    for other in inputs[1:]:
        if other.channels != inputs[0].channels:
            raise Fault(errors.channels_differ(primitive.name, inputs[0], other, span))
    return list(inputs) if primitive.rule == "list_same" else [inputs[0]]


def infer_regroup(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    count = get_integer(arguments, "groups") * get_integer(arguments, "parts")
    if inputs[0].channels % count:
        raise Fault(errors.does_not_split(inputs[0].channels, count, span))
    return [inputs[0]]


def require_constant_sizes(primitive: Primitive, shape: Shape, span: Span) -> list[int]:
    if not all(is_constant(f) for f in shape.sizes):
        raise Fault(errors.not_constant(primitive, shape, span))
    return [evaluate(f, 1) for f in shape.sizes]


def infer_reshape(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    wanted = arguments["shape"]
    assert isinstance(wanted, tuple)  # by its type in the table
    have = [shape.channels, *require_constant_sizes(primitive, shape, span)]
    sizes = [n for n in wanted if isinstance(n, int) and not isinstance(n, bool) and n >= 1]
    if not sizes or len(sizes) != len(wanted) or prod(sizes) != prod(have):
        raise Fault(errors.reshape_differs(have, wanted, span))
    if len(wanted) > len(AXIS_SYMBOLS):
        raise Fault(errors.too_many_axes(len(wanted) - 1, span))
    return [Shape(sizes[0], tuple(constant(n) for n in sizes[1:]))]


def infer_flatten(
    primitive: Primitive, arguments: Arguments, inputs: tuple[Shape, ...], span: Span, constraints: list[Condition]
) -> list[Shape]:
    (shape,) = inputs
    return [Shape(shape.channels * prod(require_constant_sizes(primitive, shape, span)), ())]


Rule = Callable[[Primitive, Arguments, tuple[Shape, ...], Span, list[Condition]], list[Shape]]

RULES: dict[ShapeRule, Rule] = {
    "conv": infer_conv,
    "pool": infer_pool,
    "blur": infer_blur,
    "same": infer_same,
    "map": infer_same_map,
    "groups": infer_grouped,
    "global": infer_global_pool,
    "over_channels": infer_over_channels,
    "over_positions": infer_same_map,
    "linear": infer_linear,
    "constant_pad": infer_constant_pad,
    "pad_channels": infer_pad_channels,
    "subsample": infer_subsample,
    "space_to_depth": infer_space_to_depth,
    "split": infer_split,
    "concat": infer_concat,
    "sum": infer_elementwise,
    "list_same": infer_elementwise,
    "regroup": infer_regroup,
    "reshape": infer_reshape,
    "flatten": infer_flatten,
}


def require_axes(primitive: Primitive, shape: Shape, span: Span) -> None:
    if not shape.rank:
        raise Fault(errors.no_axes(primitive, shape, span))
