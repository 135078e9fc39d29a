"""Three users who read the README ten days ago: what each types from memory, and whether the answer leads on.

One has torchvision in the fingers, one Keras, one has no framework and a paper in hand.
"""

from typing import NamedTuple

import pytest

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.remedies.verification import apply_edits
from tests.support import diagnose, run_command

BLOCK = "block unit(width: int, first stride: size = 1) {"
MAIN = """  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act
                |> conv(width, kernel=3) |> norm"""
SIDE = "  let side = in |> shortcut(width, stride)"
OUT = "  out = (main + side) |> act"
INPUT = "  input [3, H, W] = [3, 32, 32]"
STEM = "  stem = conv(16, kernel=3) |> norm |> act"
LAYER1 = "  stage layer1 = 2 of unit(16)"
LAYER2 = "  stage layer2 = 2 of unit(32, stride=2)"
HEAD = "  head = global_avg_pool |> fc: linear(classes)"
RIGHT = f"""edition 1
use std.blocks

/// Two convolutions and a shortcut.
{BLOCK}
{MAIN}
{SIDE}
{OUT}
}}

/// A small network.
model small(classes: int = 10) {{
{INPUT}
{STEM}
{LAYER1}
{LAYER2}
  stage layer3 = 2 of blocks.basic(64, stride=2)
{HEAD}
}}
"""


class Slip(NamedTuple):
    """What is written instead of a line that is right, what is said of it, and how often fixes are followed until the
    spec is right; 0 where the answer is in words."""

    right: str
    written: str
    answer: str
    rounds: int


