"""How each primitive is written in PyTorch: the arguments of its module's constructor, or a call in `forward`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from resnetc.compiler.codegen.argument_vectors import Number, Numbers, numbers_of
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf, Sequence
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.grammar.primitives import PRIMITIVES


@record(eq=True)
class Column:
    """One argument of a constructor: written by position or keyword, left out where it has its default everywhere."""

    keyword: str | None
    value: Number | str  # a `string` is written as it is
    type: str = "int"
    role: str = ""  # `in`: the channels of the input; else the language's name of the parameter
    default: Number | None = None


# Classes that torch does not have: they are part of the generated module (templates/helpers.py.j2). What depends on the
# number of axes says so in its name, as torch's do: a network may have maps of several, and `forward` computes no axes.
HELPERS = {
    "std_conv": "StdConv{r}d",
    "scaled_std_conv": "ScaledStdConv{r}d",
    "evo_norm_s0": "EvoNorm{r}dS0",
    "response_norm": "ResponseNorm{r}d",
    "map_layer_norm": "LayerNorm{r}d",
    "rms_norm": "RMSNorm{r}d",
    "global_response_norm": "GlobalResponseNorm{r}d",
    "map_linear": "Linear{r}d",
    "blur_pool": "BlurPool{r}d",
    "global_max_pool": "GlobalMaxPool{r}d",
    "global_sum_pool": "GlobalSumPool{r}d",
    "position_softmax": "PositionSoftmax",
    "channel_mean": "ChannelMean",
    "channel_max": "ChannelMax",
    "pad_channels": "PadChannels{r}d",
    "pad_channels_centred": "PadChannelsCentred{r}d",
    "pad_channels_around": "PadChannelsAround{r}d",
    "space_to_depth": "SpaceToDepth{r}d",
    "subsample": "Subsample{r}d",
    "subsample_view": "SubsampleView{r}d",
    "drop_path": "DropPath{r}d",
    "regroup": "Regroup",
    "reshape": "Reshape",
}
MODULES = {
    "plain_conv": "nn.Conv{r}d",
    "linear": "nn.Linear",
    "batch_norm": "nn.BatchNorm{r}d",
    "group_norm": "nn.GroupNorm",
    "instance_norm": "nn.GroupNorm",
    "layer_norm": "nn.LayerNorm",
    "relu": "nn.ReLU",
    "silu": "nn.SiLU",
    "gelu": "nn.GELU",
    "leaky_relu": "nn.LeakyReLU",
    "prelu": "nn.PReLU",
    "shared_prelu": "nn.PReLU",
    "elu": "nn.ELU",
    "mish": "nn.Mish",
    "hard_silu": "nn.Hardswish",
    "clip": "nn.Hardtanh",  # but see `is_relu6`
    "tanh": "nn.Tanh",
    "sigmoid": "nn.Sigmoid",
    "hard_sigmoid": "nn.Hardsigmoid",
    "max_pool": "nn.MaxPool{r}d",
    "avg_pool": "nn.AvgPool{r}d",
    "global_avg_pool": "nn.AdaptiveAvgPool{r}d",
    "constant_pad": "nn.ConstantPad{r}d",
    "identity": "nn.Identity",
    "dropout": "nn.Dropout",
    "flatten": "nn.Flatten",
}
"""Those of torch; `{r}` is the number of axes."""
FLAGS = frozenset({"scaled", "shared"})  # arguments that choose a form
WITH_FORMS = frozenset({"linear", "layer_norm", "pad_channels"}) | {
    name for name, primitive in PRIMITIVES.items() if any(p.name in FLAGS for p in primitive.parameters)
}
"""The primitives that are several classes, by their arguments or the maps that they take."""

VIEW = "subsample_view"  # `subsample` in a sequence, before what copies its map
POOLED = "PooledLinear"  # `linear` in a sequence, where no line of `forward` takes the axes of its map away


def helper(leaf: Leaf) -> tuple[str, int] | None:
    """The class of a primitive that torch does not have, and the number of axes it is for (0 where any will do)."""
    name = helper_name(leaf)
    if name not in HELPERS:
        return None
    return (name, leaf.shape_in.rank if "{r}" in HELPERS[name] else 0)


def helper_name(leaf: Leaf) -> str:
    """The key of such a class; a form of a primitive that has one of its own is called by that form."""
    name, arguments = leaf.primitive.name, leaf.by_name
    if name not in WITH_FORMS or leaf.external is not None:
        return name
    if name in ("linear", "layer_norm") and leaf.shape_out.rank:
        return f"map_{name}"
    if name == "pad_channels" and arguments["before"]:
        half = (leaf.get_integer("channels") - leaf.shape_in.channels) // 2
        return f"{name}_{'centred' if arguments['before'] == half else 'around'}"
    form = "scaled_" if arguments.get("scaled") else "shared_" if arguments.get("shared") else ""
    return form + name


def forms_in_sequence(sequence: Sequence) -> Iterator[tuple[Leaf, str, tuple[str, int]]]:
    """What is written otherwise for its place in a sequence: the layer, its constructor, the class that torch lacks."""
    leaves = [child if isinstance(child, Leaf) else None for _, child in sequence.children]
    for leaf, following in zip(leaves, [*leaves[1:], None], strict=True):
        if leaf is None:
            continue
        name, rank = helper_name(leaf), leaf.shape_in.rank
        if name == "linear" and rank:
            yield leaf, POOLED, (name, 0)
        if name == "subsample" and following is not None and following.primitive.name == "pad_channels":
            yield leaf, HELPERS[VIEW].format(r=rank), (VIEW, rank)  # what pads copies


def is_relu6(leaf: Leaf) -> bool:
    """Whether a primitive is what torch calls `ReLU6`: a module without arguments, so that no other shares its text."""
    return leaf.primitive.name == "clip" and (leaf.get_argument("low"), leaf.get_argument("high")) == (0, 6)


def module_name(leaf: Leaf) -> str:
    """The constructor of a primitive's module."""
    rank, name = leaf.shape_in.rank, helper_name(leaf)
    if is_relu6(leaf):
        return "nn.ReLU6"
    if name == "batch_norm":
        rank = max(rank, 1)
    return (HELPERS.get(name) or MODULES[name]).format(r=rank)


