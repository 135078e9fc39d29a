"""`resnetc test`: what it tries, what it says, and that it finds a module which is not what the compiler says of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from resnetc.cli.main import main
from resnetc.compiler.driver.session import Session
from resnetc.compiler.sizes import ALL, EMPTY, from_minimum, from_residues, only
from resnetc.testing.inputs import edges
from tests.support import run_python

Capture = pytest.CaptureFixture[str]

SPEC = """edition 1

block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act
  out = main + (in |> shortcut(width, stride))
}

model net(classes: int = 10, width: int = 4) {
  input [3, H, W] = [3, 16, 16]
  stem = conv(width, kernel=3) |> norm |> act |> max_pool(2, stride=2, padding=0)
  stage layer1 = 2 of unit(width)
  stage layer2 = 2 of unit(2 * width, stride=2)
  head = global_avg_pool |> fc: linear(classes)

  expect parameters == 1_454 when width == 4
  expect weighted_layers == 6
  expect layer2.shape[1] == ceil(floor(H / 2) / 2)
  expect layer2.stride == 4 and layer2.blocks == 2
  expect receptive_field == 24
  expect output.shape == [classes] when H % 2 == 0
  expect refuses(H < 2)
  expect activation_bytes <= 60_000
  expect multiply_adds(H, 16) <= 16_000 * H
}
"""


WHOLE = """\
net  (net.resnet)
  proved    accepts H >= 2, W >= 2; at each, both sides of every `+` have equal shapes
  checked   expect parameters == 1_454 when width == 4; holds on the module
  checked   expect weighted_layers == 6; holds on the module
  proved    expect layer2.shape[1] == ceil(floor(H / 2) / 2); holds on the module at 17 inputs from 3x2x2 to 3x54x65
  checked   expect layer2.stride == 4 and layer2.blocks == 2; holds on the module
  checked   expect receptive_field == 24; holds on the module
  proved    expect output.shape == [classes] when H % 2 == 0; holds on the module at 15 inputs from 3x2x2 to 3x54x65
  proved    expect refuses(H < 2); holds on the module at 8 inputs from 3x1x1 to 3x1x53
  checked   expect activation_bytes <= 60_000; holds on the module at 3x16x16
  proved    expect multiply_adds(H, 16) <= 16_000 * H; holds on the module at 17 inputs from 3x2x2 to 3x54x65
  tried     shapes, 24 inputs: 9 on or next to a boundary; 21 accepted, 3 rejected by both; batches of 1, 2, 3
  tried     strides, 1 input: of every stage, along every open axis
  tried     state, 1 input: keys, order and shapes; 1,454 parameters, 78 elements in buffers
  tried     multiply_adds, 2 inputs: up to 276,080 per image
  tried     activations, 2 inputs: up to 107,232 bytes per image, in float32
  tried     calls, 1 input: every module once for each of its steps
  tried     buffers, 1 input: after one training step
  tried     images, 1 input: an image by itself, in a batch, in another order
  tried     layouts, 1 input: channels first and last in memory
  tried     outputs, 1 input: of all operations, run one by one
1 network, 24 inputs: 9 claims and 10 predictions hold
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.resnet"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture
def tampered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes the generated module another one than the compiler speaks of."""

    def tamper(old: str, new: str) -> None:
        render = Session.render

        def wrong(self: Session, checked: object) -> str:
            text = render(self, checked)  # type: ignore[arg-type]
            assert old in text, text
            return text.replace(old, new)

        monkeypatch.setattr(Session, "render", wrong)

    return tamper


def test_what_was_proved_and_what_was_tried(spec: Path, capsys: Capture) -> None:
    assert main(["test", "net.resnet", "--examples", "20"]) == 0
    assert capsys.readouterr().out == WHOLE


def test_one_input_that_is_refused(spec: Path, capsys: Capture) -> None:
    """Both sides refuse it: that is what was asked."""
    assert main(["test", "net.resnet", "--input", "3x1x9", "--batch", "5"]) == 0
    told = capsys.readouterr().out
    assert "shapes, 1 input: 0 on or next to a boundary; 0 accepted, 1 rejected by both; batches of 5" in told
    assert "expect layer2.stride == 4 and layer2.blocks == 2; holds on the module\n" in told
    assert "expect layer2.shape[1] == ceil(floor(H / 2) / 2); not tried: none of its inputs runs" in told


def test_a_single_image_that_a_norm_refuses(spec: Path, capsys: Capture) -> None:
    """One channel a group, one position, one image: torch's group norm wants two values. The size is not at fault."""
    words = ["test", "net.resnet", "--set", "norm=group_norm(groups=4)", "--batch", "1"]
    assert main([*words, "--input", "3x2x2"]) == 0
    assert "; 1 with two images instead of one, because a norm needs more than one value\n" in capsys.readouterr().out
    assert main([*words, "--input", "3x4x4"]) == 0
    assert "two images" not in capsys.readouterr().out


