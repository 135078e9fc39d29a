"""One token too few, too many, or another: what is said puts the text right again."""

import pytest

from resnetc.compiler.remedies.verification import apply_edits
from tests.support import diagnose

RIGHT = """edition 1
use std.blocks

/// A block.
block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act
                |> conv(width, kernel=3) |> norm
  let side = in |> shortcut(width, stride)
  out = (main + side) |> act
}

policy halved(channels: int) {
  when in.channels == channels => identity
  otherwise => conv(channels, kernel=1, stride=2)
}

model net() {
  input [3, H, W] = [3, 32, 32] // an image
  stem = conv(8, kernel=3) |> norm |> act |> halved(8) |> max_pool(3, stride=2)
  stage layer1 = 2 of unit(8)
  stage layer2 = 1 of unit(16, stride=2), 2 of blocks.basic(16)
  head = global_avg_pool |> fc: linear(10)
  expect weighted_layers >= 9
  expect weighted_layers <= 99
}

model smooth = net(act=silu)
"""
SLIPS = {
    # the bracket that ends before a pipe, at the end of a line, before a brace; of a list
    (
        "stride=stride) |> norm",
        "stride=stride |> norm",
    ): "close it with `)`: `let main = in |> conv(width, kernel=3, stride=stride)`",
    (
        "shortcut(width, stride)",
        "shortcut(width, stride",
    ): "close it with `)`: `let side = in |> shortcut(width, stride)`",
    ("(main + side) |>", "(main + side |>"): "close it with `)`: `out = (main + side)`",
    ("size = 1) {", "size = 1 {"): "close it with `)`: `block unit(width: int, first stride: size = 1)`",
    ("[3, 32, 32] //", "[3, 32, 32 //"): "close it with `]`: `input [3, H, W] = [3, 32, 32]`",
    ("stride=2), 2 of", "stride=2, 2 of"): "close it with `)`: `stage layer2 = 1 of unit(16, stride=2)`",
    (
        "  out = (main + side) |> act\n}",
        "  out = (main + side) |> act",
    ): "every `{` of a block, policy or model needs a matching `}`",
    ("net(act=silu)\n", "net(act=silu\n"): "close it with `)`: `model smooth = net(act=silu)`",
    # a sign
    ("stride=2)\n}", "stride=2\uff09\n}"): "write an ordinary `)`",
    ("std.blocks", "std/blocks"): "write the path with dots: `use std.blocks`",
    ("std.blocks", '"std/blocks.resnet"'): "write the path with dots: `use std.blocks`",
    ("std.blocks", '"std.blocks"'): "a path has no quotes: `use std.blocks`",
    ("std.blocks", "'std.blocks'"): "a path has no quotes: `use std.blocks`",
    ("(8, kernel=3) |> norm", "(8, kernel=3) norm"): "write `|>` before `norm`",
    ("norm |> act |> halved(8) |> max", "norm act halved(8) max"): "write `|>` between the layers",
    ("let main = in |>", "let main = |>"): "write `in |>`: a block starts from its input",
    ("in |> shortcut", "in shortcut"): "write `|>` before `shortcut`",
    ("3, stride=stride", "3 stride=stride"): "write `,` before `stride`",
    ("width: int, first", "width: int first"): "write `,` before `first`",
    ("stage layer2 =", "stage layer2:"): "a stage is written `stage layer1 = 2 of blocks.basic(64)`",
    ("2 of unit", "2 x unit"): "a stage states its number of blocks: `stage layer1 = 2 of unit(8)`",
    ("channels => identity", "channels -> identity"): "write a case as `when c => layers`",
    ("norm |> act |> halved(8) |> max", "norm -> act -> halved(8) -> max"): (
        "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`"
    ),
    ("[3, H, W] = [3,", "[3; H, W] = [3,"): "separate with `,`",
    # a word
    ("model net()", "net()"): "a definition starts with its kind: `model net(...) { ... }`",
    ("  otherwise =>", "  when =>"): "write the default case as `otherwise => layers`",
    ("2 of unit", "2 off unit"): "a similar keyword exists: `of`",
    ("weighted_layers >= 9", "weighted_layers => 9"): "compare with `>=`",
    ("weighted_layers <= 99", "weighted_layers =< 99"): "compare with `<=`",
    ("out = (main", "return (main"): "write the result of a block as `out = ...`",
    # too much
    ("side) |> act\n}", "side)) |> act\n}"): "remove it, or add the `(` that it closes",
    ("shortcut(width, stride)", "shortcut(width, stride);"): "statements need no separator",
}


@pytest.mark.parametrize(("right", "wrong"), SLIPS)
def test_a_slip_of_one_token_is_mended_where_it_is(right: str, wrong: str) -> None:
    assert RIGHT.count(right) == 1, right
    text = RIGHT.replace(right, wrong)
    (fault,) = diagnose(text)
    assert fault.helps == (SLIPS[right, wrong],)
    mended = apply_edits(fault.fix)
    assert " ".join(mended.split()) == " ".join(RIGHT.split())


def test_an_input_keeps_the_names_that_its_model_has() -> None:
    right = RIGHT.replace("net()", "net(channels: int = 3)").replace("[3, H, W] = [3,", "[channels, H, W] = [channels,")
    (fault,) = diagnose(right.replace("channels, H", "channels H"))
    assert fault.helps == ("write `,` before `H`",)
    assert apply_edits(fault.fix) == right


def test_beside_a_false_claim_the_bracket_that_fits_is_closed() -> None:
    right = RIGHT.replace("out = (main + side) |> act", "out = main + (in |> shortcut(width, stride))")
    right = right.replace("  let side = in |> shortcut(width, stride)\n", "").replace(">= 9", ">= 999")
    (fault,) = diagnose(right.replace("stride))", "stride)"))
    assert apply_edits(fault.fix) == right


def test_a_list_of_networks_is_gone_through_with_in() -> None:
    right = RIGHT.replace("model net() {", "model net(n: int) {\n  each n in [1, 2]").replace("net(act", "net(n=1, act")
    (fault,) = diagnose(right.replace("each n in", "each n ="))
    assert apply_edits(fault.fix) == right


@pytest.mark.parametrize(("right", "wrong"), [("edition 1\n", ""), (">= 9\n}", ">= 9")])
def test_a_line_that_is_added_ends_as_the_others_do(right: str, wrong: str) -> None:
    text = RIGHT[: RIGHT.index("  expect weighted_layers <=")] + "}\n"
    (fault, *_) = diagnose(text.replace(right, wrong).replace("\n", "\r\n"))
    mended = apply_edits(fault.fix)
    assert mended.count("\r\n") == mended.count("\n")


def test_a_bracket_that_is_far_from_where_it_is_missed_is_no_fault_of_the_compiler() -> None:
    arguments = ", ".join(f"depth{i}={i}" for i in range(300))
    fault, *_ = diagnose(RIGHT.replace("net(act=silu)", f"net({arguments}"))
    assert (fault.code, fault.fix) == ("E0111", ())


def test_an_edit_stays_where_the_next_fault_is_another() -> None:
    text = RIGHT.replace("when in.channels == channels", "if in.channels == channels && 1 == 1")
    fault, *_ = diagnose(text)
    assert [edit.replacement for edit in fault.fix] == ["and"]


def test_no_word_of_the_author_is_removed() -> None:
    """A sign is missing before the `2`: which, only the author knows."""
    text = RIGHT.replace("model net() {", "model net() {\n  let n = (3 + 5) 2").replace("unit(8)", "unit(n)")
    fault, *_ = diagnose(text)
    assert fault.code == "E0101"
    assert fault.fix == ()
