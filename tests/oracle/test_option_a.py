"""Option A with zeros on both sides of the channels is what the most copied CIFAR code computes."""

import pytest
import torch
from torch.nn import functional as F

from tests.support import build, compile_text

SPEC = """edition 1
use std.shortcuts

/// The same without `before`: equal parts in another order, as this language said it at first.
block centred(channels: int, stride: size) {{
  let quarter = in |> subsample(stride) |> pad_channels(channels) |> split(4)
  out = [quarter[2], quarter[0], quarter[1], quarter[3]] |> concat
}}

model net() {{
  input [16, H, W] = [16, 32, 32]
  stem = {stem}
  head = identity
}}
"""


@pytest.mark.parametrize("stem", ["shortcuts.pad_both_sides(32, 2)", "centred(32, 2)"])
def test_half_of_the_zeros_stand_in_front(stem: str) -> None:
    _, source = compile_text(SPEC.format(stem=stem))
    x = torch.randn(2, 16, 7, 8)
    expected = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 32 // 4, 32 // 4), "constant", 0)
    torch.testing.assert_close(build(source)(x), expected, rtol=0, atol=0)


def test_an_odd_number_of_zeros_has_one_more_behind() -> None:
    _, source = compile_text(SPEC.format(stem="shortcuts.pad_both_sides(19, 2)"))
    assert build(source)(torch.ones(1, 16, 1, 1)).flatten().tolist() == [0, *[1] * 16, 0, 0]
