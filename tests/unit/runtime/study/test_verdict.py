"""A verdict follows from the figures by a rule that stands before them, and one seed decides nothing."""

import math
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetc.runtime.study.verdict import Criterion, Outcome, Word, compute_interval, judge

AT_LEAST_ONE = Criterion("ratio", "the ratio is at least 1", 1.0, at_least=True)
AT_MOST_TWO = Criterion("gap", "the gap is at most 2", 2.0, at_least=False)
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6)


def test_the_interval_is_students() -> None:
    low, high = compute_interval([1.0, 2.0, 3.0])  # 4.3027 is the quantile for two degrees of freedom in any table
    assert (low, high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-3)


@pytest.mark.parametrize(
    ("criterion", "values", "outcome"),
    [
        (AT_LEAST_ONE, [1.6, 1.7, 1.65], Outcome.HOLDS),
        (AT_LEAST_ONE, [0.6, 0.7, 0.65], Outcome.FAILS),
        (AT_LEAST_ONE, [0.5, 1.0, 1.7], Outcome.OPEN),
        (AT_LEAST_ONE, [100.0], Outcome.OPEN),
        (AT_LEAST_ONE, [math.nan, 5, 5], Outcome.OPEN),
        (AT_MOST_TWO, [0.1, 0.2, 0.3], Outcome.HOLDS),
        (AT_MOST_TWO, [4.1, 4.2, 4.3], Outcome.FAILS),
        (AT_MOST_TWO, [1.0, 2.0, 3.0], Outcome.OPEN),
        (Criterion("count", "a count is at most 2", 2.0, at_least=False, exact=True), [2.0], Outcome.HOLDS),
        (Criterion("count", "a count is at most 2", 2.0, at_least=False, exact=True), [2.1], Outcome.FAILS),
    ],
)
def test_a_criterion_holds_fails_or_is_open(criterion: Criterion, values: list[float], outcome: Outcome) -> None:
    assert criterion.judge(values).outcome is outcome


@given(values=st.floats(-1e6, 1e6), threshold=st.floats(-1e6, 1e6), at_least=st.booleans())
def test_one_seed_leaves_everything_open(values: float, threshold: float, at_least: bool) -> None:
    assert Criterion("x", "", threshold, at_least).judge([values]).outcome is Outcome.OPEN


@given(values=VALUES, at_least=st.booleans())
def test_a_threshold_at_the_mean_is_open_and_beyond_the_interval_is_not(values: list[float], at_least: bool) -> None:
    low, high = compute_interval(values)
    width = high - low
    below, above = low - width - 1, high + width + 1
    assert Criterion("x", "", below, at_least).judge(values).outcome is (Outcome.HOLDS if at_least else Outcome.FAILS)
    assert Criterion("x", "", above, at_least).judge(values).outcome is (Outcome.FAILS if at_least else Outcome.HOLDS)
    if width > 1e-6 * (1 + abs(fmean(values))):
        assert Criterion("x", "", fmean(values), at_least).judge(values).outcome is Outcome.OPEN


@pytest.mark.parametrize(
    ("ratio", "gap", "word"),
    [
        ([1.6, 1.7, 1.65], [0.1, 0.2, 0.3], Word.SUPPORTED),
        ([1.6, 1.7, 1.65], [4.1, 4.2, 4.3], Word.NOT_SUPPORTED),
        ([0.5, 1.0, 1.7], [4.1, 4.2, 4.3], Word.NOT_SUPPORTED),
        ([0.5, 1.0, 1.7], [0.1, 0.2, 0.3], Word.TOO_SMALL),
        ([9.0], [0.0], Word.TOO_SMALL),
    ],
)
def test_all_parts_must_hold_and_one_that_fails_decides(ratio: list[float], gap: list[float], word: Word) -> None:
    assert judge([AT_LEAST_ONE, AT_MOST_TWO], {"ratio": ratio, "gap": gap}).word is word


@pytest.mark.parametrize(
    ("ratio", "gap", "sentence"),
    [
        ([1.6, 1.7, 1.65], [0.1, 0.2, 0.3], "supported here: 2 of 2 parts hold"),
        (
            [1.6, 1.7, 1.65],
            [4.1, 4.2, 4.3],
            "not supported here: 1 of 2 parts holds; it does not hold that the gap is at most 2",
        ),
        ([9.0], [3.0], "too small to tell: 2 of 2 are open: 1 leans towards the claim, 1 leans away from the claim"),
        (
            [1.6, 1.7, 1.65],
            [3.0],
            "too small to tell: 1 of 2 parts holds; 1 of 2 is open and leans away from the claim",
        ),
        ([math.inf], [0.0], "too small to tell: 2 of 2 are open: 1 leans towards the claim"),
    ],
)
def test_a_verdict_is_a_sentence(ratio: list[float], gap: list[float], sentence: str) -> None:
    assert judge([AT_LEAST_ONE, AT_MOST_TWO], {"ratio": ratio, "gap": gap}).sentence == sentence


def test_an_open_part_says_to_which_side_it_leans() -> None:
    words = [AT_LEAST_ONE.judge(values).words for values in ([2.0], [0.5], [math.nan], [1.6, 1.7])]
    assert words == ["open, for the claim so far", "open, against the claim so far", "open", "holds"]
