"""Biases that a norm subtracts, and norms or activations behind others."""

import pytest

from tests.support import warn
from tests.unit.lints.dataflow_nets import texts_of, write_net

BIASED = "plain_conv(16, kernel=3, bias=true)"
INNER = """block inner() {
  out = in |> plain_conv(16, kernel=3, bias=true)
}
"""
OWN = """block own() {
  set conv = plain_conv(bias=true)
  out = in |> conv(16, kernel=3) |> norm
}
"""
TWICE = """block twice(last: layer) {
  out = in |> plain_conv(16, kernel=3, bias=true) |> last
}
"""


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (write_net(stem=f"{BIASED} |> norm |> act"), [BIASED]),
        (write_net(stem=f"{BIASED} |> identity |> norm |> act"), [BIASED]),
        (write_net(stem=f"conv1: ({BIASED} |> norm) |> act"), [BIASED]),
        (write_net(stem=f"a: (identity |> {BIASED}) |> c: (identity |> norm) |> act"), [BIASED]),
        (write_net(stem="inner |> norm |> act", blocks=INNER), [BIASED]),
        (write_net(stem="std_conv(16, bias=true, kernel=3) |> batch_norm"), ["std_conv(16, bias=true, kernel=3)"]),
        (write_net(head="global_avg_pool |> fc1: linear(32) |> norm |> act |> linear(10)"), ["linear(32)"]),
        (write_net(stem=f"{BIASED} |> group_norm(groups=16)"), [BIASED]),
        (write_net(stem=f"{BIASED} |> instance_norm"), [BIASED]),
        (write_net(stem=f"{BIASED} |> batch_norm(affine=false)"), [BIASED]),
        (write_net(sets="set conv = plain_conv(bias=true)"), ["plain_conv(bias=true)"]),
        (write_net(stem="own", blocks=OWN), ["conv(16, kernel=3)"]),
        (write_net(stem=BIASED, stages="stage layer1 = 1 of norm"), [BIASED]),
    ],
)
def test_a_bias_that_a_norm_subtracts_warns(text: str, places: list[str]) -> None:
    assert texts_of(text, "W0605") == places


@pytest.mark.parametrize(
    "text",
    [
        write_net(),
        write_net(stem=f"{BIASED} |> act"),
        write_net(stem=f"{BIASED} |> group_norm(groups=8)"),
        write_net(stem=f"{BIASED} |> layer_norm"),
        write_net(stem=f"{BIASED} |> rms_norm"),
        write_net(stem=f"{BIASED} |> global_response_norm"),
        write_net(stem=f"{BIASED} |> evo_norm_s0(groups=4)"),
        write_net(stem=f"{BIASED} |> response_norm"),
        write_net(stem="plain_conv(16, kernel=3) |> norm"),
        write_net(sets="set conv = plain_conv(bias=true)", head="conv(10, kernel=1) |> global_avg_pool"),
        write_net(stem="a: inner |> norm |> b: inner |> act", blocks=INNER),
        write_net(stem="a: twice(norm) |> b: twice(act)", blocks=TWICE),
        write_net(sets="set attention = gates.se"),
        # the library's text, and a binding that is no part of it
        write_net(
            sets="set conv = plain_conv", stages="stage layer1 = 2 of blocks.basic(16, conv=plain_conv(bias=true))"
        ),
        # two readers: the norm, and the sum
        write_net(blocks=f"block two() {{\n  let a = in |> {BIASED}\n  out = (a |> norm) + a\n}}\n", stem="two"),
        # the map is an output
        write_net(stem="act", stages=f"stage layer1 = 1 of {BIASED}\n  stage layer2 = 1 of norm", head="none"),
    ],
)
def test_a_bias_with_an_effect_is_silent(text: str) -> None:
    assert texts_of(text, "W0605") == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (write_net(stem="conv(16, kernel=3) |> norm |> norm"), ["norm"]),
        (write_net(stem="conv(16, kernel=3) |> batch_norm |> group_norm(groups=4)"), ["group_norm(groups=4)"]),
        (write_net(stem="conv(16, kernel=3) |> batch_norm |> layer_norm"), ["layer_norm"]),
        (write_net(stem="conv(16, kernel=3) |> relu |> prelu"), ["prelu"]),
        (write_net(stem="conv(16, kernel=3) |> norm |> act |> relu"), ["relu"]),
        (write_net(stem="conv(16, kernel=3) |> act |> sigmoid"), ["sigmoid"]),
        (write_net(stem="conv(16, kernel=3) |> leaky_relu |> identity |> gelu"), ["gelu"]),
        (write_net(stem="conv(16, kernel=3) |> a: (norm |> silu) |> hard_sigmoid"), ["hard_sigmoid"]),
        (write_net(stem="conv(16, kernel=3) |> evo_norm_s0(groups=4) |> act"), ["act"]),
        (write_net(stem="conv(16, kernel=3) |> norm |> response_norm"), ["response_norm"]),
        (write_net(head="act |> global_avg_pool |> linear(10)"), ["act"]),
        # inside of the library: the author's own text is the one before
        (
            write_net(
                stem="conv(16, kernel=3) |> norm",
                stages="stage layer1 = 1 of blocks.preact_basic(16)",
                sets="set shortcut = none",
            ),
            ["norm"],
        ),
    ],
)
def test_two_in_a_row_warn(text: str, places: list[str]) -> None:
    assert texts_of(text, "W0606") == places


@pytest.mark.parametrize(
    "text",
    [
        write_net(),
        write_net(stem="conv(16, kernel=3) |> norm |> act |> max_pool(3) |> act"),
        write_net(stem="conv(16, kernel=3) |> act |> norm |> act"),
        write_net(sets="set attention = gates.se"),
        # the library's text, and a binding that is no part of it
        write_net(
            sets="set conv = plain_conv", stages="stage layer1 = 2 of blocks.basic(16, conv=plain_conv(bias=true))"
        ),
        # two readers of the first: both the plain and the activated map are needed
        write_net(
            stem="conv(16, kernel=3) |> norm",
            stages="stage layer1 = 2 of blocks.preact_basic(16)",
            sets="set shortcut = shortcuts.preact",
        ),
        write_net(sets="set norm = evo_norm_s0(groups=4)\n  set act = identity"),
        # a norm and an activation in one, before and behind the other
        write_net(stem="conv(16, kernel=3) |> relu |> evo_norm_s0(groups=4) |> batch_norm"),
        write_net(stages="stage layer1 = 1 of act\n  stage layer2 = 1 of act", stem="conv(16, kernel=3)", head="none"),
    ],
)
def test_two_that_are_not_in_a_row_are_silent(text: str) -> None:
    assert texts_of(text, "W0606") == []


def test_what_an_instance_binds_is_told_of_where_it_is_bound() -> None:
    text = """edition 1
use imagenet.resnet18
model biased = resnet18.resnet18(conv=plain_conv(bias=true))
model other = resnet18.resnet18(conv=plain_conv(bias=true), norm=group_norm(groups=1))
"""
    (place,) = texts_of(text, "W0605")
    assert "plain_conv(bias=true)" in place


def test_what_stands_in_a_shipped_network_is_not_told_to_its_user() -> None:
    text = """edition 1
use zoo.timm.resnest
use zoo.timm.resnet
model one = resnest.resnest14d(norm=group_norm(groups=1))
model two = resnet.resnet18(shortcut=none)
"""
    assert [warning.message for warning in warn(text)] == []
