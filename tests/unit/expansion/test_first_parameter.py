"""A `first` parameter reaches the first block of a stage, whatever the block is; the others get its default."""

import pytest

from resnetc.compiler.driver.session import Session

ITEMS = """edition 1
block unit(width: int, first stride: size = 1) { out = in |> conv(width, kernel=3, stride=stride) }
policy step(width: int, first stride: size = 1) { otherwise => conv(width, kernel=3, stride=stride) |> norm }
slot part(width: int, first stride: size = 1) "part" = unit
slot loose(width: int, stride: size = 1) "loose" = unit
"""


@pytest.mark.parametrize(
    ("blocks", "stride"),
    [
        ("3 of unit(8, stride=2)", 2),
        ("3 of unit(8, 2)", 2),
        ("3 of step(8, stride=2)", 2),
        ("3 of part(8, stride=2)", 2),
        ("3 of (unit(8, stride=2))", 2),
        ("3 of (unit(8, stride=2) |> norm |> act)", 2),
        ("3 of (a: unit(8, stride=2) |> b: step(8, stride=2))", 4),
        ("3 of called", 2),
        ("1 of unit(8, stride=2), 2 of unit(8, stride=2)", 2),
        ("0 of unit(8, stride=3), 2 of unit(8, stride=2)", 2),
        ("each w in [8, 12, 8] of unit(w, stride=2)", 2),
        ("3 of loose(8, stride=2)", 8),  # the signature of the slot does not say `first`
        ("3 of conv(8, kernel=3, stride=2)", 8),
    ],
)
def test_the_stride_of_a_stage(blocks: str, stride: int) -> None:
    text = (
        f"{ITEMS}model net() {{\n  let called = unit(8, stride=2)\n  input [8, H, W] = [8, 32, 32]\n"
        f"  stem = identity\n  stage s = {blocks}\n  head = identity\n}}\n"
    )
    session = Session()
    session.add("-", text.encode())
    (checked,) = session.compile_networks()
    assert not session.sink.diagnostics and checked.measures.stages[0].stride == stride
