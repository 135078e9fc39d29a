"""TrivialAugment (Müller and Hutter 2021, the wide space): one operation, of random strength, on every image."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

from resnetc.runtime import counter_rng
from resnetc.runtime.data.decode import Pixels, to_array

_STRENGTHS = 31
_MAX_SHEAR, _MAX_SHIFT, _MAX_TURN, _MAX_CHANGE = 0.99, 32.0, 135.0, 0.99  # pixels, degrees, shares
_MAX_LOST_BITS = 6
Change = Callable[[Image.Image, float], Image.Image]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done to an image with a strength from 0 to 1, which `is_signed` may make negative."""

    name: str
    change: Change
    is_signed: bool = True


def _map_places(image: Image.Image, coefficients: tuple[float, float, float, float, float, float]) -> Image.Image:
    """Where a pixel comes from, (a x + b y + c, d x + e y + f); what comes from outside is black."""
    return image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.NEAREST)


def _turn(image: Image.Image, strength: float) -> Image.Image:
    return image.rotate(strength * _MAX_TURN, Image.Resampling.NEAREST)


def _enhance(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    return lambda image, strength: kind(image).enhance(1 + strength * _MAX_CHANGE)


OPERATIONS = (
    Operation("identity", lambda image, _: image, False),
    Operation("shear_x", lambda image, s: _map_places(image, (1, s * _MAX_SHEAR, 0, 0, 1, 0))),
    Operation("shear_y", lambda image, s: _map_places(image, (1, 0, 0, s * _MAX_SHEAR, 1, 0))),
    Operation("translate_x", lambda image, s: _map_places(image, (1, 0, math.trunc(s * _MAX_SHIFT), 0, 1, 0))),
    Operation("translate_y", lambda image, s: _map_places(image, (1, 0, 0, 0, 1, math.trunc(s * _MAX_SHIFT)))),
    Operation("rotate", _turn),
    Operation("brightness", _enhance(ImageEnhance.Brightness)),
    Operation("color", _enhance(ImageEnhance.Color)),
    Operation("contrast", _enhance(ImageEnhance.Contrast)),
    Operation("sharpness", _enhance(ImageEnhance.Sharpness)),
    Operation("posterize", lambda image, s: ImageOps.posterize(image, 8 - round(s * _MAX_LOST_BITS)), False),
    Operation("solarize", lambda image, s: ImageOps.solarize(image, round(255 * (1 - s))), False),
    Operation("autocontrast", lambda image, _: ImageOps.autocontrast(image), False),
    Operation("equalize", lambda image, _: ImageOps.equalize(image), False),
)


@dataclass(frozen=True, slots=True)
class Draw:
    """The operation of an image, by its number, and its strength from -1 to 1."""

    operation: int
    strength: float


@dataclass(frozen=True, slots=True)
class TrivialAugment:
    """Draws and does one operation for each image: a pure function of (seed, epoch, index)."""

    seed: int

    def draw(self, epoch: int, indices: Sequence[int]) -> list[Draw]:
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
            Draw(operation, strength / (_STRENGTHS - 1) * (-1 if OPERATIONS[operation].is_signed and sign else 1))
            for operation, strength, sign in rows
        ]

    def change(self, pixels: Pixels, draw: Draw) -> Pixels:
        """uint8 [height, width, channels], one channel or three: the image after its operation."""
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
        return to_array(OPERATIONS[draw.operation].change(image, draw.strength))