def columns(leaf: Leaf) -> list[Column]:
    """The constructor's arguments for one occurrence."""
    if leaf.external is not None:
        return external_columns(leaf)
    make = COLUMNS.get(leaf.primitive.name)
    return make(leaf, numbers_of(leaf.arguments)) if make else []


def external_columns(leaf: Leaf) -> list[Column]:
    """The declared parameters of an `extern`, by their names; a `number` is a float."""
    types = {parameter.name: parameter.type for parameter in leaf.primitive.parameters}
    out = []
    for name, value in leaf.arguments:
        if isinstance(value, str):
            out.append(Column(keyword=name, value=text_literal(value), type=types[name], role=name))
        else:
            assert isinstance(value, int | Fraction | tuple)  # by the types that an `extern` may have
            number = Fraction(value) if types[name] == "number" and not isinstance(value, tuple) else value
            out.append(Column(keyword=name, value=numbers_of([(name, number)])[name], type=types[name], role=name))
    return out


def text_literal(text: str) -> str:
    """A text as Python writes it, in double quotes where that needs no escape."""
    quoted = repr(text)
    return f'"{quoted[1:-1]}"' if quoted.startswith("'") and '"' not in text else quoted


def conv(leaf: Leaf, a: Numbers) -> list[Column]:
    out = [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(None, a["channels"], role="channels"),
        Column(keyword=None, value=a["kernel"], type="size", role="kernel"),
        Column(keyword=None, value=a["stride"], type="size", role="stride", default=1),
        Column(keyword="padding", value=a["padding"], type="size", role="padding", default=0),
        Column(keyword="dilation", value=a["dilation"], type="size", role="dilation", default=1),
        Column("groups", a["groups"], role="groups", default=1),
        Column(keyword="bias", value=a["bias"], type="bool", role="bias", default=True),
    ]
    if leaf.primitive.name == "std_conv":
        if a["scaled"]:
            out.append(
                Column(keyword="gamma", value=as_fraction(a["gamma"]), type="number", role="gamma", default=Fraction(1))
            )
        out.append(Column(keyword="eps", value=a["eps"], type="number", role="eps", default=Fraction(1, 1000000)))
    return out


NORM_EPS, MOMENTUM = Fraction(1, 100000), Fraction(1, 10)  # torch's


def batch_norm(leaf: Leaf, a: Numbers) -> list[Column]:
    return [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(keyword="eps", value=a["eps"], type="number", role="eps", default=NORM_EPS),
        Column(keyword="momentum", value=a["momentum"], type="number", role="momentum", default=MOMENTUM),
        Column(keyword="affine", value=a["affine"], type="bool", role="affine", default=True),
    ]


def grouped_norm(leaf: Leaf, a: Numbers) -> list[Column]:
    return [
        Column(None, a["groups"], role="groups"),
        Column(None, leaf.shape_in.channels, role="in"),
        Column(keyword="eps", value=a["eps"], type="number", role="eps", default=NORM_EPS),
    ]


def norm_of_channels(eps: Fraction) -> Callable[[Leaf, Numbers], list[Column]]:
    """A norm whose class has this default of `eps`."""
    return lambda leaf, a: [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(keyword="eps", value=a["eps"], type="number", role="eps", default=eps),
    ]


def instance_norm(leaf: Leaf, a: Numbers) -> list[Column]:
    """A group for each channel: torch's own module refuses a map of one position, whatever the batch."""
    return [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(None, leaf.shape_in.channels, role="in"),
        Column(keyword="eps", value=a["eps"], type="number", role="eps", default=NORM_EPS),
        Column(keyword="affine", value=a["affine"], type="bool", role="affine", default=True),
    ]


def prelu(leaf: Leaf, a: Numbers) -> list[Column]:
    out = [] if a["shared"] else [Column(None, leaf.shape_in.channels, role="in")]
    return [
        *out,
        Column(keyword="init", value=as_fraction(a["slope"]), type="number", role="slope", default=Fraction(1, 4)),
    ]


