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
    # a sign
    ("(8, kernel=3) |> norm", "(8, kernel=3) norm"): "write `|>` before `norm`",
    ("norm |> act |> halved(8) |> max", "norm act halved(8) max"): "write `|>` between the layers",
    ("let main = in |>", "let main = |>"): "write `in |>`: a block passes its input on",
    ("in |> shortcut", "in shortcut"): "write `|>` before `shortcut`",
    ("3, stride=stride", "3 stride=stride"): "write `,` before `stride`",
    ("width: int, first", "width: int first"): "write `,` before `first`",
    ("stage layer2 =", "stage layer2:"): "a stage is written `stage layer1 = 2 of blocks.basic(64)`",
    ("2 of unit", "2 x unit"): "a stage says how often it has a block: `stage layer1 = 2 of unit(8)`",
    ("channels => identity", "channels -> identity"): "write a case as `when c => layers`",
    ("norm |> act |> halved(8) |> max", "norm -> act -> halved(8) -> max"): (
        "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`"
    ),
    # a word
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
