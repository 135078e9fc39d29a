"""A block that goes without one of its modules at some places is one class; where more differs, it is several."""

import re

import pytest

from resnetc.testing import assert_network_agrees, trials

MODEL = """
model net() {
  input [8, H, W] = [8, 12, 12]
  stem = unit(8)
  stage layer1 = 2 of unit(8)
  stage layer2 = 2 of unit(16, stride=2)
  head = identity
}
"""


def source_of(body: str, more: str = "") -> str:
    """The module of a net of `unit`s, after its values, state and calls were held against the interpreter's."""
    lines = "\n".join(f"  {line}" for line in body.strip().splitlines())
    spec = f"edition 1\n{more}\nblock unit(width: int, stride: int = 1) {{\n{lines}\n}}\n{MODEL}"
    (trial,) = trials(spec)
    assert_network_agrees(trial, [trial.network.input.sizes, (7, 9)])
    return trial.source


def classes(source: str) -> list[str]:
    return re.findall(r"^class (\w+)", source, re.MULTILINE)


SAME = "in.channels == width and stride == 1"


def added(side: str) -> str:
    """A body that adds `side` to a convolution; `pre` is the normalised input of both."""
    main = "pre |> conv(width, kernel=3, stride=stride)"
    return f"let pre = in |> norm\nlet main = {main}\nlet side = {side}\nout = main + side"


@pytest.mark.parametrize(
    ("side", "line"),
    [
        (
            f"(in when {SAME} otherwise pre |> down: conv(width, kernel=1, stride=stride))",
            "x if self.down is None else",
        ),
        (f"(pre when {SAME} otherwise pre |> down: conv(width, kernel=1, stride=stride))", "+ self.down(pre)"),
        (f"(in when {SAME} otherwise pre |> down: project(width, stride=stride))", "x if self.down is None else"),
    ],
    ids=["of another value", "of its own input", "a block"],
)
def test_a_module_left_out_by_a_choice_is_an_argument(side: str, line: str) -> None:
    project = "block project(width: int, stride: int) {\n  out = in |> conv(width, kernel=1, stride=stride) |> norm\n}"
    source = source_of(added(side), project if "project" in side else "")
    assert "Unit2" not in source
    assert line in source


def test_two_modules_left_out_are_two_classes() -> None:
    source = source_of(added(f"(in when {SAME} otherwise pre |> act |> conv(width, kernel=1, stride=stride))"))
    assert classes(source) == ["Unit", "Unit2", "Net"]


def test_what_may_not_be_read_is_computed_before() -> None:
    """The norm moves its statistics at every place, whether a convolution reads it there or not."""
    side = f"(in when {SAME} otherwise in |> norm |> down: conv(width, kernel=1, stride=stride))"
    body = f"let main = in |> conv(width, kernel=3, stride=stride)\nlet side = {side}\nout = main + side"
    assert classes(source_of(body)) == ["Unit", "Unit2", "Net"]
    source = source_of(added(f"(in when {SAME} otherwise pre |> down: conv(width, kernel=1, stride=stride))"))
    assert "        pre = self.bn1(x)  # " in source


def test_two_values_in_place_of_one_module_are_two_classes() -> None:
    text = """edition 1
block unit(mode: int) {
  let pre = in |> norm
  let main = pre |> conv(8, kernel=3)
  let side = (in when mode == 0 otherwise (pre when mode == 1 otherwise main |> down: conv(8, kernel=1)))
  out = main + side
}
model net() {
  input [8, H, W] = [8, 12, 12]
  stem = unit(0)
  stage layer1 = 1 of unit(1)
  stage layer2 = 1 of unit(2)
  head = identity
}
"""
    (trial,) = trials(text)
    assert_network_agrees(trial, [(12, 12)])
    assert sorted(classes(trial.source)) == ["Net", "Unit", "Unit2"]


def test_a_module_whose_first_weights_are_set_is_not_left_out() -> None:
    """A later line of `__init__` sets them: there would be nothing to set."""
    body = f"""
let main = in |> conv(width, kernel=3, stride=stride)
let side = (in when {SAME} otherwise main |> last: batch_norm(gain=0))
out = main + side
"""
    source = source_of(body)
    assert "is None" not in source
    assert classes(source) == ["Unit", "Unit2", "Net"]
