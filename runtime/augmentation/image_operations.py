"""The operations of TrivialAugment and RandAugment on a decoded image: one table, with the range of each policy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from resnetc.runtime.data.decode import Pixels, to_array

Amount = Callable[[float, int], float]
"""(strength from -1 to 1, length in pixels of the side along which an image is shifted) -> what an operation takes."""
Policy = Literal["trivial", "paper", "timm"]


@dataclass(frozen=True, slots=True)
class Filling:
    """How moved pixels are computed, and the colour (a number a channel) of what comes from outside an image."""

    resampling: Image.Resampling
    colour: tuple[int, ...]

    def fit(self, image: Image.Image) -> int | tuple[int, ...]:
        """The colour as Pillow takes it."""
        return self.colour[0] if image.mode == "L" else self.colour


Change = Callable[[Image.Image, float, Filling], Image.Image]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done to an image. Only where it `is_signed` is half of the strengths negative.

    trivial, paper, timm: how TrivialAugment, RandAugment and timm's variant of that turn a strength into what `change`
    takes; None where they have no such operation. side: 0 where an image is shifted along its width, 1 along the other.
    """

    name: str
    change: Change
    is_signed: bool = False
    trivial: Amount | None = None
    paper: Amount | None = None
    timm: Amount | None = None
    side: int = 0

    def apply(self, image: Image.Image, policy: Policy, strength: float, filling: Filling) -> Image.Image:
        """The L or RGB image after the operation; ValueError where the policy has none of that name."""
        amount: Amount | None = getattr(self, policy)
        if amount is None:
            raise ValueError(f"{policy} has no operation {self.name}")
        return self.change(image, amount(strength, image.size[self.side]), filling)


def _map_places(
    image: Image.Image, coefficients: tuple[float, float, float, float, float, float], filling: Filling
) -> Image.Image:
    """Where a pixel comes from, (a x + b y + c, d x + e y + f)."""
    return image.transform(
        image.size, Image.Transform.AFFINE, coefficients, filling.resampling, fillcolor=filling.fit(image)
    )


def _turn(image: Image.Image, degrees: float, filling: Filling) -> Image.Image:
    return image.rotate(degrees, filling.resampling, fillcolor=filling.fit(image))


def _enhance(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    return lambda image, factor, _: kind(image).enhance(factor)


def _keep_bits(image: Image.Image, bits: float, _: Filling) -> Image.Image:
    """The highest bits of each value; without any an image is black, which Pillow's `posterize` has come to refuse."""
    mask = 0xFF << (8 - int(bits))
    return image.point([value & mask for value in range(256)] * len(image.getbands()))


def _add_below_the_middle(image: Image.Image, addend: float, _: Filling) -> Image.Image:
    """Dark values become brighter by an addend."""
    table = [min(255, value + int(addend)) if value < 128 else value for value in range(256)]
    return image.point(table * len(image.getbands()))


def _reach(length: float, start: float = 0.0) -> Amount:
    """As far as `length` to both sides of `start`, which changes nothing."""
    return lambda strength, _: start + strength * length


def _ignore(strength: float, side: int) -> float:
    return 0.0


def _shift_by_share(strength: float, side: int) -> float:
    return 0.45 * strength * side


def _shift_by_pixels(strength: float, side: int) -> float:
    return math.trunc(32 * strength)


def _signed(name: str, change: Change, trivial: Amount, others: Amount, side: int = 0) -> Operation:
    return Operation(name, change, is_signed=True, trivial=trivial, paper=others, timm=others, side=side)


def _without_strength(name: str, change: Change) -> Operation:
    return Operation(name, change, trivial=_ignore, paper=_ignore, timm=_ignore)


_FACTORS = _reach(0.99, 1.0), _reach(0.9, 1.0)
OPERATIONS = (  # the order is part of what a seed means
    Operation("identity", lambda image, *_: image, trivial=_ignore, paper=_ignore),
    _signed("shear_x", lambda image, s, fill: _map_places(image, (1, s, 0, 0, 1, 0), fill), _reach(0.99), _reach(0.3)),
    _signed("shear_y", lambda image, s, fill: _map_places(image, (1, 0, 0, s, 1, 0), fill), _reach(0.99), _reach(0.3)),
    _signed(
        "translate_x",
        lambda image, s, fill: _map_places(image, (1, 0, s, 0, 1, 0), fill),
        _shift_by_pixels,
        _shift_by_share,
    ),
    _signed(
        "translate_y",
        lambda image, s, fill: _map_places(image, (1, 0, 0, 0, 1, s), fill),
        _shift_by_pixels,
        _shift_by_share,
        side=1,
    ),
    _signed("rotate", _turn, _reach(135.0), _reach(30.0)),
    _signed("brightness", _enhance(ImageEnhance.Brightness), *_FACTORS),
    _signed("color", _enhance(ImageEnhance.Color), *_FACTORS),
    _signed("contrast", _enhance(ImageEnhance.Contrast), *_FACTORS),
    _signed("sharpness", _enhance(ImageEnhance.Sharpness), *_FACTORS),
    Operation(  # bits that are left
        "posterize",
        _keep_bits,
        trivial=lambda strength, _: 8 - round(6 * strength),
        paper=lambda strength, _: 8 - round(4 * strength),
        timm=lambda strength, _: 4 - int(4 * strength),
    ),
    Operation(  # the value from which on the others are inverted
        "solarize",
        lambda image, threshold, _: ImageOps.solarize(image, int(threshold)),
        trivial=lambda strength, _: round(255 * (1 - strength)),
        paper=lambda strength, _: 256 - int(256 * strength),
        timm=lambda strength, _: 256 - int(256 * strength),
    ),
    _without_strength("autocontrast", lambda image, *_: ImageOps.autocontrast(image)),
    _without_strength("equalize", lambda image, *_: ImageOps.equalize(image)),
    Operation("invert", lambda image, *_: ImageOps.invert(image), timm=_ignore),
    Operation("solarize_add", _add_below_the_middle, timm=lambda strength, _: int(110 * strength)),
)


def list_operations(policy: Policy) -> tuple[Operation, ...]:
    """The operations from which a policy draws."""
    return tuple(operation for operation in OPERATIONS if getattr(operation, policy) is not None)


@dataclass(frozen=True, slots=True)
class Draw:
    """One operation of an image, by its number in the list of its policy, and its strength from -1 to 1."""

    operation: int
    strength: float


class ImagePolicy(Protocol):
    """Draws what is done to each image of a batch, and does it."""

    def draw(self, epoch: int, indices: Sequence[int]) -> list[list[Draw]]:
        """The operations on every image: a pure function of the seed, the epoch and the index."""

    def change(self, pixels: Pixels, draws: Sequence[Draw]) -> Pixels:
        """uint8 [height, width, channels], one channel or three: the image after its operations."""


def change_pixels(
    pixels: Pixels, draws: Sequence[Draw], policy: Policy, operations: Sequence[Operation], filling: Filling
) -> Pixels:
    """uint8 [height, width, channels], one channel or three: the image after one operation after the other."""
    if not draws:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
    for draw in draws:
        image = operations[draw.operation].apply(image, policy, draw.strength, filling)
    return to_array(image)
