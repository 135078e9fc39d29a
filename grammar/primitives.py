"""The primitive operations: each one torch call or one published elementary operation, with one shape rule. Data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

REQUIRED: Any = object()
MAX_CHANNELS = 1 << 24  # no larger layer fits into a machine

ShapeRule = Literal[
    "blur",
    "concat",
    "constant_pad",
    "conv",
    "extern",
    "flatten",
    "global",
    "groups",
    "linear",
    "list_same",
    "map",
    "over_channels",
    "over_positions",
    "pad_channels",
    "pool",
    "regroup",
    "reshape",
    "same",
    "space_to_depth",
    "split",
    "subsample",
    "sum",
]
Saved = Literal["", "input", "output", "input and output", "indices", "padded", "mask"]


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter of a primitive. A default of None is derived by the shape rule: a padding of `d (k - 1) / 2`,
    as much behind as before; a number for each channel."""

    name: str
    type: str
    default: Any = REQUIRED
    least: int | None = None  # the smallest legal value of every axis
    initial: bool = False  # only initial values depend on it
    most: int = MAX_CHANNELS  # and the largest
    above: str = ""  # the parameter that it must exceed
    needs: str = ""  # the flag without which it has no effect
    added: bool = False  # came later: no digest of a function mentions it where it has its default


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One operation of the language.

    `attribute` is the name an unlabelled step takes in a block (`#`: its ordinal). `rule` names the shape rule, `state`
    what it keeps in the state dict. `saves` is what autograd keeps for the backward pass: nothing, the input, the
    output, both, the input and the indices of the output, the input and its padded copy, a mask; and `saves_more` maps
    of the input's shape. `saves_first` and `saves_more_first` are these where they differ because no gradient is asked
    for the input, as in the first layer.
    """

    name: str
    parameters: tuple[Parameter, ...]
    attribute: str
    rule: ShapeRule
    state: str = ""
    saves: Saved = ""
    doc: str = ""
    saves_first: Saved | None = None
    saves_more: int = 0
    saves_more_first: int = 0


NORM, ACTIVATIONS = "bn#", ("act#", "gate#")  # the attributes of norms and of activations

CHANNELS = Parameter("channels", "int", least=1)
KERNEL = Parameter("kernel", "size", least=1)
STRIDE = Parameter("stride", "size", 1, least=1)
PADDING = Parameter("padding", "size", None, least=0)
DILATION = Parameter("dilation", "size", 1, least=1)
GROUPS = Parameter("groups", "int", 1, least=1)
NORM_GROUPS = Parameter("groups", "int", 32, least=1)
BIAS = Parameter("bias", "bool", False)
EPS = Parameter("eps", "number", Fraction(1, 100000))
GAIN = Parameter("gain", "number", 1, initial=True)
KAIMING = Parameter("kaiming", "bool", True, initial=True)
STD = Parameter("std", "number", 0, least=0, initial=True)
AFFINE = Parameter("affine", "bool", True, added=True)
SMALL_EPS = Parameter("eps", "number", Fraction(1, 1000000))
CEIL = Parameter("ceil", "bool", False)
BROADCAST = Parameter("shape", "list", None)  # of what is stored
RATE = Parameter("rate", "number", least=0)
CONV = (CHANNELS, KERNEL, STRIDE, PADDING, DILATION, GROUPS, BIAS)
DRAWN = (KAIMING, STD)

_ROWS = (
    Primitive("plain_conv", (*CONV, *DRAWN), "conv#", "conv", "conv", "input", "A convolution."),
    Primitive(
        "std_conv",
        (
            *CONV,
            SMALL_EPS,
            *DRAWN,
            Parameter("scaled", "bool", False, added=True),
            Parameter("gamma", "number", 1, needs="scaled", added=True),
            Parameter("gain", "number", 1, initial=True, needs="scaled"),
        ),
        "conv#",
        "conv",
        "conv",
        "input",
        "A convolution whose weight is standardised over each output channel (Qiao et al. 2019); `scaled`: also "
        "multiplied by `gamma`, over the root of its fan-in, and by a learned gain (Brock et al. 2021).",
    ),
    Primitive(
        "linear",
        (
            Parameter("features", "int", least=1),
            Parameter("bias", "bool", True),
            Parameter("kaiming", "bool", False, initial=True),
            STD,
        ),
        "fc",
        "linear",
        "linear",
        "input",
        "A matrix product over the channels, at every position.",
    ),
    Primitive(
        "batch_norm",
        (EPS, Parameter("momentum", "number", Fraction(1, 10)), GAIN, AFFINE),
        "bn#",
        "same",
        "batch_norm",
        "input",
        "Batch normalisation (Ioffe and Szegedy 2015).",
    ),
    Primitive(
        "group_norm",
        (NORM_GROUPS, EPS, GAIN),
        "bn#",
        "groups",
        "affine",
        "input",
        "Group normalisation (Wu and He 2018).",
    ),
    Primitive(
        "evo_norm_s0",
        (NORM_GROUPS, EPS, GAIN),
        "bn#",
        "groups",
        "affine_v",
        "input",
        "EvoNorm-S0 (Liu et al. 2020): norm and activation in one.",
        saves_first="input",
        saves_more=3,
        saves_more_first=2,
    ),
    Primitive(
        "response_norm",
        (EPS, GAIN),
        "bn#",
        "map",
        "affine_tau",
        "input",
        "Filter response normalisation with its thresholded unit (Singh and Krishnan 2020).",
        saves_first="",
        saves_more=2,
        saves_more_first=2,
    ),
    Primitive(
        "layer_norm",
        (SMALL_EPS, GAIN),
        "bn#",
        "same",
        "affine",
        "input",
        "Layer normalisation over the channels of each position (Ba et al. 2016).",
    ),
    Primitive(
        "rms_norm",
        (SMALL_EPS, GAIN),
        "bn#",
        "same",
        "weight",
        "input",
        "The input over the root of its mean square over the channels of each position (Zhang and Sennrich 2019).",
        saves_first="",
        saves_more=1,
        saves_more_first=1,
    ),
    Primitive(
        "instance_norm",
        (EPS, GAIN, Parameter("affine", "bool", False)),
        "bn#",
        "map",
        "affine",
        "input",
        "Normalisation of each channel of an image by itself (Ulyanov et al. 2016).",
    ),
    Primitive(
        "global_response_norm",
        (SMALL_EPS,),
        "grn#",
        "map",
        "affine",
        "input",
        "A learned share of each channel, by its norm over the mean norm of all channels (Woo et al. 2023).",
        saves_first="",
        saves_more=1,
        saves_more_first=1,
    ),
    Primitive("relu", (), "act#", "same", saves="output", doc="max(x, 0)."),
    Primitive("silu", (), "act#", "same", saves="input", doc="x sigmoid(x)."),
    Primitive("gelu", (), "act#", "same", saves="input", doc="x times the normal distribution function of x."),
    Primitive(
        "leaky_relu",
        (Parameter("slope", "number", Fraction(1, 100)),),
        "act#",
        "same",
        saves="input",
        doc="x where positive, `slope` x elsewhere.",
    ),
    Primitive(
        "prelu",
        (Parameter("slope", "number", Fraction(1, 4), initial=True), Parameter("shared", "bool", False)),
        "act#",
        "same",
        "slope",
        "input",
        "x where positive, a learned slope times x elsewhere (He et al. 2015).",
    ),
    Primitive(
        "elu",
        (Parameter("alpha", "number", 1),),
        "act#",
        "same",
        saves="input",
        doc="x where positive, `alpha` (exp(x) - 1) elsewhere.",
    ),
    Primitive("mish", (), "act#", "same", saves="input", doc="x tanh(log(1 + exp(x)))."),
    Primitive("hard_silu", (), "act#", "same", saves="input", doc="x clip(x / 6 + 1 / 2, 0, 1)."),
    Primitive(
        "clip",
        (Parameter("low", "number"), Parameter("high", "number", above="low")),
        "act#",
        "same",
        saves="input",
        doc="min(max(x, `low`), `high`).",
    ),
    Primitive("tanh", (), "act#", "same", saves="output", doc="The hyperbolic tangent."),
    Primitive("sigmoid", (), "gate#", "same", saves="output", doc="1 / (1 + exp(-x))."),
    Primitive("hard_sigmoid", (), "gate#", "same", saves="input", doc="clip(x / 6 + 1 / 2, 0, 1)."),
    Primitive(
        "max_pool", (KERNEL, STRIDE, PADDING, CEIL), "maxpool", "pool", saves="indices", doc="The maximum of a window."
    ),
    Primitive(
        "avg_pool",
        (KERNEL, STRIDE, PADDING, CEIL, Parameter("count_padding", "bool", True)),
        "avgpool",
        "pool",
        saves="input",
        doc="The mean of a window.",
    ),
    Primitive(
        "blur_pool",
        (Parameter("kernel", "int", 3, least=2, most=64), Parameter("stride", "size", 2, least=1)),
        "blur",
        "blur",
        "filter",
        "padded",
        doc="A fixed binomial filter over reflected borders, then subsampling (Zhang 2019).",
    ),
    Primitive("global_avg_pool", (), "pool", "global", doc="The mean of every channel."),
    Primitive("global_max_pool", (), "pool", "global", saves="input and output", doc="The maximum of every channel."),
    Primitive("global_sum_pool", (), "pool", "global", doc="The sum of every channel."),
    Primitive(
        "position_softmax",
        (),
        "softmax",
        "over_positions",
        saves="output",
        doc="For every channel, across its positions.",
    ),
    Primitive(
        "channel_mean", (), "channel_mean", "over_channels", doc="At every position, the mean over the channels."
    ),
    Primitive(
        "channel_max",
        (),
        "channel_max",
        "over_channels",
        saves="input and output",
        doc="At every position, the maximum over the channels.",
    ),
    Primitive(
        "constant_pad",
        (
            Parameter("amount", "size", least=0),
            Parameter("value", "number", 0),
            Parameter("behind", "size", None, least=0),
        ),
        "pad",
        "constant_pad",
        doc="A border of a constant: `amount` before, `behind` behind each axis.",
    ),
    Primitive(
        "pad_channels",
        (CHANNELS, Parameter("before", "int", 0, least=0, added=True)),
        "pad",
        "pad_channels",
        doc="Zero channels behind the input's, and `before` in front of them.",
    ),
    Primitive(
        "subsample", (Parameter("stride", "size", least=1),), "subsample", "subsample", doc="Every n-th position."
    ),
    Primitive(
        "space_to_depth",
        (Parameter("factor", "size", least=1, most=64),),
        "space_to_depth",
        "space_to_depth",
        doc="The positions of each cell as channels: all channels of its first position, then of the next.",
    ),
    Primitive(
        "split",
        (Parameter("parts", "int or list", least=1),),
        "split",
        "split",
        doc="The channels in equal parts, or in parts of the sizes of a list.",
    ),
    Primitive("concat", (), "concat", "concat", saves="", doc="Channels of a list, one after the other."),
    Primitive("sum", (), "sum", "sum", doc="The sum of a list."),
    Primitive("softmax", (), "softmax", "list_same", saves="output", doc="For every element, across a list."),
    Primitive(
        "regroup",
        (Parameter("groups", "int", least=1), Parameter("parts", "int", least=1)),
        "regroup",
        "regroup",
        doc="Channels read as groups x parts x rest become parts x groups x rest.",
    ),
    Primitive(
        "reshape", (Parameter("shape", "list"),), "reshape", "reshape", doc="Another shape, where all is constant."
    ),
    Primitive("flatten", (), "flatten", "flatten", doc="One axis, where all sizes are constant."),
    Primitive(
        "scale",
        (Parameter("init", "number", 1, initial=True), BROADCAST),
        "scale#",
        "same",
        "parameter",
        "input",
        "The input times a learned factor.",
    ),
    Primitive(
        "shift",
        (Parameter("init", "number", 0, initial=True), BROADCAST),
        "shift#",
        "same",
        "parameter",
        "",
        "The input plus a learned addend.",
    ),
    Primitive("identity", (), "identity", "same", doc="The input."),
    Primitive(
        "dropout", (RATE,), "dropout", "same", saves="mask", doc="Drops values while training (Srivastava et al. 2014)."
    ),
    Primitive(
        "drop_path",
        (RATE,),
        "drop_path",
        "same",
        doc="Drops whole images of a branch while training (Huang et al. 2016).",
    ),
)

PRIMITIVES = {row.name: row for row in _ROWS}

# Those that came after the first texts of edition 1: where a text has such a name of its own, it means what it meant.
LATER = frozenset(
    """
    clip elu global_response_norm global_sum_pool hard_silu instance_norm layer_norm mish position_softmax prelu
    rms_norm scale shift space_to_depth tanh
    """.split()
)

FUNCTIONS = ("ceil", "floor", "floor_log", "len", "max", "min", "nearest", "range", "repeat")
TYPES = ("bool", "int", "layer", "list", "number", "size", "string", "tensor")
CONSTANTS = ("false", "here", "none", "true")
