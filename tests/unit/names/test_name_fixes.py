"""A word of another library, a name that nothing has, an argument too many: what is said puts the text right again."""

import pytest

from resnetc.compiler.remedies.verification import apply_edits
from tests.support import diagnose, warn

RIGHT = """edition 1 // of the language
use std.gates
use std.shortcuts

block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> relu
                |> merge: plain_conv(width, kernel=3, bias=true) |> gates.se(ratio=1 / 8)
  let side = in |> shortcut(width, stride)
  out = (main + side) |> act
}

model net(classes: int = 10) {
  set shortcut = shortcuts.average
  input [3, H, W] = [3, 32, 32]
  stem = plain_conv(8, kernel=7, stride=2) |> norm |> act |> max_pool(3, stride=2)
  stage layer1 = 2 of unit(8)
  head = global_avg_pool |> dropout(0.5) |> fc: linear(classes)
  expect parameters == 3_922
}
"""
SLIPS = {
    ("use std.shortcuts\n", ""): "add `use std.shortcuts` below the edition",
    (
        "use std.gates\nuse std.shortcuts\n\nblock",
        "use std.shortcuts\n\nblock",
    ): "add `use std.gates` below the edition",
    ("(main + side)", "(mian + side)"): "a similar name exists: `main`",
    ("(main + side)", "(main + sine)"): "a similar name exists: `side`",
    ("plain_conv(width", "plai_nconv(width"): "`plai_nconv` is written `plain_conv` here",
    ("relu", "ReLU(inplace=True)"): "`ReLU` is written `act` here",
    ("plain_conv(width", "Conv2d(width"): "`Conv2d` is written `conv(64, kernel=3)` here: input channels are inferred",
    ("max_pool", "MaxPooling2D"): "`MaxPooling2D` is written `max_pool(3, stride=2, padding=0)` here",
    ("global_avg_pool", "AdaptiveAvgPool2d(1)"): "`AdaptiveAvgPool2d` is written `global_avg_pool` here",
    ("global_avg_pool", "GlobalAveragePooling2D()"): "`GlobalAveragePooling2D` is written `global_avg_pool` here",
    ("linear(classes)", "Dense(classes)"): "`Dense` is written `linear(classes)` here",
    ("linear(classes)", "linear(512, classes)"): "input channels are inferred: write `linear(classes)`",
    ("plain_conv(8, kernel=7, ", "plain_conv(3, 8, 7, "): (
        "input channels are inferred: write `plain_conv(8, kernel=7, ...)`"
    ),
    ("3_922", "3_292"): "write `parameters == 3_922`, or change the model",
}


@pytest.mark.parametrize(("right", "wrong"), SLIPS)
def test_a_slip_of_a_word_is_mended_where_it_is(right: str, wrong: str) -> None:
    assert RIGHT.count(right) == 1, right
    fault, *others = diagnose(RIGHT.replace(right, wrong))
    assert others == []  # what is wrong inside a call that is replaced is no slip of its own
    assert fault.helps == (SLIPS[right, wrong],)
    mended = apply_edits(fault.fix)
    assert diagnose(mended) == []
    if not right.startswith("use") and wrong not in ("ReLU(inplace=True)", "MaxPooling2D"):
        assert mended == RIGHT


def test_numbers_in_torchs_order_are_no_arguments_of_ours() -> None:
    """`conv(3, 8, 7)` would be read as a kernel of 8 and a stride of 7."""
    (fault,) = diagnose(RIGHT.replace("plain_conv(8, kernel=7, stride=2)", "Conv2d(3, 8, 7)"))
    assert [edit.replacement for edit in fault.fix] == ["plain_conv(8, kernel=7, padding=0)"]


def test_a_pool_over_a_part_of_the_map_is_no_global_one() -> None:
    (fault,) = diagnose(RIGHT.replace("global_avg_pool", "AdaptiveAvgPool2d(7)"))
    assert fault.fix == ()


def test_a_warning_may_say_why_a_claim_is_false() -> None:
    text = RIGHT.replace("first stride", "stride").replace("2 of unit(8)", "2 of unit(8, stride=2)")
    text = text.replace("expect parameters == 3_922", "expect layer1.shape == [8, ceil(H / 8), ceil(W / 8)]")
    codes = [fault.code for fault in warn(text)]
    assert codes == ["W0601", "E0402"]
    assert warn(text.replace("stride: size", "first stride: size")) == []


def test_a_layer_of_a_library_is_no_misspelling_of_an_own_name() -> None:
    text = RIGHT.replace("model net(classes: int = 10)", "model net(inner: int = 10)").replace(
        "linear(classes)", "Linear(inner)"
    )
    (fault,) = diagnose(text)
    assert "`linear" in fault.helps[0]
    assert diagnose(apply_edits(fault.fix)) == []


@pytest.mark.parametrize(
    "call",
    [
        *("Conv2d(3, 16, 3, padding=1, dilation=width)", "Conv2d(3, 16, 3, 1, 1, width)", "nn.Conv2d(3, 16, kernel)"),
        *(
            "nn.Conv2d(3, 16, 3, dilation=(2, 2))",
            "Conv2d(3, 16, 3, dilation=)",
            "Conv2d(dilation=None, kernel_size=3)",
        ),
        *("nn.MaxPool2d(3, dilation=x)", "Dense(units=)", "Dropout()", "Conv2D((3, 3), 16, ())", "Linear(**options)"),
    ],
)
def test_a_call_of_a_library_may_hold_anything(call: str) -> None:
    """An argument need not be a number that is written out."""
    assert diagnose(RIGHT.replace("plain_conv(width, kernel=3, bias=true)", call))


@pytest.mark.parametrize(
    "opening", ["edition 1 /// A network.\n", "edition 1\r\n\r\n", "edition 1 // {\n/// A network.\n"]
)
def test_an_import_is_added_as_a_line_of_its_own(opening: str) -> None:
    end = opening[-2:] if opening.endswith("\r\n") else "\n"
    lines = [
        "model net() {",
        "  input [3, H, W] = [3, 32, 32]",
        "  stem = gates.se",
        "  head = global_avg_pool",
        "}",
        "",
    ]
    (fault,) = diagnose(opening + end.join(lines))
    mended = apply_edits(fault.fix)
    assert [d.code for d in diagnose(mended)] == []
    assert mended.count("\r") in (0, mended.count("\n"))


def test_a_block_of_another_library_keeps_its_width() -> None:
    (fault,) = diagnose(
        RIGHT.replace("2 of unit(8)", "2 of BasicBlock(8)").replace("  expect parameters == 3_922\n", "")
    )
    assert fault.helps == ("add `use std.blocks` below the edition, and write `blocks.basic`",)
    assert "2 of blocks.basic(8)" in apply_edits(fault.fix)
    assert diagnose(apply_edits(fault.fix)) == []
    (fault,) = diagnose(
        RIGHT.replace("use std.gates", "use std.gates\nuse std.blocks").replace("unit(8)", "Bottleneck(8)")
    )
    assert fault.helps == ("write `blocks.bottleneck`",)
