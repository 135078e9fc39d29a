"""Stem, stages and head of networks that store them in many ways."""

import pytest
import torch

from resnetc.runtime.model.parts import split_parts
from tests.unit.runtime.weights.test_initialisation import on_meta

LAYERS = {f"stage{n}": (f"layer{n}",) for n in range(1, 5)}


@pytest.mark.parametrize(
    ("spec", "model", "parts"),
    [
        ("imagenet/resnet50", None, {"stem": ("conv1", "bn1"), **LAYERS, "head": ("fc",)}),
        ("zoo/timm/resnetv2", "resnetv2_50", {"stem": ("stem",), "head": ("norm", "head")}),
        ("zoo/timm/regnet", "regnety_002", {"stage1": ("s1",), "stage4": ("s4",), "head": ("head",)}),
        (
            "zoo/torchvision/densenet",
            "densenet121",
            {
                "stem": ("features.conv0", "features.norm0"),
                "stage1": ("features.denseblock1",),
                "stage2": ("features.transition1", "features.denseblock2"),
                "head": ("features.norm5", "classifier"),
            },
        ),
        (
            "zoo/timm/convnext",
            "convnext_atto",
            {"stage1": ("stages.0.blocks",), "stage2": ("stages.1.downsample", "stages.1.blocks")},
        ),
        ("zoo/timm/efficientnet", "efficientnet_b0", {"stem": ("conv_stem", "bn1"), "stage7": ("blocks.6",)}),
        ("zoo/timm/cspnet", "cspresnet50", {"stage1": ("stages.0",), "stage4": ("stages.3",), "head": ("head",)}),
        ("zoo/timm/dla", "dla34", {"stem": ("base_layer", "level0", "level1"), "stage4": ("level5",), "head": ("fc",)}),
    ],
)
def test_parts(spec: str, model: str | None, parts: dict[str, tuple[str, ...]]) -> None:
    network = on_meta(spec, model)
    split = split_parts(network)
    assert {name: split.by_name.get(name) for name in parts} == parts
    modules = [*split.stem, *(name for stage in split.stages for name in stage), *split.head]
    keys = [name for name, _ in network.named_parameters()]
    assert [key for key in keys if sum(key.startswith(f"{module}.") for module in modules) != 1] == []


def test_without_stages_the_last_part_is_the_head() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Conv2d(2, 2, 3), torch.nn.Linear(2, 2)
    )
    split = split_parts(network)
    assert (split.stem, split.stages, split.head) == (("0", "2"), (), ("3",))
