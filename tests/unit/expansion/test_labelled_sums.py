"""Policies whose case applies layers before a `+`: their modules are stored below the label."""

import pytest

from resnetc.testing import assert_outputs_agree, assert_state_agrees, trials
from tests.support import build, diagnose

POLICIES = """edition 1
policy beside(side: tensor) { otherwise => (in |> c: conv(8, kernel=3)) + side }
policy numbered(side: tensor) { otherwise => (in |> conv(8, kernel=3) |> norm) + side }
policy ended(side: tensor) { otherwise => ((in |> c: conv(8, kernel=3)) + side) |> conv(8, kernel=3) |> norm }
policy chained(side: tensor) { otherwise => (in + side) |> c: conv(8, kernel=3) |> norm }
policy again(side: tensor) { otherwise => (side |> conv(8, kernel=3)) |> norm }
policy chosen(side: tensor) { otherwise => ((side |> conv(8, kernel=3)) when in.channels == 8 otherwise in) |> norm }
policy nested(side: tensor) { otherwise => (in |> t: beside(side)) + side }
"""
BODIES = {
    "out = in |> t: beside(in)": ["t.c"],
    "out = in |> beside(in)": ["beside.c"],
    "out = (in |> a: beside(in)) + (in |> b: beside(in))": ["a.c", "b.c"],
    "out = in |> conv(8, kernel=1) |> t: numbered(in)": ["conv1", "t.conv1", "t.bn1"],
    "out = in |> t: ended(in)": ["t.c", "t.conv1", "t.bn1"],
    "out = in |> t: chained(in)": ["t.c", "t.1"],
    "out = in |> s: nested(in)": ["s.t.c"],
    "out = in |> t: again(in)": ["t.0", "t.1"],  # parentheses alone make nothing
    "out = in |> t: chosen(in)": ["t.0", "t.1"],
    "let late = t: beside(in)\n  let y = in |> conv(8, kernel=1)\n  out = y |> late": ["t.c", "conv1"],
}


def text_of(body: str) -> str:
    net = "model net() {\n  input [8, H] = [8, 8]\n  stem = unit\n  head = identity\n}\n"
    return f"{POLICIES}block unit() {{\n  {body}\n}}\n{net}"


@pytest.mark.parametrize(("body", "paths"), BODIES.items())
def test_a_sum_is_stored_below_its_label(body: str, paths: list[str]) -> None:
    (trial,) = trials(text_of(body))
    assert_outputs_agree(trial, (8,))
    assert_state_agrees(trial)
    keys = build(trial.source).state_dict()
    modules = dict.fromkeys(key.rpartition(".")[0].removeprefix("unit.") for key in keys)
    assert list(modules) == paths


def test_the_second_call_without_a_label_is_the_one_to_blame() -> None:
    text = text_of("out = (in |> beside(in)) + (in |> beside(in))")
    (fault,) = diagnose(text)
    assert (fault.code, fault.primary.span.text) == ("E0231", "beside(in)")
    assert fault.primary.span.start == text.rindex("beside(in)")
