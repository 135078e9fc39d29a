"""Faults of the code generator, put back one at a time: `resnetc test` and the fuzz both see each of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from resnetc.compiler.codegen import functional as codegen_functional
from resnetc.compiler.codegen.forward import Operation
from resnetc.compiler.ir.network import Leaf
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.testing import (
    Trial,
    assert_buffers_agree,
    assert_calls_agree,
    assert_network_agrees,
    assert_strides_agree,
    assertions,
    models,
    reference_interpreter,
    torch_measurements,
    trials,
)
from resnetc.testing.exercise import exercise
from resnetc.testing.inputs import Example


def net(body: str, size: str = "[3, 4, 5] = [3, 4, 5]") -> str:
    model = f"model net() {{\n  input {size}\n  stem = conv(8, kernel=3) |> unit\n  head = identity\n}}\n"
    return f"edition 1\nblock unit() {{\n{body}\n}}\n{model}"


RESHAPED = net(
    "let y = in |> conv(8, kernel=1)\n"
    "let a = y |> norm |> reshape([8, 5, 4])\n"
    "let b = y |> dropout(0.5) |> reshape([8, 5, 4])\n"
    "out = a + b"
)
PREFIX = net("let p = in |> split(4)\nlet w = [p[0], p[1]] |> softmax\nout = w |> sum", "[3, H, W] = [3, 8, 8]")
STACKED = net("let w = in |> split(2) |> softmax\nout = w |> concat", "[3, H, W] = [3, 8, 8]")


def found(trial: Trial, sizes: tuple[int, ...]) -> dict[str, str]:
    """The properties of `resnetc test` that fail, with what they say."""
    findings = exercise(trial, [Example(sizes, 2, "cpu")])
    return {finding.name: finding.failure.message for finding in findings if finding.failure is not None}


@pytest.fixture
def forgotten_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An operation writes an operand twice, whatever is called in it."""
    monkeypatch.setattr(Operation, "named", property(lambda operation: set()))
    yield


def test_a_module_that_runs_twice_is_seen(forgotten_names: None) -> None:
    (trial,) = trials(RESHAPED)
    seen = found(trial, (4, 5))
    assert "`unit.bn1` runs 2 times in one forward pass, predicted once" in seen["calls"]
    assert "leaves `unit.bn1.num_batches_tracked` at 2, predicted 1" in seen["buffers"]
    with pytest.raises(AssertionError, match="runs 2 times"):
        assert_network_agrees(trial, [(4, 5)], values=False)
    with pytest.raises(AssertionError, match="num_batches_tracked"):
        assert_buffers_agree(trial, (4, 5))


def test_what_runs_once_is_not_blamed() -> None:
    (trial,) = trials(RESHAPED)
    assert found(trial, (4, 5)) == {}
    assert_calls_agree(trial, (4, 5))
    assert_buffers_agree(trial, (4, 5))


