"""Calibration: against counts by hand, however the predictions are divided."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resnetc.runtime.evaluation.calibration import BINS, compute_error, count_bins, draw_diagram, join_counts

PREDICTIONS = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60)


@given(PREDICTIONS, st.integers(1, 4))
def test_the_error_is_that_of_a_plain_loop_in_any_number_of_processes(
    predictions: list[tuple[float, bool]], processes: int
) -> None:
    confidences, right = (torch.tensor(column) for column in zip(*predictions, strict=True))
    parts = [count_bins(confidences[rank::processes], right[rank::processes]) for rank in range(processes)]
    bins = join_counts(parts)
    edges = np.linspace(0, 1, BINS + 1)
    total = 0.0
    for low, high in zip(edges, edges[1:], strict=False):
        inside = [(c, r) for c, r in predictions if low < c <= high or (low == 0 and c == 0)]
        if inside:
            total += abs(sum(c for c, _ in inside) - sum(r for _, r in inside))
    near_an_edge = any(0 < abs(c - edge) < 1e-9 for c, _ in predictions for edge in edges)
    assert near_an_edge or compute_error(bins) == pytest.approx(100 * total / len(predictions), abs=1e-9)
    assert sum(one.images for one in bins) == len(predictions)
    assert all(one.images and 0 <= one.accuracy <= 1 for one in bins)


def test_the_diagram_shows_a_bar_and_a_mark() -> None:
    bins = join_counts([count_bins(torch.tensor([0.5, 0.5, 1.0]), torch.tensor([True, False, True]))])
    assert compute_error(bins) == 0
    assert draw_diagram(bins) == [
        "   confidence    images  accuracy  0 %                                 100 %",
        "   47 to 53 %         2   50.00 %  ####################|",
        "  93 to 100 %         1  100.00 %  ########################################|",
    ]


def test_nothing_is_calibrated() -> None:
    assert compute_error(()) == 0 and join_counts([count_bins(torch.zeros(0), torch.zeros(0).bool())]) == ()
