"""The batches of images that the loop and the evaluation get, from the device's memory or from photographs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augment import Augmenter, Normaliser
from resnetc.runtime.data import Data, ImageSet
from resnetc.runtime.data.decode import Pixels
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.data.user_datasets import UserDatasets
from resnetc.runtime.decoded_batches import DecodedBatches
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Batch:
    """images: normalised, float32 [N, channels, height, width], on the device. With a `fault`, which names the image
    that could not be read, there are none."""

    images: Tensor
    fault: RunError | None = None


class TestBatches(Protocol):
    """The test images of a set."""

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""


class ImageBatches(TestBatches, Protocol):
    """The images of a set."""

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part (int64 [N], indices), its images as epoch `epoch` sees them."""


class MemoryTestBatches:
    """Test images in the device's memory."""

    def __init__(self, test_images: Tensor, normalise: Callable[[Tensor], Tensor]) -> None:
        self._test_images, self._normalise = test_images, normalise

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""
        for part in parts:
            yield Batch(self._normalise(self._test_images[part.start : part.stop : part.step]))


class MemoryBatches(MemoryTestBatches):
    """All images in the device's memory."""

    def __init__(self, data: Data, recipe: Recipe, normaliser: Normaliser, device: torch.device) -> None:
        super().__init__(data.test_images.to(device), normaliser)
        self._augment = Augmenter(data.train_images.to(device), recipe, normaliser)

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part, its images as epoch `epoch` sees them."""
        for index in parts:
            yield Batch(self._augment(epoch, index))


class PhotographBatches:
    """Photographs, decoded and cropped by worker processes; a batch is mirrored and normalised on the device."""

    def __init__(self, decoded: DecodedBatches, recipe: Recipe, normaliser: Normaliser, device: torch.device) -> None:
        self._decoded, self._recipe, self._normalise, self._device = decoded, recipe, normaliser, device

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""
        for pixels in self._decoded.read_test(parts):
            yield Batch(torch.empty(0), pixels) if isinstance(pixels, RunError) else Batch(self._finish(pixels))

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part, its images as epoch `epoch` sees them."""
        decoded = self._decoded.read_train(epoch, [index.tolist() for index in parts])
        for index, pixels in zip(parts, decoded, strict=True):
            if isinstance(pixels, RunError):
                yield Batch(torch.empty(0), pixels)
                continue
            is_mirrored: Tensor | None = None
            if self._recipe.horizontal_flip:
                is_mirrored = counter_rng.randint(2, self._recipe.seed, epoch, index, counter_rng.FLIP).bool()
            yield Batch(self._finish(pixels, is_mirrored))

    def _finish(self, pixels: Pixels, is_mirrored: Tensor | None = None) -> Tensor:
        """[N, height, width, channels] to float32 [N, channels, height, width]."""
        images = torch.from_numpy(pixels).to(self._device)
        if is_mirrored is not None:
            images = torch.where(is_mirrored[:, None, None, None], images.flip(2), images)
        return self._normalise(images.permute(0, 3, 1, 2))


class UserBatches:
    """Datasets of the user's own, read by worker processes; a batch is augmented and normalised as one in memory."""

    def __init__(self, read: DecodedBatches, recipe: Recipe, normaliser: Normaliser, device: torch.device) -> None:
        self._read, self._recipe, self._normaliser, self._device = read, recipe, normaliser, device

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""
        for values in self._read.read_test(parts):
            if isinstance(values, RunError):
                yield Batch(torch.empty(0), values)
            else:
                yield Batch(self._normaliser(torch.from_numpy(values).to(self._device)))

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part, its images as epoch `epoch` sees them."""
        batches = self._read.read_train(epoch, [index.tolist() for index in parts])
        for index, values in zip(parts, batches, strict=True):
            if isinstance(values, RunError):
                yield Batch(torch.empty(0), values)
                continue
            augment = Augmenter(torch.from_numpy(values).to(self._device), self._recipe, self._normaliser)
            yield Batch(augment(epoch, index, torch.arange(len(index), device=self._device)))


def open_batches(
    data: ImageSet, recipe: Recipe, normaliser: Normaliser, device: torch.device, to_release: ExitStack
) -> ImageBatches:
    """The images of a set; what has to be closed is left to `to_release`."""
    if isinstance(data, Data):
        return MemoryBatches(data, recipe, normaliser, device)
    if isinstance(data, UserDatasets):
        read = to_release.enter_context(DecodedBatches(data, recipe))
        return UserBatches(read, recipe, normaliser, device)
    assert isinstance(data, Photographs)
    if recipe.noise:
        raise RunError(
            f"`noise` is added to what is held in memory: it has no place with the photographs of {data.name}"
        )
    decoded = to_release.enter_context(DecodedBatches(data, recipe))
    return PhotographBatches(decoded, recipe, normaliser, device)


def open_test_batches(
    data: ImageSet, recipe: Recipe, normaliser: Normaliser, device: torch.device, to_release: ExitStack
) -> TestBatches:
    """The test images alone."""
    if isinstance(data, Data):
        return MemoryTestBatches(data.test_images.to(device), normaliser)
    return open_batches(data, recipe, normaliser, device, to_release)
