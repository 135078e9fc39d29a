"""The shape rules one by one, without a spec: windows against torch, the limits of arguments at their edges."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.ir.network import Condition
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.arguments import complete_arguments, get_size_on_axis
from resnetc.compiler.shapes.format_shapes import show_shape
from resnetc.compiler.shapes.rules import infer_shapes
from resnetc.compiler.sizes import constant, evaluate, identity, step
from resnetc.compiler.source import Source, Span
from resnetc.grammar.primitives import MAX_CHANNELS, PRIMITIVES

H = identity()
HERE = Span(Source("t.resnet", "here"), 0, 4)
Args = dict[str, Any]


def arguments(name: str, rank: int = 2, **given: Any) -> Args:
    return complete_arguments(PRIMITIVES[name], given, rank, HERE)


def applied(name: str, *inputs: Shape, **given: Any) -> tuple[list[Shape], list[Condition]]:
    """The outputs of a primitive, and what it demands."""
    constraints: list[Condition] = []
    settled = arguments(name, inputs[0].rank, **given)
    return infer_shapes(PRIMITIVES[name], settled, inputs, HERE, constraints), constraints


def refusal(name: str, *inputs: Shape, **given: Any) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        applied(name, *inputs, **given)
    return caught.value.diagnostic.code, caught.value.diagnostic.message


# -- windows ----------------------------------------------------------------------------------------------------------


def per_axis(value: Any, rank: int) -> list[int]:
    return [get_size_on_axis(value, i) for i in range(rank)]


def both_sides(amounts: list[int], behind: list[int]) -> list[int]:
    """As `F.pad` takes them: the last axis first."""
    return [n for pair in reversed(list(zip(amounts, behind, strict=True))) for n in pair]


def convolved(x: Tensor, given: Args) -> Tensor:
    rank = x.dim() - 2
    conv: Callable[..., Tensor] = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    weight = torch.zeros(1, 1, *per_axis(given["kernel"], rank))
    return conv(x, weight, None, *(given[name] for name in ("stride", "padding", "dilation")))


def pooled(x: Tensor, given: Args) -> Tensor:
    pool: Callable[..., Tensor] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.dim() - 3]
    return pool(x, given["kernel"], given["stride"], given["padding"], ceil_mode=given["ceil"])


def averaged(x: Tensor, given: Args) -> Tensor:
    pool: Callable[..., Tensor] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.dim() - 3]
    return pool(x, given["kernel"], given["stride"], given["padding"], given["ceil"])


def blurred(x: Tensor, given: Args) -> Tensor:
    """Zhang's filter with the border that keeps a map's size up to the stride."""
    rank, k, strides = x.dim() - 2, given["kernel"], per_axis(given["stride"], x.dim() - 2)
    border = [((s - 1) + (k - 1)) // 2 for s in strides]
    conv: Callable[..., Tensor] = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return conv(F.pad(x, both_sides(border, border), "reflect"), torch.zeros(1, 1, *[k] * rank), stride=strides)


def padded(x: Tensor, given: Args) -> Tensor:
    rank = x.dim() - 2
    return F.pad(x, both_sides(per_axis(given["amount"], rank), per_axis(given["behind"], rank)))


def subsampled(x: Tensor, given: Args) -> Tensor:
    for i, stride in enumerate(per_axis(given["stride"], x.dim() - 2)):
        x = x.index_select(2 + i, torch.arange(0, x.shape[2 + i], stride))
    return x


REAL = {
    "plain_conv": convolved,
    "max_pool": pooled,
    "avg_pool": averaged,
    "blur_pool": blurred,
    "constant_pad": padded,
    "subsample": subsampled,
}


WIDTH: dict[str, Args] = {"plain_conv": {"channels": 1}}


def windows(*names: str, **choices: tuple[Any, ...]) -> list[tuple[str, Args]]:
    rows = [dict(zip(choices, row, strict=True)) for row in product(*choices.values())]
    rows = [row for row in rows if not (isinstance(p := row.get("padding"), int) and 2 * p > row["kernel"])]
    return [(name, row) for name in names for row in rows]


LINES = [
    *windows("plain_conv", kernel=(1, 2, 3, 5), stride=(1, 2, 3), padding=(0, 1, 2), dilation=(1, 3)),
    *windows("plain_conv", kernel=(2, 3, 4), stride=(2,), dilation=(1, 2)),
    *windows("max_pool", "avg_pool", kernel=(1, 2, 3, 5), stride=(1, 2, 3), padding=(0, 1, 2), ceil=(False, True)),
    *windows("max_pool", "avg_pool", kernel=(2, 3, 5), stride=(4,), ceil=(False, True)),
    *windows("blur_pool", kernel=(2, 3, 4, 5), stride=(1, 2, 3)),
    *windows("constant_pad", amount=(0, 2)),
    *windows("constant_pad", amount=(1,), behind=(0, 3)),
    *windows("subsample", stride=(1, 2, 5)),
]
MAPS: list[tuple[str, int, Args]] = [
    ("plain_conv", 2, {"kernel": (1, 5), "stride": (2, 1)}),
    ("plain_conv", 2, {"kernel": (3, 5), "padding": (0, 1), "dilation": (2, 1), "stride": (1, 3)}),
    ("plain_conv", 3, {"kernel": (1, 2, 3), "stride": (3, 2, 1), "dilation": (1, 4, 2)}),
    ("max_pool", 2, {"kernel": (2, 5), "stride": (3, 2), "padding": (0, 2), "ceil": True}),
    ("max_pool", 3, {"kernel": (3, 1, 2), "stride": (1, 2, 3)}),
    ("avg_pool", 2, {"kernel": (4, 2), "stride": (1, 2), "padding": (2, 0)}),
    ("avg_pool", 3, {"kernel": (3, 5, 2), "stride": (1, 2, 3), "padding": (1, 2, 1), "ceil": True}),
    ("blur_pool", 2, {"kernel": 3, "stride": (1, 2)}),
    ("constant_pad", 2, {"amount": (1, 0), "behind": (2, 4)}),
    ("constant_pad", 3, {"amount": (0, 1, 2)}),
    ("subsample", 3, {"stride": (1, 2, 3)}),
]


def runs(name: str, sizes: tuple[int, ...], given: Args) -> tuple[int, ...] | None:
    """The sizes of torch's output, None where it refuses."""
    try:
        out = REAL[name](torch.zeros(1, 1, *sizes), given)
    except (RuntimeError, ValueError):
        return None
    return tuple(out.shape[2:]) if all(out.shape[2:]) else None


