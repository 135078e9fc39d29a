"""What weights begin as: the rules of torchvision's and timm's nets, held against the values of real modules."""

from math import prod, sqrt
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import resnetc
from tests.oracle.zoo_nets import SPECS

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
MANY = 2000  # values from which on a standard deviation says something


def fan_out(weight: Tensor) -> float:
    return sqrt(2 / (weight.shape[0] * prod(weight.shape[2:])))


def torch_bound(weight: Tensor) -> float:
    """The end of the interval that torch draws from evenly, for weights and biases."""
    return 1 / sqrt(prod(weight.shape[1:]))


def normal(values: Tensor, std: float) -> None:
    """Holds for a sample of a normal distribution: mean, deviation, tails."""
    n = values.numel()
    assert abs(values.mean().item()) < 5 * std / sqrt(n)
    if n >= MANY:
        assert values.std().item() == pytest.approx(std, rel=5 / sqrt(2 * n))
        assert values.abs().max().item() > 2.5 * std  # an even distribution ends at 1.73


def even(values: Tensor, bound: float) -> None:
    n = values.numel()
    assert values.abs().max().item() <= bound
    if n >= MANY:
        assert values.std().item() == pytest.approx(bound / sqrt(3), rel=5 / sqrt(2 * n))


# By net: the norms that begin at 0 (the ends of their names), the layer of classes, how it is drawn.
NETS = {
    "tv/resnet18": ((), "fc", "torch"),
    "tv/r2plus1d_18": ((), "fc", 0.01),
    "timm/seresnet18": (("bn2",), "fc", "torch"),
    "timm/ecaresnet26t": (("bn3",), "fc", "torch"),
    "timm/test_resnet": (("layer1.0.bn2", "layer2.0.bn2", "layer3.0.bn3", "layer4.0.bn2"), "fc", "torch"),
    "timm/ecaresnet50d_pruned": ((), "fc", "torch"),
    "timm/resnet50_gn": (("bn3",), "fc", "torch"),
    "timm/resnetv2_18": ((), "head.fc", 0.01),
    "timm/resnetv2_50x1_bit": ((), "head.fc", 0.01),
    "timm/resnetv2_50d_evos": ((), "head.fc", 0.01),
    "timm/resnetv2_50d_frn": ((), "head.fc", 0.01),
    "timm/skresnet18": ((), "fc", "torch"),
    "timm/res2net50_48w_2s": (("bn3",), "fc", "torch"),
    "timm/resnest14d": (("layer1.0.bn3", "layer2.0.bn3", "layer3.0.bn3", "layer4.0.bn3"), "fc", "torch"),
    "timm/legacy_seresnet18": ((), "last_linear", "torch"),
}


@pytest.mark.parametrize("net", NETS)
def test_a_net_begins_as_the_reference(net: str) -> None:
    zeros, classifier, drawn = NETS[net]
    torch.manual_seed(0)
    model = resnetc.load(f"zoo/{SPECS[net]}", model=net.split("/")[1])
    norms = 0
    for name, module in model.named_modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if weight is None:
            continue
        with torch.no_grad():
            if name == classifier and drawn == 0.01:
                normal(weight, 0.01)
                assert bias.eq(0).all()
            elif isinstance(module, nn.Linear) or isinstance(module, nn.Conv1d) or "pruned" in net and weight.ndim == 4:
                even(weight, torch_bound(weight))
            elif isinstance(module, CONVS):
                normal(weight, fan_out(weight))
            else:
                norms += 1
                gain = 0 if name.endswith(zeros) else 1
                assert weight.eq(gain).all(), name
                assert bias.eq(0).all(), name
            if name != classifier and bias is not None and isinstance(module, (nn.Linear, *CONVS)):
                even(bias, torch_bound(weight))
    assert norms > 5
    for name, value in model.named_parameters():
        if name.endswith((".v", ".tau")):
            assert value.eq(1 if name.endswith("v") else 0).all()


MIXED = """edition 1

policy scaled(channels: int) { otherwise => plain_conv(channels, kernel=3, kaiming=false) |> norm(gain=0) }

block unit(width: int) { out = in |> c: scaled(width) |> plain_conv(width, kernel=3, std=0.02, bias=true) |> norm }

model net() {
  input [3, H, W] = [3, 32, 32]
  stem = plain_conv(16, kernel=3)
  stage layer1 = 3 of unit(16)
  head = global_avg_pool |> fc: linear(500, kaiming=true)
}
"""


def test_each_way_where_it_is_asked_for(tmp_path: Path) -> None:
    """One kind of module drawn in three ways; a gain inside of a sequence."""
    (tmp_path / "net.resnet").write_text(MIXED, encoding="utf-8")
    torch.manual_seed(0)
    model = resnetc.load(str(tmp_path / "net.resnet"))
    with torch.no_grad():
        for path in ("conv1", "fc"):
            weight = model.get_parameter(f"{path}.weight")
            normal(weight, fan_out(weight))
        for i in range(3):
            weight = model.get_parameter(f"layer1.{i}.c.0.weight")
            even(weight, torch_bound(weight))
            assert model.get_parameter(f"layer1.{i}.c.1.weight").eq(0).all()
            normal(model.get_parameter(f"layer1.{i}.conv1.weight"), 0.02)
            assert model.get_parameter(f"layer1.{i}.conv1.bias").eq(0).all()
            assert model.get_parameter(f"layer1.{i}.bn1.weight").eq(1).all()
