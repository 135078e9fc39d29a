"""What every reader returns: the outline of a data set, and the data set: in memory, as bytes, or photographs.

This module does not import torch: whether a network accepts the data is known before the seconds that its import
takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from resnetc.runtime.errors import RunError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fit:
    """How photographs are made to have one size: the short side becomes `resize`, then `size` (height, width) is cut
    out of the centre.

    resize: None: as short as covers `size`, which leaves an image of that size as it is.
    """

    size: tuple[int, int]
    resize: int | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a data set before its images are read; `read` reads them.

    classes: number of classes; size: (height, width) of every image, in pixels; of a signal its steps, of a volume also
    its depth. train, test: number of images in each part. fit: of photographs, the outline of the same set with images
    of another size; None for other sets. note: what the user is told about how the set was read.
    """

    name: str
    classes: int
    channels: int
    size: tuple[int, ...]
    train: int
    test: int
    read: Callable[[], ImageSet] = field(compare=False)
    fit: Callable[[Fit], Outline] | None = field(default=None, compare=False)
    note: str = ""

    def at(self, fit: Fit) -> Outline:
        """The outline of the set whose images are made to have one size; RunError where its images have another."""
        if self.fit is not None and (fit.size, fit.resize) != (self.size, None):
            return self.fit(fit)
        if fit.size != self.size:
            sizes = ["x".join(map(str, size)) for size in (self.size, fit.size)]
            raise RunError(
                f"{self.name} has images of {sizes[0]}, not of {sizes[1]}: only photographs (--data folder, pack) are "
                f"resized"
            )
        return self


@dataclass(frozen=True, slots=True)
class MixedOutline:
    """What is known of photographs of several sizes, before it is said which size they are made to have (`at`)."""

    name: str
    classes: int
    channels: int
    train: int
    test: int
    fit: Callable[[Fit], Outline] = field(compare=False)

    def at(self, fit: Fit) -> Outline:
        """The outline of the set whose images are made to have one size."""
        return self.fit(fit)


class ImageSet(Protocol):
    """What training, evaluation and reports ask of a data set: `Data`, or `photographs.Photographs`."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """One per class, in the order of the labels."""

    @property
    def classes(self) -> int:
        """The number of classes."""

    @property
    def channels(self) -> int:
        """The number of channels of an image."""

    @property
    def size(self) -> tuple[int, ...]:
        """(height, width) of every image, as the network gets it; the steps of a signal; depth as well of a volume."""

    @property
    def train_labels(self) -> Tensor:
        """int64 [N]; where an image has any number of classes, uint8 [N, classes] of 0 and 1."""

    @property
    def test_labels(self) -> Tensor:
        """int64 [N]; where an image has any number of classes, uint8 [N, classes] of 0 and 1."""

    @property
    def validation(self) -> ImageSet | None:
        """The same set with the images that choose the best epoch in place of the test images; None where no images
        were set aside for that."""

    @property
    def argument(self) -> str:
        """The argument of `--data` that gives this set again, from any folder."""

    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that the set consists of."""

    def read_test_image(self, index: int) -> Tensor:
        """A test image as the network gets it, before it is normalised: uint8 or float32 [channels, *size]."""


def format_argument(name: str, path: Path | None) -> str:
    """The argument of `--data` that names a set, from any folder."""
    return name if path is None else f"{name}:{path.absolute()}"


@dataclass(frozen=True, eq=False, slots=True)
class Data:
    """A set of labelled images, signals or volumes, split into a training and a test part.

    name, path: as on the command line (`digits`, no path); class_names: one per class, in the order of the labels.
    train_images, test_images: uint8 or float32 [N, channels, *size], where an image has the size (height, width), a
    signal (steps,) and a volume (depth, height, width); train_labels, test_labels: int64 [N] in [0, classes), or where
    an image has any number of classes uint8 [N, classes] of 0 and 1. range: the values of black and white. A set may
    have no test images, until some are held out (`splits`); validation: the same set with the images that choose the
    best epoch in place of the test images, where some were set aside.
    """

    name: str
    path: Path | None
    class_names: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    range: tuple[float, float] = (0.0, 255.0)
    validation: Data | None = None

    def __post_init__(self) -> None:
        import torch

        for images, labels in ((self.train_images, self.train_labels), (self.test_images, self.test_labels)):
            has_numbers = images.dtype in (torch.uint8, torch.float32) and 3 <= images.ndim <= 5
            is_multi_label = labels.dtype == torch.uint8 and labels.shape[1:] == (self.classes,)
            has_labels = labels.shape[:1] == images.shape[:1] and (labels.ndim == 1 or is_multi_label)
            if not has_numbers or not has_labels or not len(self.train_images):
                raise ValueError(
                    f"a part of {self.name} has images {list(images.shape)} and labels {list(labels.shape)}"
                )
            highest = 1 if is_multi_label else self.classes - 1
            if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) <= highest:
                raise ValueError(f"a label of {self.name} lies outside [0, {highest}]")
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise ValueError(f"training and test images of {self.name} differ in shape")

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def channels(self) -> int:
        """The number of channels of an image."""
        return self.train_images.shape[1]

    @property
    def size(self) -> tuple[int, ...]:
        """(height, width) of every image, in pixels; the steps of a signal; depth, height and width of a volume."""
        return tuple(self.train_images.shape[2:])

    @property
    def argument(self) -> str:
        """The argument of `--data` that gives this set again, from any folder."""
        return format_argument(self.name, self.path)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of shapes, images, labels and class names: equal for equal data, wherever it was read from."""
        digest = hashlib.sha256("\n".join(self.class_names).encode(errors="surrogatepass"))
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(str(list(tensor.shape)).encode())
            if tensor.is_floating_point():
                digest.update(f"float32 from {self.range[0]} to {self.range[1]}".encode())
            digest.update(tensor.cpu().contiguous().numpy().data)
        if self.validation is not None:
            digest.update(self.validation.fingerprint().encode())
        return digest.hexdigest()

    def read_test_image(self, index: int) -> Tensor:
        """A test image: uint8 or float32 [channels, *size]."""
        return self.test_images[index]