@pytest.mark.parametrize("name", REAL)
def test_a_window_has_the_size_and_the_least_input_of_torch(name: str) -> None:
    """Along one axis, at every size up to 12, with all the kernels, strides, paddings and dilations of the table."""
    for given in (row for other, row in LINES if other == name):
        given = given | WIDTH.get(name, {})
        settled = arguments(name, 1, **given)
        (out,), constraints = applied(name, Shape(1, (H,)), **given)
        for n in range(1, 13):
            holds = all(evaluate(d.fn, n) >= d.other for d in constraints if isinstance(d.other, int))
            predicted = (evaluate(out.sizes[0], n),) if holds else None
            assert predicted == runs(name, (n,), settled), (given, n)
        assert constraints == [] or runs(name, (1,), settled) is None, given  # what always holds is not demanded
        assert {d.kind for d in constraints} <= {"at_least"} and all(d.text == f"`{name}`" for d in constraints)


@pytest.mark.parametrize(("name", "rank", "given"), MAPS)
def test_each_axis_has_its_own_window(name: str, rank: int, given: Args) -> None:
    given = given | WIDTH.get(name, {})
    settled = arguments(name, rank, **given)
    (out,), constraints = applied(name, Shape(1, (H,) * rank), **given)
    for i, n in product(range(rank), (*range(1, 13), 20)):
        sizes = tuple(n if j == i else 20 for j in range(rank))
        holds = all(evaluate(d.fn, sizes[d.axis]) >= d.other for d in constraints if isinstance(d.other, int))
        predicted = tuple(evaluate(f, n) for f, n in zip(out.sizes, sizes, strict=True)) if holds else None
        assert predicted == runs(name, sizes, settled), sizes


