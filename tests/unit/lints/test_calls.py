"""W0604: a pool with an even window whose stride of 1 is not what its text says."""

import pytest

from tests.support import describe, warn

SPEC = """edition 1
use std.blocks

block pooled(width: int, stride: size = 1) {{
  out = in |> conv(width, kernel=3) |> {pool}
}}

model net() {{
  input [3, H, W] = [3, 32, 32]
  stem = conv(16, kernel=3)
  stage layer1 = 1 of pooled(16)
  head = global_avg_pool |> fc: linear(10)
}}
"""


def warnings(pool: str) -> list[str]:
    return [describe(warning) for warning in warn(SPEC.format(pool=pool)) if warning.code == "W0604"]


@pytest.mark.parametrize(
    ("pool", "kernel", "change"),
    [
        ("max_pool(2)", "2", "one position smaller"),
        ("avg_pool(4, padding=0)", "4", "3 positions smaller"),
        ("max_pool(kernel=2, padding=1)", "2", "one position larger"),
        ("max_pool([3, 2])", "[3, 2]", "one position smaller"),
    ],
)
def test_a_stride_that_is_not_given_is_1(pool: str, kernel: str, change: str) -> None:
    assert warnings(pool) == [
        f"W0604 `{pool}` has an even window and a stride of 1\n"
        f"{pool}: the map becomes {change}, not half as large\n"
        f"help write `{pool[:-1]}, stride={kernel})`: the default stride is 1"
    ]


def test_a_stride_that_is_1_at_this_place_only() -> None:
    assert warnings("max_pool(2, stride=stride)") == [
        "W0604 `max_pool(2, stride=stride)` has an even window and a stride of 1\n"
        "max_pool(2, stride=stride): the map becomes one position smaller, not half as large\n"
        "help use an odd window, or another stride: `stride` is 1 here"
    ]


@pytest.mark.parametrize("pool", ["max_pool(2, stride=1)", "max_pool(2, 1)", "avg_pool([2, 2], stride=[1, 1])"])
def test_a_stride_of_1_that_is_written_is_meant(pool: str) -> None:
    assert warnings(pool) == []
