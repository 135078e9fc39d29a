"""Random resized crops: which part of a photograph an epoch sees is a function of (seed, epoch, index) alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from resnetc.runtime import counter_rng
from resnetc.runtime.data.decode import Box
from resnetc.runtime.recipe import Recipe

_TRIES = 10  # draws, before the largest centre of an allowed shape is taken
_Draw = tuple[int, int, int, int]  # area, shape, top, left, each from 0 to 2**32 - 1


@dataclass(frozen=True, slots=True)
class RandomCrops:
    """scale: the least and the largest share of the photograph's area that a crop has; ratio: the same of its width by
    its height, whose logarithm is drawn uniformly."""

    seed: int
    scale: tuple[float, float]
    ratio: tuple[float, float]

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> "RandomCrops":
        """Those that a recipe asks for."""
        (least, most), (narrowest, broadest) = recipe.crop_scale, recipe.crop_ratio
        return cls(recipe.seed, (least, most), (narrowest, broadest))

    def draw(self, epoch: int, indices: Sequence[int]) -> list[list[_Draw]]:
        """The random numbers for every photograph of a batch, whatever its size."""
        index = torch.tensor(indices, dtype=torch.int64)[:, None] * _TRIES + torch.arange(_TRIES)
        streams = (counter_rng.AREA, counter_rng.ASPECT, counter_rng.TOP, counter_rng.LEFT)
        bits = [counter_rng.random_bits(self.seed, epoch, index, stream) for stream in streams]
        return [[(a, s, t, le) for a, s, t, le in tries] for tries in torch.stack(bits, -1).tolist()]

    def choose_box(self, draws: Sequence[_Draw], height: int, width: int) -> Box:
        """The part of a photograph of this size: whole pixels."""
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for area, shape, top, left in draws:
            share = self.scale[0] + area / 2**32 * (self.scale[1] - self.scale[0])
            ratio = math.exp(low + shape / 2**32 * (high - low))
            crop_width = round(math.sqrt(height * width * share * ratio))
            crop_height = round(math.sqrt(height * width * share / ratio))
            if 0 < crop_width <= width and 0 < crop_height <= height:
                x, y = left * (width - crop_width + 1) >> 32, top * (height - crop_height + 1) >> 32
                return x, y, x + crop_width, y + crop_height
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        crop_width = max(1, min(width, round(height * ratio)))
        crop_height = max(1, min(height, round(width / ratio)))
        x, y = (width - crop_width) // 2, (height - crop_height) // 2
        return x, y, x + crop_width, y + crop_height