@pytest.mark.parametrize(
    ("given", "padding"),
    [
        ({"kernel": 3}, 1),
        ({"kernel": 4, "dilation": 3}, 4),
        ({"kernel": (3, 5)}, (1, 2)),
        ({"kernel": (5, 5)}, 2),
        ({"kernel": (3, 5), "dilation": (2, 1)}, 2),
        ({"kernel": 3, "dilation": (1, 2)}, (1, 2)),
        ({"kernel": 3, "padding": 0}, 0),
        ({"kernel": (3, 5), "padding": (0, 7)}, (0, 7)),
    ],
)
def test_a_padding_not_given_is_half_the_reach_of_the_kernel(given: Args, padding: Any) -> None:
    """One number where it is the same on every axis, as it would be written."""
    assert arguments("plain_conv", **WIDTH["plain_conv"], **given)["padding"] == padding


# -- the edges of what is allowed -------------------------------------------------------------------------------------


def vector(channels: int) -> Shape:
    return Shape(channels, ())


def map_of(channels: int, *sizes: Any) -> Shape:
    return Shape(channels, sizes or (H, H))


@pytest.mark.parametrize("name", ["dropout", "drop_path"])
def test_a_rate_is_from_0_to_just_below_1(name: str) -> None:
    for rate in (0, Fraction(1, 2), 1 - Fraction(1, 2**50)):
        assert applied(name, map_of(4), rate=rate)[0] == [map_of(4)]
    for rate in (1, Fraction(3, 2), Fraction(-1, 2)):
        assert refusal(name, map_of(4), rate=rate)[0] == "E0305"


def test_arguments_have_a_least_and_a_greatest_value() -> None:
    assert applied("plain_conv", map_of(1), channels=MAX_CHANNELS, kernel=1)[0][0].channels == MAX_CHANNELS == 2**24
    assert refusal("plain_conv", map_of(1), channels=MAX_CHANNELS + 1, kernel=1) == (
        "E0304",
        "`channels` of `plain_conv` exceeds the limit of 16,777,216",
    )
    assert refusal("plain_conv", map_of(1), channels=1, kernel=0) == (
        "E0303",
        "`kernel` of `plain_conv` must be at least 1, not 0",
    )
    assert refusal("plain_conv", map_of(1), channels=1, kernel=(3, 0))[0] == "E0303"
    assert refusal("blur_pool", map_of(1), kernel=1)[0] == "E0303"
    assert applied("plain_conv", map_of(1), channels=1, kernel=1, padding=0)[0] == [map_of(1)]
    assert refusal("plain_conv", map_of(1), channels=1, kernel=1, padding=-1)[0] == "E0303"
    assert refusal("plain_conv", map_of(1), channels=1, kernel=(1, 1, 1)) == (
        "E0306",
        "`kernel` of `plain_conv` has 3 values for a map with 2 axes",
    )
    assert refusal("plain_conv", map_of(1), channels=1)[0] == "E0206"


def test_a_weight_of_one_value_is_not_standardised() -> None:
    assert refusal("std_conv", map_of(4), channels=4, kernel=1, groups=4) == (
        "E0303",
        "`kernel` of `std_conv` must be at least 2, not 1",
    )
    assert applied("std_conv", map_of(4), channels=4, kernel=1, groups=2)[0] == [map_of(4)]
    assert applied("std_conv", map_of(4), channels=4, kernel=2, groups=4)[0][0].channels == 4
    assert applied("plain_conv", map_of(4), channels=4, kernel=1, groups=4)[0] == [map_of(4)]


