"""Labels in quotes: paths with reserved words and `-` in them, and slots that count from 0."""

import pytest

from resnetc.testing import assert_network_agrees, trials
from tests.support import list_modules_with_keys, write_model


def model(stem: str, *lines: str, before: str = "") -> str:
    return write_model(f"stem = {stem}", *lines, "head = identity", items=before)


KIND = "policy kind(w: int) { when w == 4 => norm when w == 5 => conv(w, kernel=1) otherwise => norm |> relu }\n"
UNIT = 'block unit(w: int) { out = in |> conv(w, kernel=1) |> "x.block-1": kind(w) |> "x.out": norm }\n'

# text, and what its keys begin with, in their order
STORED = {
    "a reserved word": (model('"x.out": norm |> "stem.stem.0": conv(4, kernel=1)'), ["x.out", "stem.stem.0"]),
    "a chain": (model('"stem.first": (norm |> conv(4, kernel=1))'), ["stem.first.0", "stem.first.1"]),
    "beside other labels": (model('x.a: norm |> "x.block": norm |> x.b[0]: norm'), ["x.a", "x.block", "x.b.0"]),
    "a dash": (model('"x.block-1": norm |> "x.block-0": norm'), ["x.block-1", "x.block-0"]),
    "by `let`": (
        model("unit", before='block unit() { let a = "x.out": norm  out = in |> norm |> a }\n'),
        ["unit.x.out", "unit.bn1"],
    ),
    "an argument of a class": (
        model("identity", "stage s = 1 of unit(4), 1 of unit(5), 1 of unit(6)", before=KIND + UNIT),
        ["s.0.conv1", "s.0.x.block-1", "s.0.x.out", "s.1.conv1", "s.1.x.block-1", "s.1.x.out"]
        + ["s.2.conv1", "s.2.x.block-1.0", "s.2.x.out"],
    ),
    "a slot from 0": (
        model("b |> b |> c: b |> b", before='slot b() "b#0" = norm\n'),
        ["b0", "b1", "c", "b2"],
    ),
}


@pytest.mark.parametrize("case", STORED)
def test_keys_are_where_the_labels_say(case: str) -> None:
    text, keys = STORED[case]
    (trial,) = trials(text)
    assert list_modules_with_keys(trial) == keys
    assert assert_network_agrees(trial, [(8,), (3,)]) == 2
