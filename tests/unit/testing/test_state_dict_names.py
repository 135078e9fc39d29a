"""A second reading of the naming rules: a module under another name is seen by `resnetc test` and by the fuzz."""

import pytest

from resnetc.compiler.expansion.dataflow_builder import Scope
from resnetc.testing import Trial, assert_network_agrees, assert_state_agrees, trials
from resnetc.testing.exercise import exercise
from resnetc.testing.inputs import Example
from resnetc.testing.state_dict_names import read_keys

POLICIES = """edition 1
policy beside(side: tensor) { otherwise => (in |> c: conv(8, kernel=3)) + side }
policy quiet(side: tensor) { otherwise => ((in |> act) + side) |> conv(8, kernel=3) |> norm }
policy again(side: tensor) { otherwise => (side |> conv(8, kernel=3)) |> norm }
policy chosen(side: tensor) { otherwise => ((side |> conv(8, kernel=3)) when in.channels == 8 otherwise in) |> norm }
policy bound(side: tensor) {
  let d = d: conv(8, kernel=1)
  otherwise => (in |> conv(8, kernel=3)) + (side |> d)
}
policy wide() { when in.channels > 4 => conv(8, kernel=1) |> norm otherwise => none }
policy pair(channels: int) { otherwise => conv(channels, kernel=1) |> norm }
slot open(channels: int) "" = pair
"""
BODIES = {
    "out = in |> t: beside(in)": ["t.c"],
    "out = in |> beside(in) |> box.t[0]: beside(in) |> box.t[1]: beside(in)": ["beside.c", "box.t.0.c", "box.t.1.c"],
    "out = in |> t: quiet(in)": ["t.0", "t.1"],
    "out = in |> t: again(in)": ["t.0", "t.1"],
    "out = in |> t: chosen(in)": ["t.0", "t.1"],
    "out = in |> t: bound(in)": ["t.d", "t.conv1"],
    "let k = t: bound(in)\n out = in |> conv(8, kernel=1) |> k": ["t.d", "t.conv1", "conv1"],
    "let k = box.b: conv(8, kernel=1)\n out = in |> box.a: conv(8, kernel=1) |> norm |> k": ["box.b", "box.a", "bn1"],
    "let lost = in |> conv(8, kernel=1)\n out = in |> conv(8, kernel=1)": ["conv2"],
    "out = in |> x: (identity |> c: conv(8, kernel=1) |> (norm |> act) |> norm)": ["x.c", "x.2", "x.4"],
    "out = in |> open(8) |> x: (open(8) |> norm) |> y: open(8)": ["conv1", "bn1", "x.0", "x.1", "x.2", "y.0", "y.1"],
    "out = in + (in |> wide) + (in |> w: wide)": ["wide.0", "wide.1", "w.0", "w.1"],
    "each i in range(2) { let y[i] = in |> rows[i].m: conv(8, kernel=1) }\n out = y |> sum": ["rows.0.m", "rows.1.m"],
}


def trial_of(body: str) -> Trial:
    net = "model net() {\n  input [8, H] = [8, 8]\n  stem = unit\n  head = identity\n}\n"
    (trial,) = trials(f"{POLICIES}block unit() {{\n  {body}\n}}\n{net}")
    return trial


@pytest.mark.parametrize(("body", "paths"), BODIES.items())
def test_both_readings_store_modules_in_one_way(body: str, paths: list[str]) -> None:
    trial = trial_of(body)
    modules = dict.fromkeys(
        key.rpartition(".")[0].removeprefix("unit.") for key in read_keys(trial.origin, trial.network)
    )
    assert list(modules) == paths
    assert_state_agrees(trial)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("out = in |> t: beside(in)", "unit.t.c.weight"),
        ("out = in |> beside(in)", "unit.beside.c.weight"),
    ],
)
def test_a_label_that_is_lost_is_seen(monkeypatch: pytest.MonkeyPatch, body: str, name: str) -> None:
    """The layers of a policy's sum are stored in the block around it."""
    monkeypatch.setattr(Scope, "open_part", lambda scope, prefix, call: scope)
    trial = trial_of(body)
    failures = {f.name: f.failure.message for f in exercise(trial, [Example((8,), 2, "cpu")]) if f.failure is not None}
    said = f"net: entry 1 of the state dict is `unit.c.weight`, by the naming rules `{name}`"
    assert failures == {"state": said}
    with pytest.raises(AssertionError, match="by the naming rules"):
        assert_network_agrees(trial, [(8,)], values=False)