def test_a_pool_is_padded_by_half_its_kernel_at_most() -> None:
    for name in ("max_pool", "avg_pool"):
        assert applied(name, map_of(1), kernel=3, padding=1)[0] == [map_of(1)]
        assert applied(name, map_of(1), kernel=2, padding=1)[0] == [map_of(1, step(H, 1, 1), step(H, 1, 1))]
        assert refusal(name, map_of(1), kernel=3, padding=2)[0] == "E0309"


def test_channels_are_divided_without_rest() -> None:
    assert applied("plain_conv", map_of(6), channels=9, kernel=1, groups=3)[0] == [map_of(9)]
    assert refusal("plain_conv", map_of(6), channels=8, kernel=1, groups=3)[1].startswith(
        "3 groups do not divide the 8"
    )
    assert refusal("plain_conv", map_of(8), channels=6, kernel=1, groups=3)[1].startswith(
        "3 groups do not divide the 8"
    )
    assert applied("group_norm", map_of(6), groups=3)[0] == [map_of(6)]
    assert refusal("group_norm", map_of(6), groups=4)[0] == "E0308"
    assert applied("split", map_of(6), parts=3)[0] == [map_of(2)] * 3
    assert refusal("split", map_of(6), parts=4)[0] == "E0312"
    assert applied("split", map_of(6), parts=(1, 3, 2))[0] == [map_of(1), map_of(3), map_of(2)]
    assert applied("split", vector(6), parts=(6,))[0] == [vector(6)]
    assert refusal("split", map_of(6), parts=(1, 3)) == ("E0312", "6 channels cannot be split into parts of [1, 3]")
    assert refusal("split", map_of(6), parts=(6, 0))[0] == "E0303"
    assert applied("regroup", map_of(12), groups=2, parts=3)[0] == [map_of(12)]
    assert refusal("regroup", map_of(8), groups=2, parts=3) == (
        "E0312",
        "8 channels cannot be split into 6 equal parts",
    )
    assert applied("pad_channels", map_of(4), channels=4)[0] == [map_of(4)]
    assert applied("pad_channels", map_of(4), channels=7)[0] == [map_of(7)]
    assert refusal("pad_channels", map_of(4), channels=3)[0] == "E0311"
    assert applied("pad_channels", map_of(4), channels=7, before=3)[0] == [map_of(7)]
    assert refusal("pad_channels", map_of(4), channels=7, before=4)[0] == "E0311"
    assert applied("channel_mean", map_of(4)) == applied("channel_max", map_of(4)) == ([map_of(1)], [])
    assert applied("channel_max", vector(4))[0] == [vector(1)]


def test_cells_become_channels() -> None:
    made, conditions = applied("space_to_depth", map_of(3), factor=2)
    assert made == [map_of(12, step(H, 2, 0), step(H, 2, 0))]
    assert [(c.kind, c.axis, c.fn, c.other, c.text) for c in conditions] == [
        ("multiple", axis, H, 2, "`space_to_depth`") for axis in (0, 1)
    ]
    made, conditions = applied("space_to_depth", map_of(3), factor=(1, 4))
    assert made == [map_of(12, H, step(H, 4, 0))]
    assert [(c.axis, c.other) for c in conditions] == [(1, 4)]
    assert applied("space_to_depth", map_of(3), factor=1) == ([map_of(3)], [])
    assert refusal("space_to_depth", map_of(3), factor=65)[0] == "E0304"


