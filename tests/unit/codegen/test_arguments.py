"""The arguments of a class: what the spec declares and a call must give, in that order, true at every value."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from resnetc.testing import assert_outputs_agree, trials
from tests.support import import_module

NET = "\nmodel net() {{\n  input [8, H, W] = [8, 32, 32]\n  stem = {stem}\n  head = identity\n}}\n"


def defined(definitions: str, stem: str) -> dict[str, Any]:
    """What the module of a network defines; its outputs agree with those of the plain interpretation."""
    (trial,) = trials(f"edition 1\n{definitions}{NET.format(stem=stem)}")
    assert_outputs_agree(trial, (32, 32))
    return vars(import_module(trial.source))


def parameters(made: Callable[..., Any]) -> dict[str, Any]:
    """The parameters and their defaults."""
    return {name: p.default for name, p in inspect.signature(made).parameters.items()}


NONE = inspect.Parameter.empty
UNIT = """
block unit(width: int, first stride: size = 1, outer: int = 4 * width, half: int = width / 2) {
  out = in |> conv(half, kernel=1) |> conv(outer, kernel=3, stride=stride) |> conv(width, kernel=1)
}
"""


def test_what_follows_from_an_argument_is_none() -> None:
    unit = defined(UNIT, "a: unit(4) |> b: unit(6, stride=2)")["Unit"]
    assert parameters(unit) == {"in_channels": NONE, "width": NONE, "stride": 1}
    assert unit(3, 10)(torch.zeros(1, 3, 8, 8)).shape == (1, 10, 8, 8)
    assert unit(3, 10, stride=4).conv2.out_channels == 40


def test_what_one_call_gives_itself_is_an_argument() -> None:
    unit = defined(UNIT, "a: unit(4) |> b: unit(6, outer=20) |> c: unit(8)")["Unit"]
    assert list(parameters(unit)) == ["in_channels", "width", "outer"]


def test_a_number_of_another_name_is_not_taken_for_the_one_of_the_spec() -> None:
    block = """
        block unit(width: int, kernel: int = 2 * width) {
          out = in |> conv(kernel, kernel=1) |> conv(width, kernel=(3 when width == 4 otherwise 5))
        }
    """
    defined(block, "a: unit(4) |> b: unit(6)")


def test_what_every_call_of_the_spec_gives_is_an_argument_though_another_number_is_as_large() -> None:
    """ResNeXt-101 32x8d: `inner` and `outer` are both 4 times the width, which no layer has."""
    block = """
        block unit(width: int, first stride: size = 1, groups: int = 1, inner: int = 2 * width * groups,
                   outer: int = 4 * width) {
          out = in |> conv(inner, kernel=1, groups=groups) |> conv(outer, kernel=3, stride=stride)
        }
    """
    made = defined(block, "a: unit(8, groups=2) |> b: unit(16, stride=2, groups=2)")
    assert parameters(made["Unit"]) == {"in_channels": NONE, "width": NONE, "stride": 1}


def test_a_default_of_the_spec_is_one_in_every_place() -> None:
    """Also where what follows has none: by keyword then, as is whatever has a default."""
    block = """
        block unit(first stride: size = 1, last: int) {
          out = in |> conv(8, kernel=3, stride=stride) |> conv(last, kernel=1)
        }
    """
    (trial,) = trials(f"edition 1\n{block}{NET.format(stem='a: unit(1, 4) |> conv(8, kernel=1) |> b: unit(2, 6)')}")
    assert_outputs_agree(trial, (32, 32))
    assert "    def __init__(self, *, stride: int = 1, last: int) -> None:\n" in trial.source
    assert "Unit(last=4)" in trial.source and "Unit(stride=2, last=6)" in trial.source


def test_a_default_is_that_of_the_spec() -> None:
    block = """
        block unit(width: int, slope: number = 0.25, groups: int = 2, bias: bool = false) {
          out = in |> plain_conv(width, kernel=1, groups=groups, bias=bias) |> leaky_relu(slope)
        }
    """
    unit = defined(block, "a: unit(4) |> b: unit(6, 0.5, 1, true)")["Unit"]
    assert parameters(unit) == {"in_channels": NONE, "width": NONE, "slope": 0.25, "groups": 2, "bias": False}


@pytest.mark.parametrize(
    "calls, line",
    [
        ("a: unit(6) |> b: unit(6)", "self.act = nn.ReLU6()"),
        ("a: unit(6) |> b: unit(7) |> c: unit(8)", "self.act = nn.ReLU6() if limit == 6 else nn.Hardtanh(0.0, limit)"),
        ("a: unit(7) |> b: unit(8)", "self.act = nn.Hardtanh(0.0, limit)"),
        ("a: unit(8) |> b: unit(8)", "self.act = nn.Hardtanh(0.0, 8.0)"),
    ],
)
def test_bounds_of_0_and_6_are_relu6(calls: str, line: str) -> None:
    block = "block unit(limit: number) { out = in |> conv(8, kernel=3) |> clip(0, limit) }"
    (trial,) = trials(f"edition 1\n{block}{NET.format(stem=calls)}")
    assert_outputs_agree(trial, (32, 32))
    assert line in [text.strip() for text in trial.source.splitlines()]


@pytest.mark.parametrize("pool", ["avg_pool(3, stride=stride)", "max_pool(3, stride=stride)", "subsample(stride)"])
def test_the_stride_of_a_choice_is_the_argument(pool: str) -> None:
    block = f"""
        policy shrink(stride: size) {{ when stride == 1 => identity otherwise => {pool} }}
        block unit(width: int, stride: size = 1) {{ out = in |> conv(width, kernel=1) |> shrink(stride) }}
    """
    unit = defined(block, "a: unit(4) |> b: unit(6, stride=2)")["Unit"]
    assert unit(3, 5, stride=4)(torch.zeros(1, 3, 16, 16)).shape == (1, 5, 4, 4)


def test_modules_come_last() -> None:
    block = """
        block unit(width: int, stride: size = 1) { out = in |> shrink(width) |> conv(4, kernel=1, stride=stride) }
        policy shrink(width: int) { when width == 4 => identity otherwise => conv(width, kernel=1) |> norm }
    """
    made = defined(block, "a: unit(4) |> b: unit(6, stride=2)")
    assert list(parameters(made["Unit"])) == ["stride", "conv_in_channels", "shrink"]


def test_a_renamed_parameter_keeps_its_place() -> None:
    """`x` is what `forward` calls its input."""
    (trial,) = trials("""edition 1
