"""Maps that strides have made one position at the declared size."""

import pytest

from tests.unit.lints.dataflow_nets import texts_of, write_net

LATER = "stage layer2 = 1 of blocks.basic(16)"
STAGES = f"stage layer1 = 1 of blocks.basic(16, stride=2)\n  {LATER}"
HALVES = "conv(16, kernel=3, stride=4) |> norm |> act |> max_pool(3, stride=4)"  # 32 becomes 2


@pytest.mark.parametrize("input", ["32, 32", "32, 32 = 32, 32", "H, 32 = 32, 32", "25, 32"])
def test_a_stage_of_one_position_warns(input: str) -> None:
    text = write_net(stem=HALVES, stages=STAGES, input=input)
    assert texts_of(text, "W0608") == [LATER]
    assert texts_of(text, "W0609") == []  # for the same cause


@pytest.mark.parametrize(
    ("stem", "stages", "places"),
    [
        (f"{HALVES} |> max_pool(2, stride=2)", LATER, [LATER]),
        ("conv(16, kernel=3, stride=32)", LATER, [LATER]),
        (HALVES, "stage layer1 = 1 of blocks.basic(16, stride=2)", []),
        (HALVES, LATER, []),
        ("conv(16, kernel=3) |> global_avg_pool", LATER, []),
        ("conv(16, kernel=3) |> avg_pool(32, padding=0)", LATER, []),
        ("plain_conv(16, kernel=32, padding=0)", LATER, []),
        (f"{HALVES} |> global_avg_pool", LATER, []),
    ],
)
def test_a_stage_warns_where_strides_left_one_position(stem: str, stages: str, places: list[str]) -> None:
    assert texts_of(write_net(stem=stem, stages=stages), "W0608") == places
    fixed = write_net(stem=stem, stages=stages, input="32, 32 = 32, 32")
    assert texts_of(fixed, "W0608") == places


@pytest.mark.parametrize("input", ["32, 32", "32, 32 = 32, 32"])
@pytest.mark.parametrize(
    ("stem", "stages", "head", "places"),
    [
        (
            HALVES,
            "stage layer1 = 1 of blocks.basic(16, stride=2)",
            "identity",
            ["stage layer1 = 1 of blocks.basic(16, stride=2)"],
        ),
        (HALVES, LATER, "conv(8, kernel=3, stride=2) |> norm", ["norm"]),
        (HALVES, LATER, "max_pool(3, stride=2) |> n: (conv(8, kernel=1) |> norm)", ["conv(8, kernel=1) |> norm"]),
        (HALVES, LATER, "global_avg_pool |> norm", []),
        (HALVES, LATER, "conv(8, kernel=3, stride=2) |> group_norm(groups=2)", []),
        (HALVES, "stage layer1 = 1 of blocks.basic(16, attention=gate)", "identity", []),
        (HALVES, "stage layer1 = 1 of pooled", "identity", []),
    ],
)
def test_a_batch_norm_of_one_position_warns(input: str, stem: str, stages: str, head: str, places: list[str]) -> None:
    blocks = """block gate() {
  out = in * (in |> global_avg_pool |> conv(16, kernel=1) |> norm |> sigmoid)
}
block unit() {
  out = in |> conv(16, kernel=1) |> norm
}
block pooled() {
  out = in |> global_avg_pool |> unit
}
"""
    assert texts_of(write_net(stem, stages, head, blocks, input=input), "W0609") == places


def test_a_network_whose_input_is_one_position_is_silent() -> None:
    text = write_net(stages=f"{LATER}", input="1, 1")
    assert texts_of(text, "W0608") == texts_of(text, "W0609") == []


def test_equal_blocks_behind_a_pool_and_behind_strides_are_told_apart() -> None:
    blocks = """block unit() {
  out = in |> conv(16, kernel=1) |> norm
}
block both() {
  out = (in |> global_avg_pool |> a: unit) + (in |> B |> b: unit)
}
"""
    stage = "stage layer1 = 1 of both"
    for operation, places in ("max_pool(3, stride=2)", [stage]), ("global_avg_pool", []):
        text = write_net(HALVES, stage, "identity", blocks.replace("B |", f"{operation} |"), input="32, 32 = 32, 32")
        assert texts_of(text, "W0609") == places
