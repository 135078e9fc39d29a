"""The loss of a recipe: a function of scores and targets."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.data import ImageSet
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.step.training_step import Criterion
from resnetc.runtime.training.class_weights import compute_class_weights

_PRESENT = 0.2  # a class is in an image that has more than this share of it: timm's threshold for "strikes back"


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """A yes or no for each class, as in "ResNet strikes back" (Wightman et al. 2021): in a mixed image both classes are
    there, each as a whole. The mean over images and classes.

    smoothing: a yes is 1 - smoothing + smoothing / classes, a no is smoothing / classes. weights: of each class,
    float32 [classes], the factor of the loss of a yes; None: 1.
    """

    smoothing: float = 0.0
    weights: Tensor | None = None

    def __call__(self, scores: Tensor, targets: Tensor) -> Tensor:
        """scores: [N, classes]; targets: labels, int64 [N], or shares of the classes, float [N, classes]."""
        classes = scores.shape[1]
        if targets.ndim == 1:
            is_present = targets[:, None] == torch.arange(classes, device=targets.device)
        else:
            is_present = targets > _PRESENT
        wanted = is_present.to(scores.dtype) * (1 - self.smoothing) + self.smoothing / classes
        return functional.binary_cross_entropy_with_logits(scores, wanted, pos_weight=self.weights)


@dataclass(frozen=True, slots=True)
class WeightedCrossEntropy:
    """Cross-entropy, each image's times the weight of its class; the mean over the images, however many processes share
    them. weights: float32 [classes]."""

    weights: Tensor
    smoothing: float = 0.0

    def __call__(self, scores: Tensor, targets: Tensor) -> Tensor:
        """scores: [N, classes]; targets: labels, int64 [N], or shares of the classes, float [N, classes]."""
        total = functional.cross_entropy(scores, targets, self.weights, label_smoothing=self.smoothing, reduction="sum")
        return total / len(targets)


def build_criterion(recipe: Recipe, data: ImageSet, device: torch.device) -> Criterion:
    """scores [N, classes], targets (labels, int64 [N], or shares of the classes, float [N, classes]) -> mean loss.

    Where an image has any number of classes, the loss is always that of a yes or no for each. RunError for weights that
    are not those of the data's classes.
    """
    weights = compute_class_weights(recipe, data)
    if weights is not None:
        weights = weights.to(device)
    if recipe.loss == "bce" or data.train_labels.ndim == 2:
        return BinaryCrossEntropy(recipe.label_smoothing, weights)
    if weights is not None:
        return WeightedCrossEntropy(weights, recipe.label_smoothing)
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
