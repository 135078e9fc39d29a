"""How much each class counts in the loss: as the recipe says, or so that all count alike."""

import torch
from torch import Tensor

from resnetc.runtime.data import ImageSet
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import Recipe


def compute_class_weights(recipe: Recipe, data: ImageSet) -> Tensor | None:
    """float32 [classes]; None where all count 1.

    Under cross-entropy, a weight is the factor of the loss of an image of the class, and their mean over the training
    images is 1. Under binary cross-entropy, it is the factor of the loss of a yes. RunError where the recipe has
    another number of weights than the data has classes.
    """
    if recipe.class_weights == "none":
        return None
    counts = count_images(data).double()
    is_binary = recipe.loss == "bce" or data.train_labels.ndim == 2
    images = len(data.train_labels)
    if isinstance(recipe.class_weights, tuple):
        if len(recipe.class_weights) != data.classes:
            numbers = (
                f"`class_weights` has {len(recipe.class_weights)} numbers, but {data.name} has {data.classes} classes"
            )
            raise fault_at(recipe.places, f"{numbers}: write one for each", "class_weights")
        weights = torch.tensor(recipe.class_weights, dtype=torch.float64)
    elif is_binary:
        weights = torch.where(counts > 0, (images - counts) / counts.clamp(min=1), 1)
        weights = torch.where(weights > 0, weights, 1)  # where all images have the class
    else:
        weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0)
    if not is_binary:
        weights = weights * images / (weights * counts).sum()
    return weights.float()


def count_images(data: ImageSet) -> Tensor:
    """How many training images each class has: int64 [classes]."""
    if data.train_labels.ndim == 2:
        return data.train_labels.long().sum(0)
    return torch.bincount(data.train_labels, minlength=data.classes)
