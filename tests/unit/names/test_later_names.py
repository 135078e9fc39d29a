"""A primitive that came after a text was written takes no name from it."""

import pytest

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.grammar.primitives import LATER
from tests.support import compile_text

TEXT = """edition 1

block unit(NAME: int) {
  let main = in |> conv(NAME * 4, kernel=3) |> norm
  out = (main + in) |> act
}
model net() {
  input [3, H, W] = [3, 8, 8]
  stem = conv(8, kernel=3)
  stage layer1 = 2 of unit(2)
  head = global_avg_pool |> fc: linear(2)
}
"""
FORMS = {
    "a parameter": TEXT,
    "a value": TEXT.replace("unit(NAME: int) {", "unit(n: int) {\n  let NAME = n"),
    "a loop variable": TEXT.replace("unit(NAME: int) {", "unit(n: int) {\n  each NAME in [n] {")
    .replace("  out", "    let last[0] = main\n  }\n  out")
    .replace("(main + in)", "(last[0] + in)"),
    "a block": TEXT.replace("NAME", "n").replace("unit", "NAME"),
    "a size": TEXT.replace("NAME", "n").replace("H, W]", "NAME, W]"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(LATER))
def test_a_name_of_the_text_comes_first(form: str, name: str) -> None:
    def digests_with(name: str) -> tuple[str, str]:
        return digests(compile_text(FORMS[form].replace("NAME", name))[0].network)

    assert digests_with(name) == digests_with("another")
