"""Random resized crops: which part of a photograph an epoch sees is a function of (seed, epoch, index) alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from resnetc.runtime import counter_rng
from resnetc.runtime.data.decode import Pixels, Region, choose_factor
from resnetc.runtime.data.photographs import Pictures
from resnetc.runtime.recipe.recipe import Recipe

# Decoded crops wait for each other: decoder and filter, in turn, would each find the other's code in the caches.
_MAX_BYTES_THAT_WAIT = 1 << 20
_MAX_TOGETHER = 8  # crops of one shape: more gain nothing, and their memory is taken from the system each time
_MAX_TRIES = 10  # draws, before the largest centre of an allowed shape is taken
_Draw = tuple[int, int, int, int]  # area, shape, top, left, each from 0 to 2**32 - 1
_Shape = tuple[int, ...]  # height, width, channels


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
        index = torch.tensor(indices, dtype=torch.int64)[:, None] * _MAX_TRIES + torch.arange(_MAX_TRIES)
        streams = (counter_rng.AREA, counter_rng.ASPECT, counter_rng.TOP, counter_rng.LEFT)
        bits = [counter_rng.random_bits(self.seed, epoch, index, stream) for stream in streams]
        return [[(a, s, t, le) for a, s, t, le in tries] for tries in torch.stack(bits, -1).tolist()]

    def choose_box(self, draws: Sequence[_Draw], height: int, width: int) -> Region:
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


def read_crops(
    part: Pictures, indices: Sequence[int], choose_box: Callable[[int, int, int], Region], size: tuple[int, int]
) -> Pixels:
    """Crops of some photographs, resampled to `size` (height, width): uint8 [N, height, width, channels].

    choose_box: the part of the photograph in a row of the result, from row, height and width. What happens to it is
    that of torchvision's `RandomResizedCrop`: the filter, bilinear and as wide as the reduction, sees nothing around
    it. Where a photograph is reduced first (`choose_factor`), the edges of the box are moved to whole pixels of the
    reduced one: by less than one pixel of the result.
    """
    crops = np.empty((len(indices), *size, part.channels), np.uint8)
    waiting: dict[_Shape, dict[int, Pixels]] = {}
    size_of_waiting = 0
    for row, index in enumerate(indices):
        with part.open(index) as picture:
            box = choose_box(row, picture.height, picture.width)
            factor = choose_factor(picture, box, size)
            if factor > 1:
                left, top, right, bottom = ((edge + factor // 2) // factor for edge in box)
                box = left, top, right, bottom
            pixels = picture.cut(factor, box)
            if pixels.shape[:2] == size:
                crops[row] = pixels
                continue
            pixels = pixels.copy()
        waiting.setdefault(pixels.shape, {})[row] = pixels
        size_of_waiting += pixels.nbytes
        if size_of_waiting > _MAX_BYTES_THAT_WAIT:
            _resample(waiting, crops)
            waiting, size_of_waiting = {}, 0
    _resample(waiting, crops)
    return crops


@torch.inference_mode()  # a quarter of the time for small crops is that of looking for gradients
def _resample(waiting: dict[_Shape, dict[int, Pixels]], crops: Pixels) -> None:
    """Fill rows of `crops` by torch's filter for bytes, which gives the integers of Pillow's within one grey level, and
    takes a fifth of its time, because it works on several pixels at once. Crops of one shape go together: for small
    ones, to call the filter takes longer than to filter."""
    size = crops.shape[1], crops.shape[2]
    for shape, alike in waiting.items():
        rows = list(alike)
        for some in (rows[first : first + _MAX_TOGETHER] for first in range(0, len(rows), _MAX_TOGETHER)):
            batch = alike[some[0]].reshape(1, *shape) if len(some) == 1 else np.stack([alike[row] for row in some])
            images = torch.from_numpy(batch.transpose(0, 3, 1, 2))  # `channels_last`, not moved
            resampled = interpolate(images, size, mode="bilinear", antialias=True).numpy().transpose(0, 2, 3, 1)
            for row, pixels in zip(some, resampled, strict=True):
                crops[row] = pixels
