"""RandAugment (Cubuk et al. 2020): several operations of one magnitude on every image, as in the paper or as in timm.

As in the paper, each image gets `num_ops` of 14 operations, drawn with replacement, of which one changes nothing. timm
draws from 15, among them `invert` and `solarize_add`, and does each with probability 1/2 (`rand-m7-mstd0.5-inc1`: its
operations that get stronger with the magnitude). What operations move in from outside has the mean colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.image_operations import Draw, Filling, Operation, change_pixels, list_operations
from resnetc.runtime.data.decode import Pixels
from resnetc.runtime.recipe.recipe import Recipe

MAX_MAGNITUDE = 10.0  # the strongest


@dataclass(frozen=True, slots=True)
class RandAugment:
    """Draws and does the operations of each image: a pure function of (seed, epoch, index).

    magnitude: 0 to 10; deviation: of the Gaussian from which each operation draws its own, cut off at 0 and 10.
    """

    seed: int
    variant: Literal["paper", "timm"]
    num_ops: int
    magnitude: float
    deviation: float
    operations: tuple[Operation, ...]
    filling: Filling

    @classmethod
    def from_recipe(cls, recipe: Recipe, mean_colour: tuple[int, ...]) -> "RandAugment":
        """The one that a recipe asks for; mean_colour: 0 to 255 for each channel."""
        variant: Literal["paper", "timm"] = "timm" if recipe.rand_augment == "timm" else "paper"
        return cls(
            recipe.seed,
            variant,
            num_ops=recipe.num_ops,
            magnitude=recipe.magnitude,
            deviation=recipe.magnitude_std,
            operations=list_operations(variant),
            filling=Filling(Image.Resampling.BILINEAR, mean_colour),
        )

    def draw(self, epoch: int, indices: Sequence[int]) -> list[list[Draw]]:
        """What is done to every image of a batch, in its order."""
        number = torch.tensor(indices, dtype=torch.int64)[:, None] * self.num_ops + torch.arange(self.num_ops)
        limits = {
            counter_rng.OPERATION: len(self.operations),
            counter_rng.IS_SKIPPED: 2 if self.variant == "timm" else 1,
            counter_rng.SIGN: 2,
        }
        choices = [counter_rng.randint(limit, self.seed, epoch, number, stream) for stream, limit in limits.items()]
        radius, angle = counter_rng.MAGNITUDE_RADIUS, counter_rng.MAGNITUDE_ANGLE
        noise = counter_rng.normal(self.seed, epoch, number, radius, angle) if self.deviation else torch.zeros(())
        magnitudes = (self.magnitude + self.deviation * noise.double()).clamp(0, MAX_MAGNITUDE).expand(number.shape)
        rows = torch.stack(choices, -1).tolist(), (magnitudes / MAX_MAGNITUDE).tolist()
        return [
            [
                Draw(operation, -strength if self.operations[operation].is_signed and sign else strength)
                for (operation, skipped, sign), strength in zip(*image, strict=True)
                if not skipped
            ]
            for image in zip(*rows, strict=True)
        ]

    def change(self, pixels: Pixels, draws: Sequence[Draw]) -> Pixels:
        """uint8 [height, width, channels], one channel or three: the image after its operations."""
        return change_pixels(pixels, draws, self.variant, self.operations, self.filling)
