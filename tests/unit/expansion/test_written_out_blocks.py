"""A block behind a transparent slot: its steps are those of the scope around it, with their names and their order."""

import pytest

from resnetc.compiler.ir.network import ExpandedBlock
from resnetc.testing import SpecRefused, assert_network_agrees, trials
from tests.support import list_modules_with_keys, write_model

BODY = """/// Halves.
block body(width: int = 4) {
  let a = in |> conv(width, kernel=1)
  let later = late: conv(width, kernel=3)
  let b = in |> conv(width, kernel=3) |> norm |> later
  out = a + b
}
slot open(width: int = 4) "" = body
"""


def model(stem: str, *lines: str, head: str = "identity", before: str = "") -> str:
    return write_model(f"stem = {stem}", *lines, f"head = {head}", items=BODY + before)


# text, and what its keys begin with, in their order
STORED = {
    "its steps are counted with those around it": (
        model("conv(3, kernel=1) |> norm |> open |> conv(2, kernel=1)"),
        ["conv1", "bn1", "conv2", "late", "conv3", "bn2", "conv4"],
    ),
    "also in a block": (
        model("unit", before="block unit() { out = in |> conv(3, kernel=1) |> open(6) |> norm }\n"),
        ["unit.conv1", "unit.conv2", "unit.late", "unit.conv3", "unit.bn1", "unit.bn2"],
    ),
    "below the label of a sum": (
        model(
            "p: side",
            before="policy side() { otherwise => (in |> conv(4, kernel=1) |> open) + (in |> conv(4, kernel=1)) }\n",
        ),
        ["p.conv1", "p.conv2", "p.late", "p.conv3", "p.bn1", "p.conv4"],
    ),
    "with a label it is a module": (
        model("a: open |> conv(2, kernel=1)"),
        ["a.conv1", "a.late", "a.conv2", "a.bn1", "conv1"],
    ),
    "without a slot too": (model("body"), ["body.conv1", "body.late", "body.conv2", "body.bn1"]),
    "as a block of a stage too": (
        model("identity", "stage s = 1 of open", 'stage t "" = 1 of open(5)'),
        [f"{s}.{name}" for s in ("s.0", "t") for name in ("conv1", "late", "conv2", "bn1")],
    ),
    "in a sequence it is one step": (
        model("x: (norm |> open)"),
        ["x.0", "x.1.conv1", "x.1.late", "x.1.conv2", "x.1.bn1"],
    ),
    "in a chain that the slot stands for it keeps its name": (
        model("open2", before='slot open2() "" = norm |> body\n'),
        ["bn1", "body.conv1", "body.late", "body.conv2", "body.bn1"],
    ),
    "behind a policy": (
        model(
            "open2",
            before='policy which() { when in.channels == 3 => body otherwise => norm }\nslot open2() "" = which\n',
        ),
        ["conv1", "late", "conv2", "bn1"],
    ),
    "one in another": (
        model(
            "open2 |> conv(2, kernel=1)",
            before="/// Outer.\nblock outer() { let a = in |> norm  out = a |> open |> norm }\n"
            'slot open2() "" = outer\n',
        ),
        ["bn1", "conv1", "late", "conv2", "bn2", "bn3", "conv3"],
    ),
    "bound by the model": (
        model("entry |> norm", before="").replace("model net() {", "model net() { set entry = body"),
        ["conv1", "late", "conv2", "bn1", "bn2"],
    ),
    "a block that does nothing": (
        model("open2 |> norm", before='/// Nothing.\nblock nothing() { out = in }\nslot open2() "" = nothing\n'),
        ["bn1"],
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_steps_are_named_in_the_scope_around_a_block(case: str) -> None:
    text, keys = STORED[case]
    (trial,) = trials(text)
    assert list_modules_with_keys(trial) == keys
    assert assert_network_agrees(trial, [(8,), (3,)]) == 2


def test_no_class_is_made_and_the_documentation_is_a_comment() -> None:
    (trial,) = trials(model("conv(3, kernel=1) |> open"))
    assert not any(isinstance(step.operation, ExpandedBlock) for step in trial.network.root.steps)
    assert "class Body" not in trial.source
    assert "\n        # Halves.\n" in trial.source


def test_a_block_that_does_nothing_leaves_no_comment() -> None:
    (trial,) = trials(STORED["a block that does nothing"][0])
    assert "Nothing" not in trial.source


def test_the_names_of_its_values_end_with_it() -> None:
    with pytest.raises(SpecRefused) as caught:
        trials(model("unit", before="block unit() { let x = in |> open  out = a }\n"))
    assert [d.message for d in caught.value.diagnostics] == ["`a` is not defined here"]


def test_a_label_in_it_can_be_taken() -> None:
    with pytest.raises(SpecRefused) as caught:
        trials(model("open |> open"))
    assert [d.message for d in caught.value.diagnostics] == ["two layers would be stored as `late`"]