def test_lists_agree() -> None:
    other = step(H, 2, 0)
    wide = map_of(3), map_of(5)
    assert applied("concat", *wide) == ([map_of(8)], [])
    made, constraints = applied("concat", map_of(3), map_of(5, H, other), map_of(1, other, H))
    assert made == [map_of(9)]
    assert [(d.kind, d.axis, d.fn, d.other, d.text) for d in constraints] == [
        ("equal", 1, H, other, "`concat`"),
        ("equal", 0, H, other, "`concat`"),
    ]
    assert refusal("concat", map_of(3), vector(3))[0] == "E0313"
    assert applied("sum", map_of(3), map_of(3), map_of(3)) == ([map_of(3)], [])
    assert applied("softmax", map_of(3), map_of(3)) == ([map_of(3)] * 2, [])
    assert refusal("sum", *wide) == ("E0315", "`sum` needs equal shapes: [3, H, W] and [5, H, W]")
    made, constraints = applied("sum", map_of(3), map_of(3, other, H))
    assert made == [map_of(3)] and [(d.axis, d.text) for d in constraints] == [(0, "`sum`")]


def test_maps_become_vectors() -> None:
    fixed = map_of(4, constant(2), constant(3))
    assert applied("global_avg_pool", map_of(4))[0] == [map_of(4, constant(1), constant(1))]
    assert applied("linear", map_of(4, constant(1), constant(1)), features=5)[0] == [vector(5)]
    assert applied("linear", vector(4), features=5)[0] == [vector(5)]
    for sizes in ((constant(2), constant(3)), (H, H), (constant(1), H), (constant(2), constant(1))):
        assert applied("linear", map_of(4, *sizes), features=5)[0] == [map_of(5, *sizes)]
    assert applied("flatten", fixed)[0] == [vector(24)]
    assert refusal("flatten", map_of(4, constant(1), H)) == (
        "E0316",
        "`flatten` needs sizes that do not depend on the input: [4, 1, W]",
    )
    assert applied("reshape", fixed, shape=(8, 3))[0] == [Shape(8, (constant(3),))]
    assert applied("reshape", fixed, shape=(1, 24, 1))[0] == [Shape(1, (constant(24), constant(1)))]
    for wanted in ((8, 4), (), (-8, -3), (24.0,), (True, 24)):
        assert refusal("reshape", fixed, shape=wanted)[0] == "E0317"


MAPS_ONLY: dict[str, Args] = {
    "plain_conv": {"channels": 1, "kernel": 1},
    "max_pool": {"kernel": 1},
    "blur_pool": {},
    "response_norm": {},
    "instance_norm": {},
    "global_response_norm": {},
    "global_avg_pool": {},
    "global_max_pool": {},
    "global_sum_pool": {},
    "position_softmax": {},
    "constant_pad": {"amount": 1},
    "space_to_depth": {"factor": 1},
    "subsample": {"stride": 1},
}


@pytest.mark.parametrize("name", MAPS_ONLY)
def test_a_vector_is_no_map(name: str) -> None:
    assert refusal(name, vector(7), **MAPS_ONLY[name]) == (
        "E0307",
        f"`{name}` needs a map, but gets a vector of 7 values",
    )


def test_a_shape_is_shown_with_the_usual_letters_or_those_of_the_input() -> None:
    assert show_shape(vector(7)) == "[7]"
    assert show_shape(map_of(7, H)) == "[7, L]"
    assert show_shape(map_of(7, step(H, 2, 0), constant(3))) == "[7, ceil(H / 2), 3]"
    assert show_shape(map_of(7, H, H, H)) == "[7, D, H, W]"
    assert show_shape(map_of(7, H, constant(3)), ("T", None)) == "[7, T, 3]"


# -- every fault in full ----------------------------------------------------------------------------------------------

