"""Option A with zeros on both sides of the channels is what the most copied CIFAR code computes."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import resnetc
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


def test_the_map_is_copied_once() -> None:
    """By the padding, in the layout of the input, also where no channel is new."""
    _, source = compile_text(SPEC.format(stem="shortcuts.pad(32, 2)"))
    assert "clone" not in source and "class SubsampleView2d" in source and "class Subsample2d" not in source
    x = torch.randn(2, 16, 8, 8).contiguous(memory_format=torch.channels_last)
    assert build(source)(x).is_contiguous(memory_format=torch.channels_last)
    _, narrow = compile_text(SPEC.format(stem="shortcuts.pad(16, 2)"))
    y = build(narrow)(x)
    assert y.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


def test_a_map_that_nothing_copies_has_memory_of_its_own() -> None:
    _, source = compile_text(SPEC.format(stem="shortcuts.pad(32, 2) |> subsample(2)"))
    assert "class SubsampleView2d" in source and "].clone()" in source
    x = torch.randn(2, 16, 8, 8)
    expected = F.pad(x[:, :, ::4, ::4], (0, 0, 0, 0, 0, 16))
    torch.testing.assert_close(build(source)(x), expected, rtol=0, atol=0)


def test_an_odd_number_of_zeros_has_one_more_behind() -> None:
    _, source = compile_text(SPEC.format(stem="shortcuts.pad_both_sides(19, 2)"))
    assert build(source)(torch.ones(1, 16, 1, 1)).flatten().tolist() == [0, *[1] * 16, 0, 0]


def run_copied_code(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The copied code's net of 20 layers in evaluation mode, written out: what its published weights are made for."""

    def convolve(x: Tensor, conv: str, bn: str, stride: int = 1) -> Tensor:
        x = F.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=1)
        mean, variance = weights[f"{bn}.running_mean"], weights[f"{bn}.running_var"]
        return F.batch_norm(x, mean, variance, weights[f"{bn}.weight"], weights[f"{bn}.bias"])

    x = F.relu(convolve(x, "conv1", "bn1"))
    for layer, planes in ((1, 16), (2, 32), (3, 64)):
        for index in range(3):
            name = f"layer{layer}.{index}"
            stride = 2 if layer > 1 and index == 0 else 1
            main = F.relu(convolve(x, f"{name}.conv1", f"{name}.bn1", stride))
            main = convolve(main, f"{name}.conv2", f"{name}.bn2")
            side = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4)) if stride == 2 else x
            x = F.relu(main + side)
    x = F.avg_pool2d(x, x.shape[3]).flatten(1)
    return F.linear(x, weights["linear.weight"], weights["linear.bias"])


def test_the_net_of_the_copied_code() -> None:
    torch.manual_seed(0)
    model = resnetc.load("cifar/centred", depth=20)
    assert isinstance(model, torch.nn.Module)
    model.eval()
    for name, buffer in model.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(x), run_copied_code(model.state_dict(), x))


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962), (1202, 19_421_274)],
)
def test_its_parameters_are_those_of_table_6(depth: int, parameters: int) -> None:
    checked = resnetc.compile("cifar/centred", depth=depth).checked
    assert checked.measures.parameters == parameters
