"""Whether probabilities mean what they say: of the predictions made with 80 % confidence, 80 % should be right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

BINS = 15  # of equal width, from 0 to 1; the usual number
_BAR_CHARACTERS = 40  # of a bar from 0 to 100 %


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """The predictions whose confidence, the probability of the predicted class, lies in (low, high].

    images: how many, at least one; confidence: their mean; accuracy: the share that is right. All from 0 to 1.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


class BinCounts(NamedTuple):
    """The images of a bin, those of them that are right, and the sum of their confidences."""

    images: int
    right: int
    confidence_sum: float


def count_bins(confidences: Tensor, is_right: Tensor) -> list[BinCounts]:
    """The counts of each bin (float [N], bool [N])."""
    numbers = (confidences.double() * BINS).ceil().long().clamp(1, BINS) - 1
    images = torch.bincount(numbers, minlength=BINS)
    right = torch.bincount(numbers[is_right], minlength=BINS)
    sums = torch.zeros(BINS, dtype=torch.float64, device=numbers.device).index_add_(0, numbers, confidences.double())
    return [BinCounts(*counts) for counts in zip(images.tolist(), right.tolist(), sums.tolist(), strict=True)]


def join_counts(parts: Iterable[Sequence[BinCounts]]) -> tuple[ConfidenceBin, ...]:
    """The bins that have images, from the counts of every process."""
    bins = []
    for number, counts in enumerate(zip(*parts, strict=True)):
        images, right, total = (sum(column) for column in zip(*counts, strict=True))
        if images:
            low, high = number / BINS, (number + 1) / BINS
            bins.append(
                ConfidenceBin(low, high, images=int(images), confidence=total / images, accuracy=right / images)
            )
    return tuple(bins)


def compute_error(bins: Sequence[ConfidenceBin]) -> float:
    """The expected calibration error: the mean distance of confidence and accuracy over all images, in percent."""
    images = sum(one.images for one in bins)
    return 100 * sum(one.images * abs(one.confidence - one.accuracy) for one in bins) / images if images else 0.0


def draw_diagram(bins: Sequence[ConfidenceBin]) -> list[str]:
    """A reliability diagram as lines of text: a bar for the accuracy, a mark where the confidence is."""
    lines = [f"{'confidence':>13} {'images':>9} {'accuracy':>9}  0 %{'100 %':>{_BAR_CHARACTERS - 2}}"]
    for one in bins:
        bar = ["#"] * round(one.accuracy * _BAR_CHARACTERS) + [" "] * _BAR_CHARACTERS
        bar[min(round(one.confidence * _BAR_CHARACTERS), _BAR_CHARACTERS)] = "|"
        span = f"{100 * one.low:.0f} to {100 * one.high:.0f} %"
        text = "".join(bar[: _BAR_CHARACTERS + 1])
        lines.append(f"{span:>13} {one.images:>9,} {100 * one.accuracy:>7.2f} %  {text}".rstrip())
    return lines
