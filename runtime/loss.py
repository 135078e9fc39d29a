"""The loss of a recipe: a function of scores and targets."""

from torch import nn

from resnetc.runtime.recipe import Recipe
from resnetc.runtime.step.training_step import Criterion


def build_criterion(recipe: Recipe) -> Criterion:
    """scores [N, classes], targets (labels, int64 [N], or shares of the classes, float [N, classes]) -> mean loss."""
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
