"""When two outputs are the same up to rounding, and when they are not."""

from math import inf, nan

import pytest
import torch

from resnetc.testing.values import assert_close

WHOLE = [0.8, -1.25, 0.0003, 1.1]  # of a net that ends in a layer norm


def near(one: list[float], other: list[float]) -> bool:
    try:
        assert_close(torch.tensor(one, dtype=torch.double), torch.tensor(other, dtype=torch.double), 1e-9, "here")
    except AssertionError as error:
        assert str(error).startswith("here")
        return False
    return True


def test_rounding_that_a_norm_enlarges_is_no_difference() -> None:
    """What cancels to almost nothing was wrong by 6.42e-12 in a net of random operations: 1e-11 of its output."""
    assert near([*WHOLE, 3e-5 + 6.42e-12], [*WHOLE, 3e-5])


@pytest.mark.parametrize("place", range(5))
def test_one_value_that_is_wrong_by_more_than_rounding_is_seen(place: int) -> None:
    found = [*WHOLE, 3e-5]
    found[place] += 1e-8
    assert not near(found, [*WHOLE, 3e-5])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_the_measure_follows_the_size_of_the_output(scale: float) -> None:
    expected = [value * scale for value in WHOLE]
    assert near([value * (1 + 1e-10) for value in expected], expected)
    assert not near([value * (1 + 1e-8) for value in expected], expected)


@pytest.mark.parametrize("special", [inf, -inf, nan])
def test_values_that_are_not_finite_hide_nothing(special: float) -> None:
    assert near([*WHOLE, special], [*WHOLE, special])
    assert not near([*WHOLE[:3], 1.2, special], [*WHOLE, special])
    assert not near([*WHOLE, 1.0], [*WHOLE, special])
    assert not near([*WHOLE, special], [*WHOLE, 1.0])


def test_an_output_of_zeros_and_one_without_values() -> None:
    assert near([0.0, 1e-13], [0.0, 0.0])
    assert not near([0.0, 1e-11], [0.0, 0.0])
    assert near([], [])
    assert not near([], [0.0])
