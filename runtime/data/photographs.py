"""Photographs of any size, which are decoded when they are needed: how each is cropped, and who they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from resnetc.runtime.data.dataset import Data, Fit, MixedOutline, Outline, format_argument
from resnetc.runtime.data.decode import Picture, Pixels, resize_and_crop

if TYPE_CHECKING:
    from torch import Tensor

Labels = npt.NDArray[np.int64] | npt.NDArray[np.uint8]  # [N]; or 0 and 1, [N, classes]
INTERPOLATION = "bilinear"
MAX_MEMORY_BYTES = 1 << 31  # of images of one size that are held in memory; the same on every machine
SAMPLE_IMAGES = 512  # training images over which mean and deviation are computed


class Pictures(Protocol):
    """The training or the test images, each opened by its number."""

    @property
    def channels(self) -> int:
        """As which they are read: 1 (grey) or 3 (RGB)."""

    def __len__(self) -> int:
        """How many there are."""

    def open(self, index: int) -> AbstractContextManager[Picture]:
        """One of them; RunError, which names it, if it is damaged."""


@dataclass(frozen=True, slots=True)
class SomePictures:
    """Some of the pictures of another part, in the order of `rows`."""

    whole: Pictures
    rows: Sequence[int]

    @property
    def channels(self) -> int:
        """As which they are read."""
        return self.whole.channels

    def __len__(self) -> int:
        return len(self.rows)

    def open(self, index: int) -> AbstractContextManager[Picture]:
        """One of them."""
        return self.whole.open(self.rows[index])


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """The training or the test images of a set that was looked at; sizes: int [N, 2], height and width of each."""

    pictures: Pictures
    labels: Labels
    sizes: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """Where photographs come from, as looked at; compute_fingerprint: reads all of them; note: what the user is told of
    how they were read."""

    name: str
    path: Path
    class_names: tuple[str, ...]
    channels: int
    train: Part
    test: Part
    compute_fingerprint: Callable[[], str]
    note: str = ""

    def outline(self) -> Outline | MixedOutline:
        """The outline of the set as it is: read into memory where all its images have one size and fit there."""
        sizes = np.concatenate([self.train.sizes, self.test.sizes])
        if (sizes != sizes[0]).any():
            return MixedOutline(
                self.name,
                len(self.class_names),
                channels=self.channels,
                train=len(self.train.labels),
                test=len(self.test.labels),
                fit=self._fit,
            )
        outline = self._fit(Fit((int(sizes[0, 0]), int(sizes[0, 1]))))
        has_room = sizes.prod(1).sum() * self.channels <= MAX_MEMORY_BYTES
        return replace(outline, read=self._read) if has_room else outline

    def _fit(self, fit: Fit) -> Outline:
        return Outline(
            self.name,
            len(self.class_names),
            channels=self.channels,
            size=fit.size,
            train=len(self.train.labels),
            test=len(self.test.labels),
            read=lambda: self.photographs(fit),
            fit=self._fit,
            note=self.note,
        )

    def photographs(self, fit: Fit) -> Photographs:
        """The set, of which every image is decoded when it is needed."""
        import torch

        train, test = (torch.from_numpy(part.labels) for part in (self.train, self.test))
        return Photographs(
            self.name,
            self.path,
            class_names=self.class_names,
            channels=self.channels,
            fit=fit,
            train=self.train.pictures,
            train_labels=train,
            test=self.test.pictures,
            test_labels=test,
            compute_fingerprint=self.compute_fingerprint,
        )

    def _read(self) -> Data:
        """The set in memory."""
        size = self.train.sizes[0].tolist()
        train, train_labels = _read_part(self.train, self.channels, size)
        test, test_labels = _read_part(self.test, self.channels, size)
        return Data(
            self.name,
            self.path,
            class_names=self.class_names,
            train_images=train,
            train_labels=train_labels,
            test_images=test,
            test_labels=test_labels,
        )


def _read_part(part: Part, channels: int, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Images of one size as uint8 [N, channels, height, width], and their labels."""
    import torch

    height, width = size
    images = torch.empty(len(part.labels), channels, height, width, dtype=torch.uint8)
    for index in range(len(part.labels)):
        with part.pictures.open(index) as picture:
            pixels = picture.cut(1, (0, 0, width, height))
        images[index] = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    return images, torch.from_numpy(part.labels)


@dataclass(frozen=True, eq=False, slots=True)
class Photographs:
    """A set of labelled photographs, split into a training and a test part; `dataset.ImageSet` explains the rest.

    fit: what evaluation makes of every photograph; compute_fingerprint: reads all of them; validation: the same set
    with the photographs that choose the best epoch in place of the test photographs, where some were set aside.
    """

    name: str
    path: Path
    class_names: tuple[str, ...]
    channels: int
    fit: Fit
    train: Pictures
    train_labels: Tensor
    test: Pictures
    test_labels: Tensor
    compute_fingerprint: Callable[[], str]
    validation: Photographs | None = None

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what is cut out of every photograph."""
        return self.fit.size

    @property
    def argument(self) -> str:
        """The argument of `--data` that gives this set again, from any folder."""
        return format_argument(self.name, self.path)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of names, labels and contents, wherever the set lies and whatever size is made of it."""
        whole = self.compute_fingerprint()
        chosen = self.validation.test if self.validation is not None else None
        parts = {"train": self.train, "test": self.test, "validation": chosen}
        rows = [
            f"{name} {','.join(map(str, part.rows))}" for name, part in parts.items() if isinstance(part, SomePictures)
        ]
        return hashlib.sha256("\n".join([whole, *rows]).encode()).hexdigest() if rows else whole

    def read_test_image(self, index: int) -> Tensor:
        """A test image as evaluation sees it: uint8 [channels, height, width]."""
        import torch

        return torch.from_numpy(self.crop_centres(self.test, [index])[0].copy()).permute(2, 0, 1)

    def read_sample(self) -> Tensor:
        """At most `SAMPLE_IMAGES` training images as evaluation sees them, equally spaced: uint8 [N, channels, height,
        width]. The same for every seed."""
        import torch

        count = len(self.train)
        chosen = range(count) if count <= SAMPLE_IMAGES else [i * count // SAMPLE_IMAGES for i in range(SAMPLE_IMAGES)]
        return torch.from_numpy(self.crop_centres(self.train, chosen)).permute(0, 3, 1, 2)

    def crop_centres(self, part: Pictures, indices: Sequence[int]) -> Pixels:
        """Some images of `train` or `test` as evaluation sees them: uint8 [N, height, width, channels]."""
        pixels = np.empty((len(indices), *self.size, self.channels), np.uint8)
        for row, index in enumerate(indices):
            with part.open(index) as picture:
                pixels[row] = resize_and_crop(picture, self.fit.resize, self.fit.size, INTERPOLATION)
        return pixels
