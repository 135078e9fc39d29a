"""Numbers beside tensors: printed as the doubles that Python has for them, and as few parentheses as Python needs."""

import re
from fractions import Fraction

import pytest
import torch

from tests.support import build, compile_text

SPEC = """edition 1
block unit(number: number) {{ out = {} }}
model net() {{
  input [3, H, W] = [3, 8, 8]
  stem = identity
  stage layer1 = 1 of unit({})
  head = identity
}}
"""
NUMBERS = {
    "0.2": 0.2,
    "1 / 3": 1 / 3,
    "10 / 11": 10 / 11,
    "1e-6": 1e-6,
    "0.1 + 0.2": 0.3,  # exact, and rounded once
    "1.7881293296813965": 1.7881293296813965,
    "3": 3,
    "-7 / 2": -3.5,
    "123456789012345678": 123456789012345678,
}


def last_line(text: str) -> str:
    """What the block returns."""
    return re.findall(r"return (.*?)(?:  #.*)?$", text.split("class Net")[0], re.MULTILINE)[-1]


@pytest.mark.parametrize("written", NUMBERS)
def test_a_number_is_printed_as_the_double_that_it_is(written: str) -> None:
    _, source = compile_text(SPEC.format("in * number", written))
    printed = re.fullmatch(r"x \* (.*)", last_line(source))
    assert printed is not None
    assert eval(printed[1]) == NUMBERS[written]
    x = torch.rand(1, 3, 4, 4)
    assert torch.equal(build(source)(x), x * NUMBERS[written])


TEXTS = {
    "number * in": "0.25 * x",
    "in / number": "x / 0.25",
    "number - in": "0.25 - x",
    "in - number - 1": "x - 0.25 - 1",
    "in - (number - in)": "x - (0.25 - x)",
    "in + (number + in)": "x + (0.25 + x)",
    "in + (in - number + in)": "x + (x - 0.25 + x)",
    "in + (in + in)": "x + x + x",
    "number + (in + in)": "0.25 + (x + x)",
    "-in * number": "-x * 0.25",
    "-(in * number)": "-(x * 0.25)",
    "number * (in + 1) / 2": "0.25 * (x + 1) / 2",
    "number / 2 * in": "0.125 * x",
    "in * number * 2": "x * 0.25 * 2",
    "in / (2 * number)": "x / 0.5",
    "1 - -in": "1 - -x",
    "[in, -in] * number |> sum": "x * 0.25 + -x * 0.25",
    "number * [in, in] - [in, 1] |> sum": "0.25 * x - x + (0.25 * x - 1)",
}


@pytest.mark.parametrize("written", TEXTS)
def test_an_operator_is_written_as_in_the_spec(written: str) -> None:
    _, source = compile_text(SPEC.format(written, "1 / 4"))
    assert last_line(source) == TEXTS[written]
    if "[" not in written:
        x = torch.rand(1, 3, 4, 4)
        assert torch.equal(build(source)(x), eval(written.replace("in", "x"), {"x": x, "number": 0.25}))


def test_exact_numbers_are_folded_before_they_are_rounded() -> None:
    assert Fraction("0.1") + Fraction("0.2") == Fraction("0.3")
    _, source = compile_text(SPEC.format("in * (0.1 + 0.2 - 0.3 + number)", "1"))
    assert last_line(source) == "x * 1"
