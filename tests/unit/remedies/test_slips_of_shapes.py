"""Slips in shapes: what is said leads back to the network that was meant, within a budget."""

import pytest

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver import session as driver
from resnetc.compiler.driver.session import Session
from resnetc.compiler.evaluation.call_arguments import pass_argument
from resnetc.compiler.remedies.verification import apply_edits

NET = """edition 1
use std.gates

policy narrowed(channels: int, stride: size) {
  when in.channels == channels and stride == 1 => identity
  otherwise => subsample(stride) |> pad_channels(channels)
}

block basic(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act |> conv(width, kernel=3) |> norm |> attention
  let side = in |> narrowed(width, stride)
  out = (main + side) |> act
}

block bottleneck(width: int, first stride: size = 1, outer: int = 4 * width) {
  let main = in |> conv(width, kernel=1) |> norm |> act |> conv(width, kernel=3, stride=stride) |> norm |> act
                |> conv(outer, kernel=1) |> norm |> gates.se(ratio=1 / 8)
  let side = in |> avg_pool(3, stride=stride) |> conv(outer, kernel=1) |> norm
  out = (main + side) |> act
}

model net() {
  set attention = gates.eca
  input [3, H, W] = [3, 64, 64]
  stem = conv(16, kernel=3) |> norm |> act
  stage layer1 = 2 of basic(16)
  stage layer2 = 2 of basic(32, stride=2)
  stage layer3 = 2 of bottleneck(32, stride=2)
  head = global_avg_pool |> dropout(0.2) |> fc: linear(10)
  expect parameters == 0
}
"""

SLIPS = {
    "the stride of a policy": ("narrowed(width, stride)", "narrowed(width)"),
    "the width of a policy": ("narrowed(width, stride)", "narrowed(in.channels, stride)"),
    "the stride of a pool": ("avg_pool(3, stride=stride)", "avg_pool(3)"),
    "the width behind a pool": ("|> conv(outer, kernel=1) |> norm\n  out", "|> conv(width, kernel=1) |> norm\n  out"),
    "the width of a bottleneck": (
        "|> conv(outer, kernel=1) |> norm |> gates",
        "|> conv(width, kernel=1) |> norm |> gates",
    ),
    "the width of a second convolution": (
        "conv(width, kernel=3) |> norm |> att",
        "conv(2 * width, kernel=3) |> norm |> att",
    ),
    "a dilation": (
        "conv(width, kernel=3, stride=stride) |> norm |> act |> c",
        "conv(width, kernel=3, dilation=stride) |> norm |> act |> c",
    ),
    "a stride too many": ("act |> conv(width, kernel=3) |>", "act |> conv(width, kernel=3, stride=stride) |>"),
    "a pool in the head": ("global_avg_pool |> dropout", "dropout"),
    "a sum": ("narrowed(width, stride)\n  out = (main + side)", "narrowed(width, stride)\n  out = main"),
    "a sum behind a pool": ("kernel=1) |> norm\n  out = (main + side)", "kernel=1) |> norm\n  out = main"),
    "a first": ("basic(width: int, first stride", "basic(width: int, stride"),
}


def check(text: str) -> tuple[Session, list[str]]:
    session = Session()
    session.add_text(text)
    networks = session.compile_networks()
    session.lint(networks)
    return session, [digests(checked.network)[1] for checked in networks]


def count_parameters(text: str) -> int:
    session = Session()
    session.add_text(text)
    (checked,) = session.compile_networks()
    return checked.measures.parameters


CLAIM = "  expect parameters == 0\n"
RIGHT = NET.replace("== 0\n", f"== {count_parameters(NET.replace(CLAIM, ''))}\n")


@pytest.mark.parametrize("claims", [True, False], ids=["with a claim", "without"])
@pytest.mark.parametrize("slip", SLIPS)
def test_the_remedy_is_the_inverse_of_the_slip(slip: str, claims: bool) -> None:
    right = RIGHT if claims else NET.replace(CLAIM, "")
    before, after = SLIPS[slip]
    assert right.count(before) == 1
    session, _ = check(right.replace(before, after))
    fix = next(fault.fix for fault in session.sink.diagnostics if fault.fix)
    mended, function = check(apply_edits(fix))
    assert mended.sink.diagnostics == []
    assert function == check(right)[1]


def test_remedies_are_tried_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    slipped = NET.replace(CLAIM, "").replace(*SLIPS["a dilation"])
    assert check(slipped)[0].sink.diagnostics[0].fix
    monkeypatch.setattr(driver, "MAX_COST_OF_TRIALS", -1)
    assert not check(slipped)[0].sink.diagnostics[0].fix


@pytest.mark.parametrize(
    ("call", "name", "with_it"),
    [
        ("narrowed(width)", "stride", "narrowed(width, stride)"),
        ("narrowed()", "channels", "narrowed(channels)"),
        ("narrowed", "channels", "narrowed(channels)"),
        ("narrowed(stride=2)", "channels", "narrowed(stride=2, channels=channels)"),
        ("narrowed(channels=4)", "stride", "narrowed(channels=4, stride=stride)"),
        ("parts.narrowed(max(width, 3),\n)", "stride", "parts.narrowed(max(width, 3), stride,\n)"),
        ("kinds[0]", "stride", None),
    ],
)
def test_a_value_of_the_same_name_is_passed_on(call: str, name: str, with_it: str | None) -> None:
    assert pass_argument(call, name, ["channels", "stride"]) == with_it
