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