@pytest.mark.parametrize(("text", "said"), [(PREFIX, "output of the module differs"), (STACKED, "TypeError")])
def test_a_list_that_is_told_by_its_text_is_seen(monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    assert found(trials(text)[0], (8, 8)) == {}

    def by_text(self: Operation, operands: list[str], whole: str | None = None) -> str:
        name = operands[0].partition("[")[0]
        same = len(operands) > 1 and operands == [f"{name}[{i}]" for i in range(len(operands))]
        return self.write([name if same else f"[{', '.join(operands)}]"] if self.gathers else operands)

    monkeypatch.setattr(Operation, "text", by_text)
    (trial,) = trials(text)
    assert any(said in message for message in found(trial, (8, 8)).values())
    with pytest.raises((AssertionError, TypeError)):
        assert_network_agrees(trial, [(8, 8)])


def test_a_buffer_that_moves_twice_is_seen_in_a_whole_net() -> None:
    (trial,) = trials(net("out = in |> norm |> relu |> conv(8, kernel=1) |> norm"))
    twice = trial.source.replace("self.bn1(x)", "self.bn1(self.bn1(x))", 1)
    assert twice != trial.source
    seen = found(replace(trial, source=twice), (4, 5))
    assert {"calls", "buffers"} <= seen.keys()


TAB = """edition 1
block unit(inner: int) {
  out = in + (in |> norm: norm |> linear0: linear(inner) |> act |> linear1: linear(in.channels))
}
model tab(classes: int = 10) {
  input [3, 1] = [3, 1]
  stem = first_layer: linear(64)
  stage layers = 4 of unit(128)
  head = last_normalization: norm |> act |> head: linear(classes)
}
"""
POOLED = """edition 1
block pooled() { out = in |> global_avg_pool |> flatten |> linear(8) }
block unit() { out = in + (in |> a: linear(4) |> act |> b: linear(8)) }
model net() {
  input [3, H, W] = [3, 8, 9]
  stem = conv(8, kernel=3)
  stage layer1 = 1 of (conv(8, kernel=3, stride=2) |> norm)
  stage layer2 = 1 of pooled, 2 of unit
  head = linear(2)
}
"""


@pytest.mark.parametrize(("text", "sizes"), [(TAB, (1,)), (POOLED, (8, 9))])
def test_a_stage_of_vectors_is_not_blamed(text: str, sizes: tuple[int, ...]) -> None:
    (trial,) = trials(text)
    assert found(trial, sizes) == {}
    assert assert_network_agrees(trial, [sizes]) == 1


@pytest.fixture
def axes_of_every_map(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tester looks for every axis of the input on every map."""
    monkeypatch.setattr(torch_measurements, "stride_along", get_size_on_axis)
    monkeypatch.setattr(assertions, "stride_along", get_size_on_axis)
    yield


def test_a_tester_that_blames_a_stage_of_vectors_is_seen(axes_of_every_map: None) -> None:
    (trial,) = trials(POOLED)
    assert found(trial, (8, 9))["strides"].startswith("raises IndexError")


def test_the_fuzz_draws_stages_of_vectors(axes_of_every_map: None) -> None:
    """Behind stages of maps, and alone; what is drawn finds a tester that blames them."""
    seen: list[Trial] = []

    @settings(
        max_examples=60, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(models())
    def draw(text: str) -> None:
        if "block mix1" in text:
            seen.extend(trials(text))

    draw()
    ranks = [
        {stage.compute_shape(trial.network.input.sizes)[1:] == () for stage in trial.measures.stages} for trial in seen
    ]
    assert {True} in ranks and {True, False} in ranks
    blamed = 0
    for trial in seen:
        try:
            assert_strides_agree(trial)
        except IndexError:
            blamed += 1
    assert blamed >= 3


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sum", lambda t: t[0]),
        ("concat", lambda t: f"torch.cat({t[0]}[::-1], dim=1)"),
        ("regroup", lambda t: t[0]),
    ],
)
def test_the_text_of_an_operation_is_held_against_another_statement_of_it(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: Callable[[list[str]], str]
) -> None:
    """The generator and the reference once shared that text, so that no fault of it could be seen."""
    text = net(
        "let p = in |> split(4)\n"
        "let q = [p[0], p[1]] |> sum\n"
        "out = [q, p[2], p[3]] |> concat |> conv(8, kernel=1) |> regroup(2, parts=2)"
    )
    made = codegen_functional.functional

    def functional(leaves: list[Leaf], *others: Any) -> Operation:
        operation = made(leaves, *others)
        return replace(operation, write=wrong) if leaves[0].primitive.name == name else operation

    monkeypatch.setattr(codegen_functional, "functional", functional)
    monkeypatch.setattr(reference_interpreter, "functional", functional)
    (trial,) = trials(text)
    assert "the output of the module differs" in found(trial, (4, 5))["outputs"]