OTHER = map_of(8, step(H, 2, 0), H)
FAULTS: list[tuple[str, tuple[Shape, ...], Args]] = [
    ("plain_conv", (map_of(4),), {"channels": 0, "kernel": 1}),
    ("blur_pool", (map_of(4),), {"kernel": 1}),
    ("clip", (map_of(4),), {"low": 6, "high": 0}),
    ("clip", (map_of(4),), {"low": 1, "high": 1}),
    ("plain_conv", (map_of(4),), {"channels": 1, "kernel": 2**24 + 1}),
    ("dropout", (map_of(4),), {"rate": 2}),
    ("max_pool", (map_of(4),), {"kernel": (3, 3, 3)}),
    ("subsample", (vector(7),), {"stride": 2}),
    ("plain_conv", (map_of(11),), {"channels": 4, "kernel": 1, "groups": 4}),
    ("plain_conv", (map_of(4),), {"channels": 10, "kernel": 1, "groups": 4}),
    ("group_norm", (map_of(10),), {"groups": 4}),
    ("max_pool", (map_of(4),), {"kernel": 5, "padding": 4}),
    ("pad_channels", (map_of(4),), {"channels": 3}),
    ("pad_channels", (map_of(4),), {"channels": 10, "before": 8}),
    ("split", (map_of(11),), {"parts": 4}),
    ("split", (map_of(11),), {"parts": (4, 4)}),
    ("split", (map_of(11),), {"parts": (12, 4)}),
    ("concat", (map_of(8), vector(8)), {}),
    ("sum", (map_of(7), OTHER), {}),
    ("flatten", (OTHER,), {}),
    ("reshape", (map_of(4, constant(2), constant(3)),), {"shape": (5, 5)}),
]

RECORDED = """
E0303 `channels` of `plain_conv` must be at least 1, not 0
  `channels` is 0 here
  give it 1 or more channels

E0303 `kernel` of `blur_pool` must be at least 2, not 1
  `kernel` is 1 here
  give it 2 or more

E0303 `high` of `clip` must be above its `low` of 6, not 0
  `low` is 6 and `high` is 0 here
  give `high` a number above 6, such as `clip(0, 6)`

E0303 `high` of `clip` must be above its `low` of 1, not 1
  `low` is 1 and `high` is 1 here
  give `high` a number above 1

E0304 `kernel` of `plain_conv` exceeds the limit of 16,777,216
  `kernel` is 16777217 here
  give it at most 16,777,216: a larger layer would not fit in memory

E0305 the rate of `dropout` must be at least 0 and below 1, not 2
  `rate` is 2 here
  write a fraction such as `1 / 10`

E0306 `kernel` of `max_pool` has 3 values for a map with 2 axes
  `kernel` is [3, 3, 3] here
  write one number for all axes, or a list of 2

E0307 `subsample` needs a map, but gets a vector of 7 values
  its input is a vector
  move it before the `linear` or `flatten` that turns the map into a vector

E0308 4 groups do not divide the 11 input channels of `plain_conv`
  11 = 4 x 2 + 3
  choose a number of groups that divides 11, such as 11

E0308 4 groups do not divide the 10 output channels of `plain_conv`
  10 = 4 x 2 + 2
  choose a number of groups that divides 10, such as 5

E0308 4 groups do not divide the 10 input channels of `group_norm`
  10 = 4 x 2 + 2
  choose a number of groups that divides 10, such as 5

E0309 the padding 4 of `max_pool` is more than half its kernel of 5
  some windows would lie entirely in the padding
  use a padding of at most 2

E0311 `pad_channels(3)` cannot remove channels: the input has 4
  its input has 4 channels
  pad to 4 or more, or project: `conv(3, kernel=1)` can also remove channels

E0311 `pad_channels(10, before=8)` has only 6 channels to add to 4
  its input has 4 channels
  write `before=3` for equal padding on both sides, at most `before=6`

E0312 11 channels cannot be split into 4 equal parts
  11 = 4 x 2 + 3
  make the channels a multiple of 4

E0312 11 channels cannot be split into parts of [4, 4]
  4 + 4 = 8
  make the last part 7: the rest of 11 channels

E0312 11 channels cannot be split into parts of [12, 4]
  12 + 4 = 16
  write parts whose sum is 11

E0313 `concat` needs equal numbers of axes: [8, H, W] and [8]
  2 axes and 0
  make both sides maps or both vectors: `linear` and `flatten` turn a map into a vector

E0315 `sum` needs equal shapes: [7, H, W] and [8, ceil(H / 2), W]
  channels differ: 7 and 8
  give all elements of the list the same number of channels

E0316 `flatten` needs sizes that do not depend on the input: [8, ceil(H / 2), W]
  the map still depends on the input size
  average the map first: `global_avg_pool |> flatten...`

E0317 cannot reshape [4, 2, 3] to [5, 5]
  its input has 24 values
  write integers whose product is 24
"""


