"""The figures that are taken from a module alone: the same as the compiler's, found without it."""

from __future__ import annotations

import pytest

from resnetc.compiler.claims.facts import PRECISIONS
from resnetc.compiler.measures import costs
from resnetc.testing import Trial, assert_strides_agree, trials
from resnetc.testing.torch_measurements import Measured
from resnetc.testing.trial import parts

TEXT = """edition 1
use std.gates

model net() {
  input [4, H, W] = [4, 16, 16]
  stem = STEM
  head = identity
}
"""


def trial(stem: str) -> Trial:
    (made,) = trials(TEXT.replace("STEM", stem))
    return made


STEMS = {
    "conv(8, kernel=3, stride=2) |> conv(8, kernel=5)": 11,
    "conv(8, kernel=3, dilation=2) |> norm |> act |> max_pool(2, stride=2)": 6,
    "conv(8, kernel=[3, 5])": (3, 5),
    "constant_pad(2) |> subsample(2) |> conv(8, kernel=3) |> avg_pool(2, stride=2, ceil=true)": 7,
    "a: blur_pool(3) |> b: blur_pool(4)": 9,
    "conv(8, kernel=3) |> global_avg_pool |> conv(8, kernel=1)": 3,
    "conv(8, kernel=3) |> gates.se |> conv(8, kernel=3)": None,
    "identity": 1,
}


@pytest.mark.parametrize("stem", STEMS)
def test_the_receptive_field_of_a_module(stem: str) -> None:
    """Found on the module alone; the compiler's own figure says only how large an input has to be."""
    made = trial(stem)
    assert Measured(*parts(made)).receptive_field == STEMS[stem] == made.measures.receptive_field


def test_the_figures_of_fixed_filters_and_gates() -> None:
    made = trial("conv(8, kernel=3) |> blur_pool(3) |> gates.se |> std_conv(8, kernel=3)")
    measured, figures = Measured(*parts(made)), made.measures
    assert measured.weighted_layers == figures.weighted_layers == 2
    found = measured.multiply_adds((16, 16))
    assert found.layers == figures.count_multiply_adds((16, 16))
    assert found.layers + found.filters == figures.count_all_multiply_adds((16, 16)) > found.layers


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_bytes_that_autograd_keeps(precision: str) -> None:
    made = trial("conv(8, kernel=3) |> norm |> act |> max_pool(3, stride=2) |> gates.se |> group_norm(groups=4)")
    kept = costs.count_activation_bytes(made.network, PRECISIONS[precision]).total
    assert Measured(*parts(made)).activation_bytes((16, 9), precision) == costs.evaluate_cost(kept, (16, 9))


@pytest.mark.parametrize(
    ("size", "stem"), [("[3, 1] = [3, 1]", "linear(8)"), ("[3, H, W] = [3, 8, 8]", "global_avg_pool |> linear(8)")]
)
def test_a_stage_of_vectors_has_no_strides(size: str, stem: str) -> None:
    (trial,) = trials(
        f"""edition 1
block unit() {{ out = in + (in |> norm |> linear(in.channels)) }}
model net() {{
  input {size}
  stem = {stem}
  stage layer1 = 2 of unit
  head = scores: linear(3)
}}
"""
    )
    assert_strides_agree(trial)
