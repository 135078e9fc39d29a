"""Blocks of the library against what their papers say: the function in plain torch, parameters counted by hand."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import resnetc
from tests.support import build, compile_text, count_parameters

NET = """edition 1
{uses}
model net(classes: int = 1000) {{
  input [{channels}, H, W] = [{channels}, 32, 32]
  stem = identity
  {stages}
  head = {head}
}}
"""


def compile_blocks(
    uses: str, stages: str, channels: int = 8, head: str = "identity"
) -> tuple[int, nn.Module, Mapping[str, Tensor]]:
    """The parameters of a net of some blocks, its module in evaluation mode, and the state dict, drawn at random."""
    torch.manual_seed(0)
    used = "\n".join(f"use std.{name}" for name in uses.split())
    checked, source = compile_text(NET.format(uses=used, stages=stages, channels=channels, head=head))
    module = build(source).eval()
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.uniform_(0.1, 1)  # variances, too
    return checked.measures.parameters, module, module.state_dict()


def normalise(x: Tensor, weights: Mapping[str, Tensor], name: str) -> Tensor:
    mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"])


# -- residuals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "key", "count"),
    [
        ("identity", None, 0),
        ("scales.constant(0.25)", None, 0),
        ("scales.learned", "se.alpha", 1),
        ("scales.per_channel(1e-4)", "se.gamma", 8),
    ],
)
def test_what_weighs_a_branch(weight: str, key: str | None, count: int) -> None:
    stage = f"stage s = 1 of residuals.around(conv(8, kernel=3), attention={weight})"
    total, module, weights = compile_blocks("residuals scales", stage)
    x = torch.randn(2, 8, 5, 6)
    factor = torch.tensor(0.25 if "constant" in weight else 1) if key is None else weights[f"s.0.{key}"]
    expected = x + factor.reshape(-1, 1, 1) * F.conv2d(x, weights["s.0.branch.weight"], padding=1)
    torch.testing.assert_close(module(x), expected)
    assert total == 8 * 8 * 9 + count and factor.numel() == max(count, 1)


@pytest.mark.parametrize(("weight", "first"), [("learned", 0.0), ("learned(0.5)", 0.5), ("per_channel", 1e-6)])
def test_a_learned_weight_begins_where_it_is_told(weight: str, first: float) -> None:
    stage = f"stage s = 1 of residuals.around(conv(8, kernel=3), attention=scales.{weight})"
    _, source = compile_text(NET.format(uses="use std.residuals\nuse std.scales", stages=stage, channels=8, head="act"))
    (factor,) = (value for key, value in build(source).state_dict().items() if key.startswith("s.0.se"))
    torch.testing.assert_close(factor, torch.full_like(factor, first))


def test_stochastic_depth_drops_blocks_as_its_paper_says() -> None:
    """Block l of L survives with probability 1 - l / L / 2: the last of 54 with 1 / 2, the first with 107 / 108."""
    model = resnetc.load("cifar/residuals", model="stochastic_resnet110")
    rates = [module.rate for module in model.modules() if type(module).__name__ == "DropPath2d"]
    torch.testing.assert_close(torch.tensor(rates), torch.arange(1, 55) / 54 / 2)


@pytest.mark.parametrize(
    ("model", "learned"), [("scaled", 0), ("rezero", 27), ("layerscale", 9 * (16 + 32 + 64)), ("skipinit", None)]
)
def test_resnet56_with_other_residuals(model: str, learned: int | None) -> None:
    measures = resnetc.compile("cifar/residuals", model=f"{model}_resnet56").checked.measures
    if learned is None:  # a bias for each filter in place of a norm's two: 16 in the stem, 18 convolutions a width
        learned = 27 - 16 - 18 * (16 + 32 + 64)
        assert measures.buffers == 0
    assert measures.parameters == 853_018 + learned


# -- inverted residuals ------------------------------------------------------------------------------------------------

TABLE_2 = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]  # t, c, n of the paper


def test_mobilenetv2_has_the_parameters_of_its_table() -> None:
    total, channels = 3 * 32 * 9 + 64, 32
    for expand, width, repeats in TABLE_2:
        for _ in range(repeats):
            inner = channels * expand
            total += channels * inner + 2 * inner if expand > 1 else 0
            total += inner * 9 + 2 * inner + inner * width + 2 * width
            channels = width
    total += 320 * 1280 + 2 * 1280
    assert count_parameters("cifar/mobilenetv2") == total + 1281 * 10
    assert count_parameters("cifar/mobilenetv2", classes=1000) == 3_504_872  # torchvision's


def test_an_inverted_residual() -> None:
    stages = "stage s = 2 of inverted.residual(8, stride=2, expand=3)"
    _, module, weights = compile_blocks("inverted", stages)
    x = torch.randn(2, 8, 7, 8)
    expected = x
    for index, stride in ((0, 2), (1, 1)):
        name, start = f"s.{index}", expected
        y = F.relu(normalise(F.conv2d(start, weights[f"{name}.conv1.weight"]), weights, f"{name}.bn1"))
        y = F.conv2d(y, weights[f"{name}.conv2.weight"], stride=stride, padding=1, groups=24)
        y = F.relu(normalise(y, weights, f"{name}.bn2"))
        y = normalise(F.conv2d(y, weights[f"{name}.conv3.weight"]), weights, f"{name}.bn3")
        expected = y + start if stride == 1 else y
    torch.testing.assert_close(module(x), expected)


def test_a_fused_one_and_gates() -> None:
    count, _, _ = compile_blocks("inverted", "stage s = 1 of inverted.fused(8, expand=4)")
    assert count == 8 * 32 * 9 + 64 + 32 * 8 + 16
    gated, _, _ = compile_blocks("inverted gates", "stage s = 1 of inverted.fused(8, attention=gates.se(ratio=1 / 4))")
    assert gated == count + 32 * 8 + 8 + 8 * 32 + 32  # a quarter of the wide map


# -- dense blocks and cross-stage partial ones -------------------------------------------------------------------------


def test_dense_nets_have_the_parameters_of_their_table() -> None:
    def count(depth: int, growth: int, deep: bool) -> int:
        units = (depth - 4) // (6 if deep else 3)
        channels = 2 * growth if deep else 16
        total = 3 * channels * 9
        for stage in range(3):
            for _ in range(units):
                inner = 4 * growth if deep else channels
                total += 2 * channels + (channels * inner + 2 * inner if deep else 0) + inner * growth * 9
                channels += growth
            if stage < 2:
                after = channels // 2 if deep else channels
                total += 2 * channels + channels * after
                channels = after
        return total + 2 * channels + channels * 10 + 10

    plain, deep = {"model": "densenet40_k12"}, {"model": "densenet_bc100_k12"}
    assert count_parameters("cifar/densenet", **plain) == count(40, 12, False)
    assert count_parameters("cifar/densenet", **deep) == count(100, 12, True)
    # Table 2 in millions: 7.0 and 27.2, and with bottlenecks 15.3.
    larger = [count(100, 12, False), count(100, 24, False), count(250, 24, True)]
    assert [round(total / 1e6, 1) for total in larger] == [7.0, 27.2, 15.3]
    assert count_parameters("cifar/densenet", **plain, depth=100) == larger[0]


def test_a_partial_block() -> None:
    """Both ways, two units of two 3x3 convolutions on half of the channels, and what joins them."""
    stage = "stage s = 1 of csp.partial(16, 2, blocks.basic)"
    total, module, weights = compile_blocks("csp blocks", stage, channels=12)
    assert total == 2 * (12 * 8 + 16) + 2 * 2 * (8 * 8 * 9 + 16) + 16 * 16 + 32

    def layer(x: Tensor, name: str) -> Tensor:
        return F.relu(normalise(F.conv2d(x, weights[f"s.0.{name}.0.weight"]), weights, f"s.0.{name}.1"))

    x = torch.randn(2, 12, 5, 6)
    y = layer(x, "through")
    for unit in ("s.0.units.0", "s.0.units.1"):
        z = F.relu(normalise(F.conv2d(y, weights[f"{unit}.conv1.weight"], padding=1), weights, f"{unit}.bn1"))
        z = normalise(F.conv2d(z, weights[f"{unit}.conv2.weight"], padding=1), weights, f"{unit}.bn2")
        y = F.relu(z + y)
    torch.testing.assert_close(module(x), layer(torch.cat([y, layer(x, "past")], dim=1), "join"))


# -- RepVGG ------------------------------------------------------------------------------------------------------------


def fuse(weights: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """The one 3x3 with a bias that computes what a trained block does before its activation."""
    width = weights[f"{name}.rbr_dense.bn.weight"].numel()
    kernels = {"rbr_dense.bn": weights[f"{name}.rbr_dense.conv.weight"]}
    kernels["rbr_1x1.bn"] = F.pad(weights[f"{name}.rbr_1x1.conv.weight"], (1, 1, 1, 1))
    if f"{name}.rbr_identity.weight" in weights:
        kernels["rbr_identity"] = F.pad(torch.eye(width)[:, :, None, None], (1, 1, 1, 1))
    kernel, bias = torch.zeros(kernels["rbr_dense.bn"].shape), torch.zeros(width)
    for norm, part in kernels.items():
        norms = {key: weights[f"{name}.{norm}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
        share = norms["weight"] / (norms["running_var"] + 1e-5).sqrt()
        kernel += part * share[:, None, None, None]
        bias += norms["bias"] - norms["running_mean"] * share
    return kernel, bias


def test_a_trained_repvgg_becomes_a_plain_net() -> None:
    torch.manual_seed(0)
    trained = resnetc.load("cifar/repvgg", model="repvgg14").eval()
    for name, buffer in trained.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 1.5)
    plain = resnetc.load("cifar/repvgg", model="repvgg14_deployed").eval()
    weights = trained.state_dict()
    fused = {key: value for key, value in weights.items() if key.startswith("linear.")}
    for name in (key.removesuffix(".rbr_reparam.bias") for key in plain.state_dict() if key.endswith("reparam.bias")):
        fused[f"{name}.rbr_reparam.weight"], fused[f"{name}.rbr_reparam.bias"] = fuse(weights, name)
    plain.load_state_dict(fused)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(plain(x), trained(x), rtol=1e-4, atol=1e-4)


def test_repvgg_a0_has_the_parameters_that_timm_counts() -> None:
    widths, depths = (48, 48, 96, 192, 1280), (1, 2, 4, 14, 1)
    stages = "\n  ".join(
        f"stage stage{i} = {depth} of repvgg.trained({width}, stride=2)"
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True))
    )
    head = "global_avg_pool |> linear(classes)"
    checked, _ = compile_text(NET.format(uses="use std.repvgg", stages=stages, channels=3, head=head))
    assert checked.measures.parameters == 9_108_968