SHAPES, STRIDE = "expect layer2.shape[1] == ", "expect layer2.stride == 4 and layer2.blocks == 2"
REFUSES = "expect refuses(H < 2)"
BYTES = "expect activation_bytes <= 60_000"
NUMBERS = ("shapes", "multiply_adds", "activations", "images", "layouts", "outputs")
FIELD = "expect receptive_field == 24"
PARAMETERS = "expect parameters == 1_454 when width == 4"
# What the module does otherwise than the compiler says; all that fails, with the smallest input that shows it.
WRONG = {
    "a pool of another stride": (
        ("nn.MaxPool2d(2, 2)", "nn.MaxPool2d(3, 1, 1)"),
        {
            SHAPES: "3x3x2",
            STRIDE: "3x16x16",
            FIELD: "3x16x16",
            REFUSES: "3x1x1",
            BYTES: "3x16x16",
            "shapes": "3x1x1",
            "strides": None,
            **dict.fromkeys(("multiply_adds", "activations", "buffers", "outputs"), "3x2x2"),
        },
    ),
    "a larger set of sizes": (
        ("nn.MaxPool2d(2, 2)", "nn.MaxPool2d(2, 2, ceil_mode=True)"),
        {
            SHAPES: "3x5x2",
            REFUSES: "3x1x1",
            "shapes": "3x1x1",
            "multiply_adds": "3x3x2",
            "activations": "3x3x2",
            "buffers": "3x2x3",
            "outputs": "3x2x3",
        },
    ),
    "a sum that torch spreads": (
        ("main + self.downsample(x)", "main + self.downsample(x).mean((2, 3), keepdim=True)"),
        {"shapes": "3x2x4", "strides": None, "buffers": "3x2x4", "outputs": "3x2x4"},
    ),
    "a parameter more": (
        ("nn.Conv2d(3, 4, 3, padding=1, bias=False)", "nn.Conv2d(3, 4, 3, padding=1, bias=True)"),
        {PARAMETERS: "3x16x16", "state": None, "buffers": "3x2x2", "outputs": "3x2x2"},
    ),
    "work done twice": (
        (
            "main = self.act(self.bn1(self.conv1(x)))",
            "main = self.act(self.bn1(self.conv1(x)) + self.bn1(self.conv1(x)))",
        ),
        dict.fromkeys(("multiply_adds", "activations", "calls", "buffers", "outputs"), "3x2x2"),
    ),
    "images that know each other": (
        ("self.fc(x.mean((2, 3)))", "self.fc(x.sub(x.mean(0, keepdim=True).expand_as(x)).mean((2, 3)))"),
        {"images": "3x2x2", "outputs": "3x2x2"},
    ),
    "a difference that torch spreads over the images": (
        ("self.fc(x.mean((2, 3)))", "self.fc(x.sub(x.mean(0, keepdim=True)).mean((2, 3)))"),
        {"shapes": "3x2x2", "images": "3x2x2", "outputs": "3x2x2"},
    ),
    "a layer that does not run": (
        ("self.fc(x.mean((2, 3)))", "self.nothing(x)"),
        {"strides": None, REFUSES: "3x2x2", "calls": "3x2x2", "buffers": "3x2x2"} | dict.fromkeys(NUMBERS, "3x2x2"),
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_module_that_is_another_one(
    kind: str, spec: Path, tampered: Callable[[str, str], None], capsys: Capture
) -> None:
    change, expected = WRONG[kind]
    tampered(*change)
    assert main(["test", "net.resnet", "--examples", "24"]) == 1
    told = capsys.readouterr().out
    print(told)
    failed = re.findall(r"^  FAILED    (.*?): .*\n +replay: (.*)$", told, re.MULTILINE)
    found = {name: command.partition("--input ")[2].partition(" ")[0] or None for name, command in failed}
    assert {name[: len(SHAPES)] if name.startswith(SHAPES) else name: at for name, at in found.items()} == expected
    for name, command in failed[::4]:
        program, *words = shlex.split(command)
        assert program == "resnetc" and main(words) == 1
        assert f"FAILED    {name}: " in capsys.readouterr().out


def test_several_networks_are_a_line_each(spec: Path, capsys: Capture) -> None:
    assert main(["test", "net.resnet", "--set", "width=[2, 3]", "--examples", "5"]) == 0
    assert capsys.readouterr().out == (
        "ok     net_width2  (net.resnet): 8 claims, 10 predictions, 9 inputs\n"
        "ok     net_width3  (net.resnet): 8 claims, 10 predictions, 9 inputs\n"
        "2 networks, 18 inputs: 16 claims and 20 predictions hold\n"
    )


SIDE_BY_SIDE = """
import os, sys
from resnetc.cli import test
from resnetc.cli.main import main
if sys.argv[1] == "ended":
    test.test_network = lambda *rest, **more: os._exit(9)
if sys.argv[1] == "raised":
    test.test_network = lambda *rest, **more: 1 / 0
sys.exit(main(["test", "net.resnet", "--set", "width=[2, 3, 5]", "--examples", "5", "--jobs", "2"]))
"""


@pytest.mark.parametrize(
    ("fate", "status", "told"),
    [("well", 0, ""), ("ended", 1, "error: a process was killed"), ("raised", 70, "division by zero")],
)
def test_several_networks_at_a_time(fate: str, status: int, told: str, spec: Path, capsys: Capture) -> None:
    """Their lines stand in the same order; a process that is ended is told, and what one raises is raised here."""
    done = run_python(SIDE_BY_SIDE, fate)
    assert done.returncode == status and told in done.stderr, done.stderr
    if fate == "well":
        assert main(["test", "net.resnet", "--set", "width=[2, 3, 5]", "--examples", "5"]) == 0
        assert done.stdout == capsys.readouterr().out and done.stdout.count("\nok ") == 2


def test_a_spec_with_faults_is_told_as_by_check(spec: Path, capsys: Capture) -> None:
    spec.write_text(SPEC.replace("weighted_layers == 6", "weighted_layers == 7"))
    assert main(["test", "net.resnet"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and "error[E0402]: `weighted_layers == 7` does not hold: 6 and 7" in told.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--input", "3x8"], "--input 3x8: write it like 3x16x16"),
        (["--input", "4x8x8"], "--input 4x8x8: `net` takes 4 channels"),
        (["--input", "3x999999x999999"], "--input 3x999999x999999: 1 image of this size are more than 2^40 numbers"),
        (["--batch", "0"], "argument --batch: a number from 1 to 999999, not '0'"),
        (["--examples", "many"], "argument --examples: a number from 1 to 999999, not 'many'"),
        (["--model", "other"], "no model `other` here"),
    ],
)
def test_a_wrong_command_line(more: list[str], message: str, spec: Path, capsys: Capture) -> None:
    assert main(["test", "net.resnet", *more]) == 2
    told = capsys.readouterr()
    assert told.out == "" and message.replace("4 channels", "3 channels") in told.err


def test_an_axis_that_the_model_fixes(spec: Path, capsys: Capture) -> None:
    spec.write_text(SPEC.replace("[3, H, W]", "[3, H, 16]").replace("ceil(floor(H / 2) / 2)", "ceil((H - 1) / 4)"))
    assert main(["test", "net.resnet", "--input", "3x9x9"]) == 2
    assert "--input 3x9x9: net fixes this axis to 16, not 9" in capsys.readouterr().err
    assert main(["test", "net.resnet", "--examples", "4"]) == 0
    assert "accepts H >= 2, axis 2 = 16; " in capsys.readouterr().out


def test_nothing_to_test(capsys: Capture) -> None:
    assert main(["test", "std/blocks"]) == 2
    assert "no network to test" in capsys.readouterr().err


WITHOUT = """
import sys
sys.modules["torch"] = sys.modules["hypothesis"] = None
from resnetc.cli.main import main
sys.exit(main(["test", "digits"]))
"""


def test_without_the_extra_one_message_names_it() -> None:
    done = run_python(WITHOUT)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr == "error: torch, hypothesis not installed: pip install '.[test]'\n"


OPTIMIZED = """
import sys
from resnetc.cli.main import main
from resnetc.compiler.driver.session import Session

render = Session.render
Session.render = lambda self, checked: render(self, checked).replace("nn.MaxPool2d(2, 2)", "nn.MaxPool2d(3, 1, 1)")
if __debug__:
    sys.exit("assert statements run")
sys.exit(main(["test", "net.resnet", "--examples", "12"]))
"""


def test_failures_are_found_without_assert_statements(spec: Path) -> None:
    """`python -O` leaves out every `assert`; what is held against the module is none."""
    done = run_python(OPTIMIZED, options=("-O",))
    assert done.returncode == 1, done.stderr
    failed = re.findall(r"^  FAILED    (.*?): ", done.stdout, re.MULTILINE)
    assert {"shapes", "strides", "multiply_adds", "activations", "outputs"} <= set(failed), done.stdout


REGIONS = """edition 1
use std.blocks

model audio(classes: int = 10, channels: int = 8) {
  input [1, T] = [1, 400] when T % 2 == 0
  stem = conv(channels, kernel=5, stride=2) |> norm |> act
  stage layer1 = 1 of blocks.basic(8, stride=2)
  head = global_avg_pool |> fc: linear(classes)

  expect layer1.shape[1] >= ceil(T / 4) when T >= 1000
  expect layer1.shape[1] <= 500 when T <= 2000 and T > 1800
  expect layer1.shape[1] >= 1 when channels == 8
  expect multiply_adds >= 1 when T % 512 == 2
  expect accepts(7)
  expect accepts(T >= 3000)
  each n in [9, 10] {
    expect accepts(n)
    expect accepts(T == 100 * n)
  }
  expect layer1.channels == 8 when T >= 5000
  expect weighted_layers == 4
}
"""


def where(told: str) -> list[str]:
    """Behind each claim, where it was held."""
    return re.findall(r"expect .*; holds on the module ?(.*)", told)


def test_a_claim_is_tried_inside_of_what_it_speaks_of(spec: Path, capsys: Capture) -> None:
    """On the edges of its condition or question, near the declared size, and beside; what it says nothing of does not
    count."""
    spec.write_text(REGIONS)
    assert main(["test", "net.resnet", "--examples", "16"]) == 0
    assert where(capsys.readouterr().out) == [
        "at 8 inputs from 1x1000 to 1x1060",
        "at 8 inputs from 1x1802 to 1x2000",
        "at 10 inputs from 1x2 to 1x400",
        "at 3 inputs from 1x2 to 1x1026",
        "at 1x7",
        "at 8 inputs from 1x3000 to 1x3060",
        "at 1x9",
        "at 1x900",
        "at 1x10",
        "at 1x1000",
        "at 8 inputs from 1x5000 to 1x5060",
        "",
    ]


def test_one_input_is_tried_alone(spec: Path, capsys: Capture) -> None:
    """A claim that says nothing of it holds for nothing seen; given sizes are tried all the same."""
    spec.write_text(REGIONS)
    assert main(["test", "net.resnet", "--input", "1x1900"]) == 0
    told = capsys.readouterr().out
    assert where(told) == ["at 1x1900", "at 1x1900", "at 1x1900", "at 1x7", "at 1x9", "at 1x10", ""]
    assert told.count("; not tried: none of its inputs runs\n") == 5


def test_a_module_that_is_another_one_inside_of_a_region(
    spec: Path, tampered: Callable[[str, str], None], capsys: Capture
) -> None:
    """No other input is as large; the smallest one that fails is looked for inside of the region."""
    spec.write_text(REGIONS)
    tampered("self.act(self.bn1(self.conv1(x)))", "self.act(self.bn1(self.conv1(x[..., :1010])))")
    assert main(["test", "net.resnet", "--examples", "16"]) == 1
    told = capsys.readouterr().out
    failed = re.findall(r"^  FAILED    (.*?): .*\n +replay: (.*)$", told, re.MULTILINE)
    (claim, command), *others = failed
    assert claim == "expect layer1.shape[1] >= ceil(T / 4) when T >= 1000" and others == []
    assert command.endswith("--input 1x1014 --batch 1")
    assert main(shlex.split(command)[1:]) == 1 and f"FAILED    {claim}: " in capsys.readouterr().out


AXES = """edition 1

model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(4, kernel=3, stride=2) |> max_pool(2, stride=2, padding=0)
  head = identity

  expect output.shape[1] >= 1 when H * W >= 2_000_000
  expect output.shape[1] >= 250 when H >= 1000 and W <= 20
  expect refuses(W < 3 and H >= 1_000)
  expect refuses(2, 7)
}
"""


def test_regions_of_several_axes(spec: Path, capsys: Capture) -> None:
    """Each size is one of the region, also where it is no set on each axis."""
    spec.write_text(AXES)
    assert main(["test", "net.resnet", "--examples", "16"]) == 0
    assert where(capsys.readouterr().out) == [
        "at 8 inputs from 3x1414x1415 to 3x1425x1473",
        "at 8 inputs from 3x1000x3 to 3x1017x20",
        "at 8 inputs from 3x1000x1 to 3x1017x2",
        "at 3x2x7",
    ]


# -- the inputs -------------------------------------------------------------------------------------------------------


def test_edges_of_sets() -> None:
    """Both sides of every edge: of the beginning, of holes, of the pattern for two periods, round the declared size."""
    assert edges(ALL, 9) == [1]
    assert edges(from_minimum(7), 9) == [1, 6, 7]
    assert edges(only(5), 5) == [1, 4, 5, 6]
    assert edges(EMPTY, 5) == [1, 5, 4]
    assert edges(from_residues(32, [0, 1, 2, 31]), 224) == [1, 2, 3, 30, 31, 34, 35, 62, 63, 222, 223, 227, 226]
    assert edges(from_minimum(7) & from_residues(10_007, [3, 4]), 20_016)[:5] == [1, 10009, 10010, 10011, 10012]
    far = edges(from_minimum(3) - from_residues(2, [0]), 1001)
    assert len(far) <= 24 and far[:3] == [1, 2, 3] and {1000, 1002} < set(far)
