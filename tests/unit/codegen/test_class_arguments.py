"""`ResNet50(classes=10, channels=1)`: an argument of the class, where one layer alone depends on it."""

import inspect

import pytest
import torch
from torch import nn

import resnetc
from resnetc.testing import trials
from tests.support import import_module

SPEC = """edition 1
use std.blocks
use std.stems
{items}
model net({parameters}) {{
  {body}
  input [channels, H, W] = [channels, 32, 32]
  stem = {stem}
  stage layer1 = 1 of {block}
  head = {head}
}}
"""
USUAL = {
    "items": "",
    "parameters": "channels: int = 3, classes: int = 10",
    "body": "let n = 3",
    "stem": "conv(16, kernel=3)",
    "block": "blocks.basic(16)",
    "head": "global_avg_pool |> fc: linear(classes)",
}
WIDE = "policy wide() { otherwise => conv(4 * in.channels, kernel=3) |> norm }"


def class_of(source: str) -> type[nn.Module]:
    build = import_module(source).build
    found = build.__annotations__["return"]
    assert isinstance(found, type) and type(build()) is found
    return found


def arguments(**changes: str) -> list[str]:
    (trial,) = trials(SPEC.format(**(USUAL | changes)))
    return list(inspect.signature(class_of(trial.source)).parameters)


def test_the_ends_of_a_usual_network_are_arguments_in_the_order_of_the_spec() -> None:
    assert arguments() == ["channels", "classes"]
    assert arguments(stem="conv1: (conv(8, kernel=3) |> norm |> conv(16, kernel=3))") == ["channels", "classes"]
    assert arguments(head="global_avg_pool |> dropout(0.5) |> fc: linear(features=classes)") == ["channels", "classes"]


def test_build_takes_the_arguments_of_the_class() -> None:
    (trial,) = trials(SPEC.format(**USUAL))
    module = import_module(trial.source)
    assert inspect.signature(module.build).parameters == inspect.signature(module.Net).parameters
    model = module.build(1, classes=7)
    assert (model.conv1.in_channels, model.fc.out_features) == (1, 7)
    assert "def build(channels: int = 3, classes: int = 10) -> Net:" in trial.source


def test_build_of_long_names_stands_one_argument_a_line() -> None:
    long = ["channels_of_the_photographs_that_it_reads", "classes_that_the_last_layer_tells_apart"]
    parameters = f"{long[0]}: int = 3, {long[1]}: int = 10"
    text = SPEC.replace("[channels, ", f"[{long[0]}, ")
    changes = {"parameters": parameters, "head": f"global_avg_pool |> linear({long[1]})"}
    (trial,) = trials(text.format(**USUAL | changes))
    ends = "".join(f"    {name}: int = {value},\n" for name, value in zip(long, (3, 10), strict=True))
    assert f"\ndef build(\n{ends}) -> Net:\n" in trial.source
    assert f"    return Net(\n        {long[0]},\n        {long[1]},\n    )\n" in trial.source


@pytest.mark.parametrize(
    ("part", "text", "left"),
    [
        ("head", "global_avg_pool |> fc1: linear(2 * classes) |> relu |> fc2: linear(classes)", ["channels"]),
        ("head", "global_avg_pool |> fc: linear(classes + 1)", ["channels"]),
        ("head", "global_avg_pool |> fc: linear(classes) |> relu", ["channels"]),
        ("head", "conv(classes, kernel=1) |> global_avg_pool |> flatten", ["channels"]),
        ("body", 'require classes < 100 otherwise "too many"', ["channels"]),
        ("body", "let n = (1 when channels == 3 otherwise 2)", ["classes"]),
        ("parameters", "channels: int = 3, classes: int = 10, m: int = channels", ["classes"]),
        ("stem", "norm |> conv(16, kernel=3)", ["classes"]),
        ("stem", "conv(12, kernel=3, groups=3)", ["classes"]),
        ("stem", "identity", ["classes"]),
        ("stem", "blocks.basic(16)", ["classes"]),
    ],
)
def test_what_something_else_depends_on_is_none(part: str, text: str, left: list[str]) -> None:
    assert arguments(**{part: text}) == left


@pytest.mark.parametrize("stem", ["wide", "a: (wide |> act)"])
def test_channels_that_a_number_was_made_of_are_none(stem: str) -> None:
    assert arguments(items=WIDE, stem=stem) == ["classes"]


@pytest.mark.parametrize("name", ["imagenet/resnet18", "cifar/preact", "zoo/timm/resnet", "zoo/torchvision/resnet"])
def test_other_numbers_make_the_network_that_the_compiler_makes(name: str) -> None:
    model = {"zoo/timm/resnet": "resnet18", "zoo/torchvision/resnet": "resnet18"}.get(name)
    depth = {"depth": 20} if name.startswith("cifar") else {}
    plain = class_of(resnetc.compile(name, model=model, **depth).source)
    other = class_of(resnetc.compile(name, model=model, classes=7, channels=1, **depth).source)
    with torch.device("meta"):
        states = [made.state_dict() for made in (plain(classes=7, channels=1), other())]
    shapes = [{key: tensor.shape for key, tensor in state.items()} for state in states]
    assert shapes[0] == shapes[1]