SLIPS = (
    # -- torchvision in the fingers
    Slip(
        STEM,
        "  stem = nn.Conv2d(3, 16, 3, stride=1, padding=1, bias=False) |> norm |> act",
        "`Conv2d` is written `conv(16, kernel=3)` here: input channels are inferred",
        1,
    ),
    Slip(
        STEM,
        "  stem = self.conv1 |> self.bn1 |> self.relu",
        "there is no `self`: write the layer where it is applied: `conv(64, kernel=3) |> norm |> act`",
        0,
    ),
    Slip(STEM, "  stem = conv(16, kernel_size=3) |> norm |> act", "`kernel_size` is called `kernel` here", 1),
    Slip(
        STEM,
        "  stem = conv(3, 16, kernel=3) |> norm |> act",
        "input channels are inferred: write `conv(16, ...)`",
        1,
    ),
    Slip(
        STEM,
        "  stem = nn.Sequential(conv(16, kernel=3), norm, act)",
        "`Sequential` is written `conv(16, kernel=3) |> norm |> act` here",
        1,
    ),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3) |> norm |> relu(inplace=True)",
        "remove it: specs have no in-place operations",
        1,
    ),
    Slip(OUT, "  out = F.relu(main + side)", "`relu` is written `(main + side) |> act` here", 1),
    Slip(OUT, "  out = (main + x) |> act", "the input of a block or a policy is `in`", 3),
    Slip(
        OUT,
        "  main += side\n  out = main |> act",
        "a name cannot be reassigned: give the result another name with `let`",
        0,
    ),
    Slip(OUT, "  return act(main + side)", "write the result of a block as `out = ...`", 2),
    Slip(
        BLOCK,
        "block unit(width: int, first stride: size = 1, downsample=None) {",
        "a parameter needs a type: `downsample: layer = none`",
        1,
    ),
    Slip(
        OUT,
        "  let both = torch.cat([main, side], dim=1)\n  out = both |> conv(width, kernel=1) |> act",
        "`cat` is written `[main, side] |> concat` here",
        1,
    ),
    Slip(SIDE, "  let side = in |> shortcut(in.shape[1], stride)", "`shape[1]` is called `channels` here", 2),
    Slip(
        LAYER2,
        "  stage layer2 = make_layer(unit, 32, 2, stride=2)",
        "a stage states its number of blocks: `stage layer2 = 2 of unit(32, stride=2)`",
        1,
    ),
    Slip(LAYER2, "  self.layer2 = 2 of unit(32, stride=2)", "a stage starts with `stage`: `stage layer2 = ...`", 1),
    Slip(
        LAYER2,
        "  stage layer2 = 2 of unit(32, stride=2, norm_layer=nn.BatchNorm2d)",
        "`norm_layer` is called `norm` here",
        2,
    ),
    Slip(
        HEAD,
        "  head = global_avg_pool |> x.view(-1) |> fc: linear(classes)",
        "leave it off: `global_avg_pool |> linear(10)` needs no `flatten`",
        0,
    ),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3) |> norm |> act |> nn.MaxPool2d(kernel_size=3, stride=2, padding=1)",
        "`MaxPool2d` is written `max_pool(3, stride=2)` here",
        1,
    ),
    # -- Keras
    Slip(
        STEM,
        "  stem = Conv2D(16, (3, 3), strides=1, padding='same', activation='relu')",
        'strings are written in double quotes: "same"',
        4,
    ),
    Slip(
        STEM,
        '  stem = Conv2D(filters=16, kernel_size=3, activation="relu") |> norm',
        "`Conv2D` is written `plain_conv(16, kernel=3, padding=0) |> act` here",
        1,
    ),
    Slip(STEM, "  stem = conv(16, kernel=(3, 3)) |> norm |> act", "write a list in square brackets: `[3, 3]`", 1),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3, padding='same') |> norm |> act",
        "remove it: a stride of 1 keeps the size, as in `conv(64, kernel=3)`",
        1,
    ),
    Slip(
        MAIN,
        MAIN.replace("stride=stride", "strides=stride"),
        "`strides` is called `stride` here",
        1,
    ),
    Slip(
        STEM,
        '  stem = conv(16, kernel=3) |> BatchNormalization() |> Activation("relu")',
        "`BatchNormalization` is written `norm` here",
        2,
    ),
    Slip(OUT, "  out = layers.Add()([main, side]) |> act", "`Add` is written `(main + side)` here", 1),
    Slip(
        MAIN,
        "  let main = conv(width, kernel=3, stride=stride)(in) |> norm",
        "pass a tensor with a pipe: `in |> conv(width, kernel=3, stride=stride)`",
        1,
    ),
    Slip(INPUT, "  input = Input(shape=(32, 32, 3))", "an input is written `input [3, H, W] = [3, 32, 32]`", 1),
    Slip(INPUT, "  input [H, W, 3] = [32, 32, 3]", "the channels come first: `input [3, H, W] = [3, 32, 32]`", 1),
    Slip(
        HEAD,
        "  head = GlobalAveragePooling2D() |> Dense(classes, activation='softmax')",
        "`GlobalAveragePooling2D` is written `global_avg_pool` here",
        2,
    ),
    Slip(
        HEAD,
        "  head = global_avg_pool |> fc: linear(classes) |> softmax",
        "remove it at the end of a network (the loss applies it); for branches write `[a, b] |> softmax`",
        0,
    ),
    Slip(
        STEM,
        '  stem = conv(16, kernel=3, name="conv1") |> norm |> act',
        "label the layer instead: `name: conv(64, kernel=3)`",
        0,
    ),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3) |> norm |> act |> MaxPooling2D(pool_size=(2, 2), strides=2, padding='valid')",
        'strings are written in double quotes: "valid"',
        3,
    ),
    Slip(HEAD, "  head = Flatten() |> Dense(classes)", "`Flatten` is written `flatten` here", 3),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3, use_bias=False) |> norm |> act",
        "remove it: `plain_conv` has no bias without `bias=true`",
        1,
    ),
    Slip(
        OUT, "  out = (main + side) |> act |> UpSampling2D(2)", "edition 1 has no operation that makes a map larger", 0
    ),
    Slip(
        OUT,
        "  let both = Concatenate()([main, side])\n  out = both |> conv(width, kernel=1) |> act",
        "`Concatenate` is written `[main, side] |> concat` here",
        1,
    ),
    # -- no framework: a paper in hand
    Slip(STEM, "  stem = 3x3, 16", "a convolution is written `conv(16, kernel=3)`", 1),
    Slip(STEM, "  stem = conv 3x3 16 |> norm |> act", "a convolution is written `conv(16, kernel=3)`", 1),
    Slip(
        STEM,
        "  stem = conv(16, 3×3) |> norm |> act",
        "a kernel of 3×3 is written `kernel=3`, as in `conv(64, kernel=3)`",
        1,
    ),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3) -> norm -> act",
        "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`",
        1,
    ),
    Slip(OUT, "  out = act(main + side)", "pass a tensor with a pipe: `(main + side) |> act`", 1),
    Slip(
        OUT,
        "  out = F(x) + x",
        "name the branch with `let main = in |> conv(width, kernel=3) |> norm`, and add: `main + in`",
        0,
    ),
    Slip(OUT, "  y = F(x) + x", "write `out = ...`", 0),
    Slip(
        LAYER2,
        "  stage layer2 = repeat 2 times unit(32, stride=2)",
        "a stage states its number of blocks: `stage layer2 = 2 of unit(32, stride=2)`",
        1,
    ),
    Slip(
        LAYER2,
        "  stage layer2 = 2 x unit(32, stride=2)",
        "a stage states its number of blocks: `stage layer2 = 2 of unit(32, stride=2)`",
        1,
    ),
    Slip(
        LAYER2,
        "  stage layer2 = [3x3, 32] x 2",
        "a stage states its number of blocks: `stage layer2 = 2 of blocks.basic(32)`",
        1,
    ),
    Slip(LAYER2, "  layer 2: unit(32, stride=2)", "a stage is written `stage layer2 = 1 of unit(32, stride=2)`", 1),
    Slip(STEM, "  stem = conv(16 channels, kernel=3) |> norm |> act", "write only the number: `16`", 1),
    Slip(
        MAIN, "  let main = in |> conv(width, kernel=3, stride 2) |> norm", "name an argument with `=`: `stride=2`", 2
    ),
    Slip(INPUT, "", "a model declares its input before the stem: `input [3, H, W] = [3, 224, 224]`", 0),
    Slip(INPUT, "  input: 32x32 RGB image", "an input is written `input [3, H, W] = [3, 32, 32]`", 1),
    Slip(HEAD, "  output = global_avg_pool |> fc: linear(classes)", "write `head = ...`", 1),
    Slip(STEM, "  stem = conv(16, kernel=3) |> norm |> act;", "statements need no separator", 1),
    Slip(
        STEM,
        "  stem = conv(16, kernel=3) |> batch norm |> relu",
        "`batch norm` is written `norm` here: input channels are inferred",
        1,
    ),
)


