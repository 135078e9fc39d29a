"""The generated modules compute what torchvision's and timm's models of the same name compute."""

import runpy
from pathlib import Path

import pytest

from tests.oracle.fingerprint import check

ROOT = Path(__file__).resolve().parents[2]
NETS = {
    "resnet18": "tv/resnet18",
    "resnet34": "tv/resnet34",
    "resnet50": "tv/resnet50",
    "resnet101": "tv/resnet101",
    "resnet152": "tv/resnet152",
    "resnext50_32x4d": "tv/resnext50_32x4d",
    "resnext101_32x8d": "tv/resnext101_32x8d",
    "seresnet50": "timm/seresnet50",
}


@pytest.mark.parametrize("name", NETS)
def test_parameters_keys_order_and_outputs_agree(name: str) -> None:
    module = runpy.run_path(str(ROOT / "generated" / "imagenet" / f"{name}.py"))
    assert check(module["build"](), NETS[name])


def test_the_check_sees_another_function_behind_equal_keys() -> None:
    module = runpy.run_path(str(ROOT / "generated" / "imagenet" / "resnet50_v1.py"))
    with pytest.raises(AssertionError, match="outputs differ"):
        check(module["build"](), "tv/resnet50")
