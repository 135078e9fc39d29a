"""TrivialAugment (Müller and Hutter 2021, the wide space): one operation, of random strength, on every image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.image_operations import Draw, Filling, change_pixels, list_operations
from resnetc.runtime.data.decode import Pixels

OPERATIONS = list_operations("trivial")
_STRENGTHS = 31
_FILLING = Filling(Image.Resampling.NEAREST, (0, 0, 0))  # black


@dataclass(frozen=True, slots=True)
class TrivialAugment:
    """Draws and does one operation for each image: a pure function of (seed, epoch, index)."""

    seed: int

    def draw(self, epoch: int, indices: Sequence[int]) -> list[list[Draw]]:
        """What is done to every image of a batch."""
        index = torch.tensor(indices, dtype=torch.int64)
        limits = {
            counter_rng.OPERATION: len(OPERATIONS),
            counter_rng.STRENGTH: _STRENGTHS,
            counter_rng.SIGN: 2,
        }
        numbers = [counter_rng.randint(limit, self.seed, epoch, index, stream) for stream, limit in limits.items()]
        rows = torch.stack(numbers, 1).tolist()
        return [
            [Draw(operation, strength / (_STRENGTHS - 1) * (-1 if OPERATIONS[operation].is_signed and sign else 1))]
            for operation, strength, sign in rows
        ]

    def change(self, pixels: Pixels, draws: Sequence[Draw]) -> Pixels:
        """uint8 [height, width, channels], one channel or three: the image after its operation."""
        return change_pixels(pixels, draws, "trivial", OPERATIONS, _FILLING)