/// Halves.
policy halve(channels: int, stride: size) {
  when stride == 1 => identity
  otherwise => conv(channels, kernel=1, stride=stride) |> norm
}
block unit(x: int, first y: size = 1) {
  let a = in |> conv(x, kernel=3, stride=y) |> norm |> act
  out = a + (in |> halve(x, y))
}
model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(16, kernel=3)
  stage s = 2 of unit(16)
  stage t = 2 of unit(32, y=2)
  stage u = 2 of unit(64, y=2)
  head = identity
}
""")
    names = re.findall(
        r"^        (\w+): ", trial.source.partition("class Unit")[2].partition("-> None")[0], re.MULTILINE
    )
    assert names == ["in_channels", "x_2", "y", "halve_2"]
    assert '"""A 1x1 convolution and a norm."""' in trial.source


def test_what_follows_a_flag_goes_by_keyword() -> None:
    """No call may give a positional argument behind a keyword."""
    (trial,) = trials("""edition 1
block unit(active: bool, width: int) {
  out = in |> conv(width, kernel=3) |> (relu when active otherwise gelu) |> conv(8, kernel=1)
}
model net() {
  input [8, H, W] = [8, 12, 12]
  stem = a: unit(true, 16) |> b: unit(false, 24) |> c: unit(true, 8)
  head = identity
}
""")
    assert_outputs_agree(trial, (12, 12))
