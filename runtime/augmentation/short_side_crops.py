"""The scale augmentation of He et al. 2015, section 3.4: a random length of the short side, then a crop from anywhere.

Which part of a photograph an epoch sees is a function of (seed, epoch, index) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from resnetc.runtime import counter_rng
from resnetc.runtime.data.decode import Box, Pixels, crop_and_resize
from resnetc.runtime.data.photographs import INTERPOLATION, Pictures

_Draw = tuple[int, int, int]  # short side, top, left, each from 0 to 2**32 - 1


@dataclass(frozen=True, slots=True)
class ScaledCrops:
    """short_side: the least and the largest length in pixels that the short side is resized to, each whole number of
    them equally often, with the long side in proportion; size: height and width of the crop, which lies anywhere."""

    seed: int
    short_side: tuple[int, int]
    size: tuple[int, int]

    def read(self, part: Pictures, epoch: int, indices: Sequence[int]) -> Pixels:
        """Crops of some photographs as an epoch sees them: uint8 [N, height, width, channels]. An index beyond the last
        is that of a photograph seen before, whose crop is another."""
        crops = np.empty((len(indices), *self.size, part.channels), np.uint8)
        for row, (index, draw) in enumerate(zip(indices, self.draw(epoch, indices), strict=True)):
            with part.open(index % len(part)) as picture:
                box = self.choose_box(draw, picture.height, picture.width)
                crops[row] = crop_and_resize(picture, box, self.size, INTERPOLATION)
        return crops

    def draw(self, epoch: int, indices: Sequence[int]) -> list[_Draw]:
        """The random numbers for every photograph of a batch, whatever its size."""
        index = torch.tensor(indices, dtype=torch.int64)
        streams = (counter_rng.SHORT_SIDE, counter_rng.TOP, counter_rng.LEFT)
        bits = [counter_rng.random_bits(self.seed, epoch, index, stream) for stream in streams]
        return [(side, top, left) for side, top, left in torch.stack(bits, -1).tolist()]

    def choose_box(self, draw: _Draw, height: int, width: int) -> Box:
        """The part of a photograph of this size that becomes the crop: to resample it alone gives the pixels that the
        whole photograph would have there, but for rounding."""
        side, top, left = draw
        low, high = self.short_side
        length = low + (side * (high - low + 1) >> 32)
        new_height, new_width = (round(edge * length / min(height, width)) for edge in (height, width))
        y, x = top * (new_height - self.size[0] + 1) >> 32, left * (new_width - self.size[1] + 1) >> 32
        return (
            x * width / new_width,
            y * height / new_height,
            (x + self.size[1]) * width / new_width,
            (y + self.size[0]) * height / new_height,
        )
