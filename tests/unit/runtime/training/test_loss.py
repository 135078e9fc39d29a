"""The losses of a recipe against their formulas."""

import math
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from resnetc.runtime.data import ImageSet
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.step.training_step import Criterion
from resnetc.runtime.training.loss import build_criterion

SCORES = [[2.0, -1.0, 0.5, 0.0], [0.3, 0.2, -4.0, 1.5], [-1.0, 3.0, 2.0, 0.0]]
LABELS = [0, 3, 2]


def criterion_of(recipe: Recipe) -> Criterion:
    """The loss of a recipe for images of four classes."""
    data = SimpleNamespace(train_labels=torch.arange(4), classes=4, name="four")
    return build_criterion(recipe, cast(ImageSet, data), torch.device("cpu"))


def bce(scores: list[list[float]], targets: list[list[float]]) -> float:
    """The mean over images and classes of -y log p - (1 - y) log (1 - p)."""
    total = 0.0
    for row, wanted in zip(scores, targets, strict=True):
        for score, y in zip(row, wanted, strict=True):
            p = 1 / (1 + math.exp(-score))
            total -= y * math.log(p) + (1 - y) * math.log(1 - p)
    return total / (len(scores) * len(scores[0]))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_is_a_yes_or_no_for_each_class(smoothing: float) -> None:
    criterion = criterion_of(Recipe(loss="bce", label_smoothing=smoothing))
    no = smoothing / 4
    hard = [[1 - smoothing + no if column == label else no for column in range(4)] for label in LABELS]
    loss = float(criterion(torch.tensor(SCORES), torch.tensor(LABELS)))
    assert loss == pytest.approx(bce(SCORES, hard), rel=1e-6)


def test_both_classes_of_a_mixed_image_are_there_and_a_trace_is_not() -> None:
    mixed = [[0.7, 0.3, 0.0, 0.0], [0.0, 0.1, 0.0, 0.9], [0.0, 0.0, 1.0, 0.0]]
    present = [[1.0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    loss = float(criterion_of(Recipe(loss="bce"))(torch.tensor(SCORES), torch.tensor(mixed)))
    assert loss == pytest.approx(bce(SCORES, present), rel=1e-6)


def test_cross_entropy_takes_labels_and_shares_of_classes() -> None:
    scores = torch.tensor(SCORES)
    criterion = criterion_of(Recipe(label_smoothing=0.1))
    logarithms = scores - scores.exp().sum(1, keepdim=True).log()
    for targets in (torch.tensor(LABELS), torch.tensor([[0.5, 0.5, 0, 0], [0, 0.2, 0, 0.8], [0, 0, 1.0, 0]])):
        shares = targets if targets.ndim > 1 else torch.eye(4)[targets]
        expected = -((0.9 * shares + 0.1 / 4) * logarithms).sum(1).mean()
        torch.testing.assert_close(criterion(scores, targets), expected)