def plant(slip: Slip) -> str:
    assert RIGHT.count(slip.right) == 1
    return RIGHT.replace(slip.right, slip.written)


def find_fix(faults: list[Diagnostic]) -> Diagnostic | None:
    return next((fault for fault in faults if fault.fix), None)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.written.strip())
def test_what_is_typed_from_memory_is_answered_in_those_words(slip: Slip) -> None:
    text = plant(slip)
    faults = diagnose(text)
    assert faults[0].helps[0] == slip.answer
    for _ in range(slip.rounds):
        fault = find_fix(diagnose(text))
        assert fault is not None
        text = apply_edits(fault.fix)
    assert slip.rounds == 0 or diagnose(text) == []


def test_the_spec_without_a_slip_is_right() -> None:
    assert diagnose(RIGHT) == []
    assert len(SLIPS) + len(COMMANDS) == 60


FAMILY = """edition 1
use std.blocks

model net(depths: list = [2, 2]) {
  input [3, H, W] = [3, 32, 32]
  stem = conv(16, kernel=3) |> norm |> act
  stage layer1 = depths[0] of blocks.basic(16)
  stage layer2 = depths[1] of blocks.basic(32, stride=2)
  head = global_avg_pool |> fc: linear(10)
}
"""
COMMANDS = {
    "show net.resnet --set norm=nn.BatchNorm2d": "`BatchNorm2d` is written `batch_norm` here",
    "train net.resnet --lr 0.1": "it is a key of the recipe: `--override learning_rate=0.1`",
    "show net.resnet --set depths=(2,2)": "write a list in square brackets: `[2,2]`",
    "show net.resnet --pretrained": "no weights are shipped: `train --init FILE` and `load_state_dict` take yours",
    "show net.resnet --set depths=2,2": "write a list in square brackets: `[2,2]`",
    "build net.resnet": "`resnetc compile`: write one Python file per network",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_typed_at_the_prompt_is_answered_in_those_words(command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.resnet").write_text(FAMILY)
    ran = run_command(*command.split())
    assert ran.status in (1, 2)
    assert COMMANDS[command] in ran.err


# -- what is read on as what it stands for ----------------------------------------------------------------------------


def test_a_sign_that_stands_for_an_operator_is_looked_up_as_it_is_written_here() -> None:
    """`×` kept its own spelling, and the evaluation of what was read ended in a `KeyError`."""
    faults = diagnose(RIGHT.replace("unit(16)", "unit(4 × 4)"))
    assert [(fault.code, fault.helps) for fault in faults] == [("E0103", ("multiply with `*`",))]