def told(name: str, inputs: tuple[Shape, ...], given: Args) -> str:
    with pytest.raises(Fault) as caught:
        applied(name, *inputs, **given)
    found = caught.value.diagnostic
    assert found.primary.span is HERE
    return "\n".join([f"{found.code} {found.message}", f"  {found.primary.text}", *(f"  {h}" for h in found.helps)])


def test_every_fault_in_full() -> None:
    assert [told(*row) for row in FAULTS] == RECORDED.strip().split("\n\n")


# -- maps and filters that torch has no module for ---------------------------------------------------------------------


def in_words(name: str, *inputs: Shape, **given: Any) -> tuple[str, str, str, tuple[str, ...]]:
    with pytest.raises(Fault) as caught:
        applied(name, *inputs, **given)
    found = caught.value.diagnostic
    return found.code, found.message, found.primary.text, found.helps


def test_a_reshape_gives_three_axes_at_most() -> None:
    vector = Shape(32, ())
    (shape,), _ = applied("reshape", vector, shape=(2, 2, 2, 4))
    assert show_shape(shape) == "[2, 2, 2, 4]"
    assert in_words("reshape", vector, shape=(2, 2, 2, 2, 2)) == (
        "E0336",
        "a map has at most 3 axes, but this one would have 4",
        "the channels and 4 axes",
        ("write the channels and at most 3 sizes after them, or `regroup` the channels",),
    )


def test_a_binomial_filter_has_64_positions_at_most() -> None:
    applied("blur_pool", Shape(8, (H, H)), kernel=64)
    assert in_words("blur_pool", Shape(8, (H, H)), kernel=65) == (
        "E0304",
        "`kernel` of `blur_pool` exceeds the limit of 64",
        "`kernel` is 65 here",
        ("give it at most 64: a wider filter is nearly flat",),
    )
    _, _, _, helps = in_words("plain_conv", Shape(8, (H, H)), channels=MAX_CHANNELS + 1, kernel=1)
    assert helps == ("give it at most 16,777,216: a larger layer would not fit in memory",)


@pytest.mark.parametrize("name", ["response_norm", "instance_norm", "global_response_norm", "position_softmax"])
def test_what_is_computed_over_the_axes_needs_some_and_keeps_the_map(name: str) -> None:
    shape = Shape(8, (H, H))
    assert applied(name, shape)[0] == [shape]
    assert refusal(name, Shape(8, ())) == ("E0307", f"`{name}` needs a map, but gets a vector of 8 values")


@pytest.mark.parametrize("stored", [(True,), (1, True, 1), (8, 1, True)])
def test_a_flag_is_no_size_of_a_parameter(stored: tuple[int, ...]) -> None:
    assert refusal("shift", Shape(8, (H, H)), shape=stored)[0] == "E0341"


@pytest.mark.parametrize("stored", [(), (1,), (8,), (1, 1, 1), (8, 1, 1)])
def test_a_parameter_is_for_each_channel_or_for_all(stored: tuple[int, ...]) -> None:
    shape = Shape(8, (H, H))
    assert applied("shift", shape, shape=stored)[0] == [shape]


@pytest.mark.parametrize("stored", [(8, 1), (8, 2, 2), (1, 1), (1, 2, 2), (4,), (8, 1, 1, 1)])
def test_another_shape_of_a_parameter_is_refused(stored: tuple[int, ...]) -> None:
    assert refusal("shift", Shape(8, (H, H)), shape=stored)[0] == "E0341"
