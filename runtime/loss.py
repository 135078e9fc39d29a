"""The loss of a recipe: a function of scores and targets."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.recipe import Recipe
from resnetc.runtime.step.training_step import Criterion

_PRESENT = 0.2  # a class is in an image that has more than this share of it: timm's threshold for "strikes back"


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """A yes or no for each class, as in "ResNet strikes back" (Wightman et al. 2021): in a mixed image both classes are
    there, each as a whole. The mean over images and classes.

    smoothing: a yes is 1 - smoothing + smoothing / classes, a no is smoothing / classes.
    """

    smoothing: float = 0.0

    def __call__(self, scores: Tensor, targets: Tensor) -> Tensor:
        """scores: [N, classes]; targets: labels, int64 [N], or shares of the classes, float [N, classes]."""
        classes = scores.shape[1]
        if targets.ndim == 1:
            is_present = targets[:, None] == torch.arange(classes, device=targets.device)
        else:
            is_present = targets > _PRESENT
        wanted = is_present.to(scores.dtype) * (1 - self.smoothing) + self.smoothing / classes
        return functional.binary_cross_entropy_with_logits(scores, wanted)


def build_criterion(recipe: Recipe) -> Criterion:
    """scores [N, classes], targets (labels, int64 [N], or shares of the classes, float [N, classes]) -> mean loss."""
    if recipe.loss == "bce":
        return BinaryCrossEntropy(recipe.label_smoothing)
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
