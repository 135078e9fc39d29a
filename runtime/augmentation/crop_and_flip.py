"""Makes batches from a data set in memory: crops, mirrors and normalises all images of a batch at once.

Imports torch alone, as the training step does.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from resnetc.runtime import counter_rng


class NormalisationRecord(Protocol):
    """What a `preprocessing.Preprocessing` says of normalising."""

    @property
    def channels(self) -> int: ...
    @property
    def size(self) -> tuple[int, ...]: ...
    @property
    def mean(self) -> tuple[float, ...]: ...
    @property
    def scale(self) -> tuple[float, ...]: ...


class AugmentationKeys(Protocol):
    """The keys of a `recipe.Recipe` that say how images in memory are augmented."""

    @property
    def seed(self) -> int: ...
    @property
    def random_crop_padding(self) -> int: ...
    @property
    def horizontal_flip(self) -> bool: ...
    @property
    def noise(self) -> float: ...


class Normaliser:
    """Converts bytes to floats: subtracts the mean, multiplies each channel by its scale.

    mean: float32 [*size, channels], or with 1 in place of every size (per value or per channel); scale: float32
    [channels]; in units of a byte.
    """

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self.mean, self.scale = mean, scale

    @classmethod
    def from_record(cls, preprocessing: NormalisationRecord, device: torch.device) -> "Normaliser":
        """The one that a run's record describes, with its constants on `device`."""
        channels = preprocessing.channels
        is_per_channel = len(preprocessing.mean) == channels
        shape = [1] * len(preprocessing.size) if is_per_channel else preprocessing.size
        mean, scale = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (preprocessing.mean, preprocessing.scale)
        )
        return cls(mean.view(*shape, channels), scale)

    def __call__(self, images: Tensor) -> Tensor:
        """[N, channels, *size] of bytes or other numbers to float32 of the same shape, its memory channels-last."""
        values = images.movedim(1, -1).to(torch.float32, copy=True)
        return values.sub_(self.mean).mul_(self.scale).movedim(-1, 1)


class Augmenter:
    """Training batches of one data set: a pure function of (seed, epoch, index of the image).

    The set is padded once along every axis of an input (`padding` values on each side) and kept as it is, channels
    last; a batch is one gather. The padding of bytes is black, that of other numbers the mean.
    """

    def __init__(self, images: Tensor, recipe: AugmentationKeys, normaliser: Normaliser) -> None:
        padding = recipe.random_crop_padding
        self.size = tuple(images.shape[2:])
        self.seed, self.padding, self.horizontal_flip = recipe.seed, padding, recipe.horizontal_flip
        self.noise = recipe.noise
        self.scale, self.mean = normaliser.scale, normaliser.mean
        axes = len(self.size)
        self.streams = (counter_rng.DEPTH, counter_rng.ROW, counter_rng.COLUMN)[-axes:]
        self.is_per_pixel = self.mean.shape[:-1] != (1,) * axes
        margins = (padding,) * (2 * axes)
        padded = functional.pad(images, margins)
        if images.is_floating_point() and not self.is_per_pixel:
            is_margin = functional.pad(
                torch.zeros(self.size, dtype=torch.bool, device=images.device), margins, value=True
            )
            padded = torch.where(is_margin, self.mean.movedim(-1, 0), padded)
        self.padded = padded.movedim(1, -1).contiguous()
        if self.is_per_pixel:
            self.mean = functional.pad(self.mean.movedim(-1, 0), margins).movedim(0, -1).contiguous()
        self.places = [torch.arange(length, device=images.device) for length in self.size]

    def __call__(self, epoch: int | Tensor, index: Tensor, rows: Tensor | None = None) -> Tensor:
        """The images `index` (int64 [N]) as epoch `epoch` sees them: float32 [N, channels, *size].

        rows: where they lie in this set, if it holds a part of all images only.
        """
        rows = index if rows is None else rows
        places = [place.expand(len(index), -1) for place in self.places]
        if self.horizontal_flip:
            is_mirrored = counter_rng.randint(2, self.seed, epoch, index, counter_rng.FLIP).bool()
            places[-1] = torch.where(is_mirrored[:, None], self.size[-1] - 1 - places[-1], places[-1])
        if self.padding:
            offsets = 2 * self.padding + 1
            places = [
                place + counter_rng.randint(offsets, self.seed, epoch, index, stream)[:, None]
                for place, stream in zip(places, self.streams, strict=True)
            ]
        axes = len(places)
        for axis, place in enumerate(places):
            places[axis] = place.view(len(index), *[1] * axis, -1, *[1] * (axes - 1 - axis))
        values = self.padded[(rows.view(-1, *[1] * axes), *places)].float()
        values -= self.mean[tuple(places)] if self.is_per_pixel else self.mean
        values = values.mul_(self.scale).movedim(-1, 1)
        return add_noise(values, self.noise, self.seed, epoch, index) if self.noise else values


def add_noise(values: Tensor, deviation: float, seed: int, epoch: int | Tensor, index: Tensor) -> Tensor:
    """The normalised inputs `index` with Gaussian noise of that standard deviation, other noise in each epoch."""
    count = values[0].numel()
    number = index[:, None] * count + torch.arange(count, device=index.device)
    noise = counter_rng.normal(seed, epoch, number, counter_rng.RADIUS, counter_rng.ANGLE)
    return values + deviation * noise.float().view(values.shape)
