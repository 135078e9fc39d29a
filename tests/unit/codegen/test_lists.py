"""Lists of values in `forward`: a whole list is read by its name, a part of one never; operands are written once."""

import ast

import pytest
import torch

from resnetc.compiler.codegen.forward import Forward, Operation
from resnetc.testing import assert_outputs_agree, trials
from tests.support import build

BODIES = {
    "a prefix under softmax": "let p = in |> split(4) let w = [p[0], p[1]] |> softmax out = w |> sum",
    "a prefix under concat": "let p = in |> split(4) out = [p[0], p[1], p[2]] |> concat",
    "the whole list": "let p = in |> split(4) out = [p[0], p[1], p[2], p[3]] |> concat",
    "the whole list in another order": "let p = in |> split(2) out = [p[1], p[0]] |> concat",
    "softmax, then concat": "let w = in |> split(2) |> softmax out = w |> concat",
    "softmax of a softmax": "let w = in |> split(2) |> softmax |> softmax out = w |> sum",
    "a prefix of a softmax": "let w = in |> split(4) |> softmax out = [w[0], w[1]] |> concat",
    "softmax of a prefix of a softmax": "let w = in |> split(4) |> softmax out = [w[0], w[1]] |> softmax |> sum",
    "the elements of two lists": "let p = in |> split(2) let q = p |> softmax out = [p[0], q[1]] |> concat",
    "unequal parts": "let p = in |> split([1, 5, 2]) out = [p[2], p[0], p[1]] |> concat",
    "unequal parts as a whole": "let p = in |> split([3, 5]) out = p |> concat",
    "a part of all": "let p = in |> split([8]) out = p[0] |> sigmoid",
    "one element": "let w = in |> split(4) |> softmax out = [w[0]] |> concat",
    "a list of a list": "let p = in |> split(2) let q = p[0] |> split(2) out = [q[0], q[1], p[1]] |> concat",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_list_is_what_the_spec_says(body: str) -> None:
    text = (
        f"edition 1\nblock unit() {{ {body.replace(' let ', chr(10) + 'let ').replace(' out ', chr(10) + 'out ')} }}\n"
        "model net() {\n  input [8, H] = [8, 8]\n  stem = unit\n  head = identity\n}\n"
    )
    (trial,) = trials(text)
    assert_outputs_agree(trial, (8,))


TWICE = """edition 1
block unit() {
  let y = in |> conv(8, kernel=1)
  let a = y |> norm |> reshape([8, 5, 4])
  let b = y |> dropout(0.5) |> reshape([8, 5, 4])
  let c = y |> sigmoid |> reshape([8, 20, 1]) |> reshape([8, 5, 4])
  out = a + b + c
}
model net() {
  input [3, 4, 5] = [3, 4, 5]
  stem = unit
  head = identity
}
"""


def test_no_module_is_called_twice_in_an_expression() -> None:
    (trial,) = trials(TWICE)
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(trial.source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "self"
    ]
    assert {"conv1", "bn1", "dropout"} <= set(calls)
    assert len(calls) == len(set(calls))


def test_a_norm_before_a_reshape_counts_one_batch_a_step() -> None:
    (trial,) = trials(TWICE)
    net = build(trial.source)
    net.train()(torch.zeros(2, 3, 4, 5))
    counts = [value.item() for key, value in net.state_dict().items() if key.endswith("num_batches_tracked")]
    assert counts == [1]


def test_an_operand_that_an_operation_writes_twice_gets_a_name_first() -> None:
    operations = [
        Operation((0,), (1,), lambda t: f"self.f({t[0]})"),
        Operation((1,), (2,), lambda t: f"torch.where({t[0]} > 0, {t[0]}, 0)"),
    ]
    lines = Forward(operations, 2, {}, lambda ref: "").write()
    assert [line.code for line in lines] == ["x = self.f(x)", "return torch.where(x > 0, x, 0)"]


CHAIN = """edition 1
block unit(depth: int = 3) {{
  let y[0] = in |> start: conv(8, kernel=1)
  each i in range(depth) {{ let y[i + 1] = y[i] |> {name}[i]: conv(8, kernel=3, groups={groups}, stride={stride}) }}
  out = {out}
}}
model net() {{
  input [8, H] = [8, 16]
  stem = unit
  head = identity
}}
"""
USUAL = {"name": "units", "groups": "1", "stride": "1", "out": "y[3] |> norm"}


def forward_of(**changes: str) -> str:
    (trial,) = trials(CHAIN.format(**USUAL | changes))
    assert_outputs_agree(trial, (16,))
    torch.fx.symbolic_trace(build(trial.source))
    return trial.source.partition("def forward")[2].partition("class ")[0]


@pytest.mark.parametrize(
    "name, element", [("units", "unit"), ("outs", "block"), ("selfs", "block"), ("lists", "block"), ("stem", "block")]
)
def test_a_chain_of_the_modules_of_a_list_is_a_loop(name: str, element: str) -> None:
    loop = f"out = self.start(x)  # [8, l]\n        for {element} in self.{name}:\n            out = {element}(out)\n"
    assert loop in forward_of(name=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"out": "y[3] + y[2]"},  # what the second one gives is read twice
        {"stride": "2"},  # every module gives another shape, which its line says
        {"out": "y[3] + y[1]", "groups": "(1 when i == 0 otherwise 8)"},
    ],
)
def test_what_is_no_chain_of_a_whole_list_is_called_one_by_one(changes: dict[str, str]) -> None:
    forward = forward_of(**changes)
    assert "for " not in forward and "self.units[2](" in forward


def test_equal_modules_of_a_list_are_written_once() -> None:
    (trial,) = trials(CHAIN.format(**USUAL))
    (start,) = [text for text in trial.source.splitlines() if "nn.ModuleList(" in text]
    assert start == "        self.units = nn.ModuleList("
    assert "            nn.Conv1d(" in trial.source.splitlines() and ".append(" not in trial.source
