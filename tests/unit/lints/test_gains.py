"""Norms whose gain begins at 0 where nothing is added to what they give."""

import pytest

from tests.unit.lints.dataflow_nets import texts_of, write_net

ZERO = "norm(gain=0)"
UNIT = """block unit(width: int) {
  let main = in |> MAIN
  out = (main + in) |> act
}
block inner(width: int) {
  out = in |> conv(width, kernel=3) |> norm |> act |> conv(width, kernel=3) |> norm(gain=0)
}
"""
UNITS = "stage layer1 = 2 of unit(16)"


def unit(main: str) -> str:
    return write_net(blocks=UNIT.replace("MAIN", main), stages=UNITS)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (write_net(stem=f"conv(16, kernel=3) |> {ZERO} |> act"), [ZERO]),
        (write_net(stem=f"conv(16, kernel=3) |> {ZERO} |> clip(-1, 6) |> conv(16, kernel=1)"), [ZERO]),
        (write_net(stem="conv(16, kernel=3) |> evo_norm_s0(groups=4, gain=0)"), ["evo_norm_s0(groups=4, gain=0)"]),
        (write_net(stem="conv(16, kernel=3) |> layer_norm(gain=0)"), ["layer_norm(gain=0)"]),
        (write_net(head=f"{ZERO} |> act |> global_avg_pool |> linear(10)"), [ZERO]),
        (write_net(head=f"global_avg_pool |> fc: linear(10) |> {ZERO}"), [ZERO]),
        (unit(f"conv(width, kernel=3) |> {ZERO} |> act |> conv(width, kernel=3) |> norm"), [ZERO]),
        (unit(f"a: (conv(width, kernel=3) |> {ZERO} |> act) |> conv(width, kernel=3) |> norm"), [ZERO]),
        (unit("inner(width) |> conv(width, kernel=3)"), [ZERO]),
        (
            write_net(stages="stage layer1 = 2 of blocks.basic(16, gain=0)", sets="set shortcut = none"),
            ["stage layer1 = 2 of blocks.basic(16, gain=0)"],
        ),
        # a sum of zeros and zeros
        (write_net(stem=f"conv(16, kernel=3) |> {ZERO}", stages="stage layer1 = 2 of blocks.basic(16)"), [ZERO]),
        # a product with zeros
        (
            write_net(
                blocks=f"block gated() {{\n  out = (in |> conv(16, kernel=3) |> {ZERO}) * in\n}}\n",
                stem="conv(16, kernel=3) |> gated",
            ),
            [ZERO],
        ),
    ],
)
def test_zeros_that_nothing_is_added_to_warn(text: str, places: list[str]) -> None:
    assert texts_of(text, "W0607") == places


@pytest.mark.parametrize(
    "text",
    [
        write_net(),
        write_net(stages="stage layer1 = 2 of blocks.basic(16, gain=0)"),
        write_net(stages="stage layer1 = 2 of blocks.bottleneck(4, gain=0)", sets="set attention = gates.se"),
        unit(f"conv(width, kernel=3) |> {ZERO} |> act"),
        write_net(stem=f"conv(16, kernel=3) |> {ZERO} |> clip(1, 6) |> conv(16, kernel=1)"),
        unit("inner(width)"),
        unit(f"conv(width, kernel=3) |> {ZERO} |> gates.se"),
        unit("conv(width, kernel=3) |> norm(gain=0.5) |> conv(width, kernel=3)"),
        # a gate of one half
        write_net(
            blocks="block gated() {\n  let gate = in |> conv(16, kernel=1) |> norm(gain=0) |> sigmoid\n"
            "  out = in * gate\n}\n",
            stem="conv(16, kernel=3) |> gated",
        ),
        # beside other channels
        write_net(
            blocks="block wide() {\n  let more = in |> conv(16, kernel=1) |> norm(gain=0)\n"
            "  out = [in, more] |> concat |> conv(16, kernel=1)\n}\n",
            stem="conv(16, kernel=3) |> wide",
        ),
    ],
)
def test_zeros_that_something_is_added_to_are_silent(text: str) -> None:
    assert texts_of(text, "W0607") == []
