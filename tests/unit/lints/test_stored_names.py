"""Names that are different layers in the blocks of one stage."""

import pytest

from tests.unit.lints.dataflow_nets import texts_of, write_net

UNIT = """block unit(width: int, first stride: size = 1, wide: bool = false) {
  let main = in |> conv(width, kernel=3, stride=stride)
                |> MIDDLE
                |> norm |> act |> conv(width, kernel=3) |> norm
  out = (main + (in |> shortcut(width, stride))) |> act
}
block outer(width: int, first stride: size = 1) {
  out = in |> unit(width, stride)
}
"""
EXTRA = "conv(width, kernel=1)"
ONCE = f"({EXTRA} when stride == 2 otherwise identity)"
STAGE = "stage layer1 = 2 of unit(16, stride=2)"


def shifted(middle: str, stages: str = STAGE) -> str:
    return write_net(blocks=UNIT.replace("MIDDLE", middle), stages=stages)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (shifted(ONCE), [EXTRA]),
        (shifted(ONCE, "stage layer1 = 2 of outer(16, stride=2)"), [EXTRA]),
        (shifted(ONCE, "stage layer1 = 4 of unit(16, stride=2)\n  stage layer2 = 2 of unit(16, stride=2)"), [EXTRA]),
        (shifted(f"({EXTRA} when stride == 1 otherwise identity)"), [EXTRA]),
        (shifted(f"({EXTRA} |> norm when stride == 2 otherwise identity)"), [EXTRA, "norm"]),
        (
            shifted(
                "(norm |> act when wide otherwise identity)", "stage layer1 = 1 of unit(16), 1 of unit(16, wide=true)"
            ),
            ["norm"],
        ),
    ],
)
def test_an_unlabelled_step_of_some_blocks_warns(text: str, places: list[str]) -> None:
    assert texts_of(text, "W0610") == places


@pytest.mark.parametrize(
    "text",
    [
        write_net(),
        shifted(EXTRA),
        shifted(f"(reduce: {EXTRA} when stride == 2 otherwise identity)"),
        shifted("(act when stride == 2 otherwise identity)"),  # stores nothing
        shifted(ONCE, "stage layer1 = 1 of unit(16, stride=2)\n  stage layer2 = 2 of unit(16)"),
        write_net(stages="stage layer1 = 2 of blocks.basic(32, stride=2)"),
    ],
)
def test_steps_with_one_name_each_are_silent(text: str) -> None:
    assert texts_of(text, "W0610") == []