def pool(leaf: Leaf, a: Numbers) -> list[Column]:
    out = [
        Column(keyword=None, value=a["kernel"], type="size", role="kernel"),
        Column(keyword=None, value=a["stride"], type="size", role="stride"),
        Column(keyword="padding", value=a["padding"], type="size", role="padding", default=0),
        Column(keyword="ceil_mode", value=a["ceil"], type="bool", role="ceil", default=False),
    ]
    if "count_padding" in a:
        out.append(
            Column(
                keyword="count_include_pad", value=a["count_padding"], type="bool", role="count_padding", default=True
            )
        )
    return out


def linear(leaf: Leaf, a: Numbers) -> list[Column]:
    return [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(None, a["features"], role="features"),
        Column(keyword="bias", value=a["bias"], type="bool", role="bias", default=True),
    ]


def blur(leaf: Leaf, a: Numbers) -> list[Column]:
    return [
        Column(None, leaf.shape_in.channels, role="in"),
        Column(None, a["kernel"], role="kernel"),
        Column(keyword=None, value=a["stride"], type="size", role="stride"),
    ]


def both_sides(before: Number, behind: Number, rank: int) -> Number:
    """One number for each side of each axis, the last axis first, as torch's padding modules want them."""
    if isinstance(before, int) and before == behind:
        return before
    assert isinstance(before, int | tuple) and isinstance(behind, int | tuple)
    sides = [(get_size_on_axis(before, i), get_size_on_axis(behind, i)) for i in reversed(range(rank))]
    return tuple(n for pair in sides for n in pair)


def axes_of(value: Number) -> tuple[int, ...]:
    assert isinstance(value, tuple)
    return value


def as_fraction(value: Number) -> Fraction:
    assert isinstance(value, int | Fraction)
    return Fraction(value)


def clip(leaf: Leaf, a: Numbers) -> list[Column]:
    """Bounds are floats: TorchScript takes no others."""
    return (
        []
        if is_relu6(leaf)
        else [Column(keyword=None, value=as_fraction(a[name]), type="number", role=name) for name in ("low", "high")]
    )


def pad_channels(leaf: Leaf, a: Numbers) -> list[Column]:
    """How many channels there are and shall be, or how many come on each side."""
    have, before = leaf.shape_in.channels, leaf.get_integer("before")
    if helper_name(leaf) != "pad_channels_around":
        return [Column(None, have, role="in"), Column(None, a["channels"], role="channels")]
    behind = leaf.get_integer("channels") - have - before
    return [Column(None, before, role="before"), Column(None, behind, role="behind")]


def plain(*names: str, type: str = "int") -> Callable[[Leaf, Numbers], list[Column]]:
    return lambda leaf, a: [Column(keyword=None, value=a[n], type=type, role=n) for n in names]


COLUMNS: dict[str, Callable[[Leaf, Numbers], list[Column]]] = {
    "plain_conv": conv,
    "std_conv": conv,
    "linear": linear,
    "batch_norm": batch_norm,
    "group_norm": grouped_norm,
    "evo_norm_s0": grouped_norm,
    "response_norm": norm_of_channels(NORM_EPS),
    "layer_norm": norm_of_channels(NORM_EPS),
    "rms_norm": norm_of_channels(Fraction(1, 1000000)),
    "instance_norm": instance_norm,
    "global_response_norm": norm_of_channels(Fraction(1, 1000000)),
    "prelu": prelu,
    "leaky_relu": plain("slope", type="number"),
    "elu": lambda leaf, a: [
        Column(keyword=None, value=as_fraction(a["alpha"]), type="number", role="alpha", default=Fraction(1))
    ],
    "clip": clip,
    "max_pool": pool,
    "avg_pool": pool,
    "blur_pool": blur,
    "constant_pad": lambda leaf, a: [
        Column(
            keyword=None, value=both_sides(a["amount"], a["behind"], leaf.shape_in.rank), type="size", role="amount"
        ),
        Column(keyword=None, value=as_fraction(a["value"]), type="number", role="value"),
    ],
    "pad_channels": pad_channels,
    "space_to_depth": plain("factor", type="size"),
    "subsample": plain("stride", type="size"),
    "dropout": plain("rate", type="number"),
    "drop_path": plain("rate", type="number"),
    "global_avg_pool": lambda leaf, a: [Column(None, 1)],
    "flatten": lambda leaf, a: [],
    "regroup": plain("groups", "parts"),
    "reshape": lambda leaf, a: [Column(None, n, role=f"size{i}") for i, n in enumerate(axes_of(a["shape"]))],
}


def gain(leaf: Leaf) -> Number | None:
    """The initial weight of a norm, or gain of a convolution; None where it is 1 or there is none."""
    value = leaf.by_name.get("gain", 1)
    if value == 1 or leaf.external is not None or not leaf.has_parameters:
        return None
    assert isinstance(value, int | Fraction)  # by its type in the table
    return value


def gain_parameter(leaf: Leaf) -> str:
    """The parameter that begins as `gain`."""
    return "gain" if leaf.primitive.state == "conv" else "weight"
