"""Chooses the automatic augmentation of a recipe, which is done to photographs where they are decoded."""

from resnetc.runtime.augmentation.image_operations import ImagePolicy
from resnetc.runtime.augmentation.rand_augment import RandAugment
from resnetc.runtime.augmentation.trivial_augment import TrivialAugment
from resnetc.runtime.recipe.recipe import Recipe


def choose_policy(recipe: Recipe, mean_colour: tuple[int, ...]) -> ImagePolicy | None:
    """The policy that a recipe asks for, if any; mean_colour: 0 to 255 for each channel."""
    if recipe.trivial_augment:
        return TrivialAugment(recipe.seed)
    return RandAugment.from_recipe(recipe, mean_colour) if recipe.rand_augment != "none" else None
