"""Where a property fails, a smaller input at which it fails too is looked for in few tries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resnetc.testing.exercise import smallest
from resnetc.testing.inputs import Example
from resnetc.testing.trial import trials

TEXT = """edition 1

model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(4, kernel=3)
  head = identity
}
"""


@pytest.mark.parametrize(
    ("fails", "least"),
    [
        (lambda h, w: h >= 300, (300, 1)),  # from some size on, however large it is
        (lambda h, w: h >= 300 and w >= 200, (300, 200)),
        (lambda h, w: h % 32 == 17, (17, 1)),
        (lambda h, w: w % 32 == 17, (1, 17)),
        (lambda h, w: True, (1, 1)),
        (lambda h, w: (h, w) == (1000, 977), (1000, 977)),
    ],
)
def test_the_smallest_size_is_reached_in_few_tries(fails: Callable[[int, int], bool], least: tuple[int, int]) -> None:
    (trial,) = trials(TEXT)
    tries = []

    def check(at: Example) -> None:
        tries.append(at)
        assert not fails(*at.sizes)

    at = Example((1000, 977), 1)
    assert smallest(check, at, trial, ()).sizes == least
    assert len(tries) <= 160
