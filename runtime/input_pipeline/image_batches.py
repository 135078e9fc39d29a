"""The batches of images that the loop and the evaluation get, from the device's memory or from photographs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.data import Data, ImageSet
from resnetc.runtime.data.decode import Pixels
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.data.user_datasets import UserDatasets
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.decoded_batches import DecodedBatches
from resnetc.runtime.input_pipeline.image_size import refuse_keys_of_photographs
from resnetc.runtime.input_pipeline.sampling import may_repeat
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Batch:
    """images: of a test batch, normalised, float32 [N, channels, *size], on the device; of a training batch, what was
    read of it, for `prepare`. With a `fault`, which names the image that could not be read, there are none."""

    images: Tensor
    fault: RunError | None = None


class TestBatches(Protocol):
    """The test images of a set."""

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""


class ImageBatches(TestBatches, Protocol):
    """The images of a set."""

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part (int64 [N], indices), what has to be read to `prepare` its images for epoch `epoch`."""

    def prepare(self, epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
        """The images `index` as epoch `epoch` sees them, from what was read: float32 [N, channels, *size]. A part of
        the training step, so it never waits for the device."""


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
        self._nothing = torch.empty(0, dtype=torch.uint8, device=device)
        self._count = len(data.train_images) if may_repeat(recipe) else None  # beyond it, an image again

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part nothing: the images are there."""
        for _ in parts:
            yield Batch(self._nothing)

    def prepare(self, epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
        """The images `index` as epoch `epoch` sees them: float32 [N, channels, *size]."""
        return self._augment(epoch, index, None if self._count is None else index % self._count)


class PhotographBatches:
    """Photographs, decoded and cropped by worker processes; a batch is mirrored and normalised on the device."""

    def __init__(self, decoded: DecodedBatches, recipe: Recipe, normaliser: Normaliser, device: torch.device) -> None:
        self._decoded, self._recipe, self._normalise, self._device = decoded, recipe, normaliser, device

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""
        for pixels in self._decoded.read_test(parts):
            batch = _send(pixels, self._device)
            yield batch if batch.fault else Batch(self._normalise(batch.images.permute(0, 3, 1, 2)))

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part, random crops of its photographs: uint8 [N, height, width, channels], on the device."""
        for pixels in self._decoded.read_train(epoch, [index.tolist() for index in parts]):
            yield _send(pixels, self._device)

    def prepare(self, epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
        """The photographs `index`, whose crops are `pixels`, mirrored and normalised: float32 [N, channels, height,
        width]."""
        if self._recipe.horizontal_flip:
            is_mirrored = counter_rng.randint(2, self._recipe.seed, epoch, index, counter_rng.FLIP).bool()
            pixels = torch.where(is_mirrored[:, None, None, None], pixels.flip(2), pixels)
        return self._normalise(pixels.permute(0, 3, 1, 2))


class UserBatches:
    """Datasets of the user's own, read by worker processes; a batch is augmented and normalised as one in memory."""

    def __init__(self, read: DecodedBatches, recipe: Recipe, normaliser: Normaliser, device: torch.device) -> None:
        self._read, self._recipe, self._normaliser, self._device = read, recipe, normaliser, device

    def read_test(self, parts: Sequence[range]) -> Iterator[Batch]:
        """For each part, its images."""
        for values in self._read.read_test(parts):
            batch = _send(values, self._device)
            yield batch if batch.fault else Batch(self._normaliser(batch.images))

    def read_train(self, epoch: int, parts: Sequence[Tensor]) -> Iterator[Batch]:
        """For each part, the items as they are: [N, channels, *size], on the device."""
        for values in self._read.read_train(epoch, [index.tolist() for index in parts]):
            yield _send(values, self._device)

    def prepare(self, epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
        """The items `index`, which are `pixels`, as epoch `epoch` sees them: float32 [N, channels, *size]."""
        augment = Augmenter(pixels, self._recipe, self._normaliser)
        return augment(epoch, index, torch.arange(len(index), device=self._device))


def _send(pixels: Pixels | RunError, device: torch.device) -> Batch:
    """What was read to the device; an accelerator fetches it while it computes."""
    if isinstance(pixels, RunError):
        return Batch(torch.empty(0), pixels)
    tensor = torch.from_numpy(pixels)
    return Batch(tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device))


def open_batches(
    data: ImageSet, recipe: Recipe, normaliser: Normaliser, device: torch.device, to_release: ExitStack
) -> ImageBatches:
    """The images of a set; what has to be closed is left to `to_release`."""
    if not isinstance(data, Photographs):
        refuse_keys_of_photographs(data.name, recipe)
    if isinstance(data, Data):
        return MemoryBatches(data, recipe, normaliser, device)
    if isinstance(data, UserDatasets):
        read = to_release.enter_context(DecodedBatches(data, recipe))
        return UserBatches(read, recipe, normaliser, device)
    assert isinstance(data, Photographs)
    if recipe.noise:
        in_memory = "`noise` works only on data in memory, not on the photographs of"
        raise fault_at(recipe.places, f"{in_memory} {data.name}: set noise: 0", "noise")
    mean_colour = tuple(round(value) for value in normaliser.mean.flatten(0, -2).double().mean(0).tolist())
    decoded = to_release.enter_context(DecodedBatches(data, recipe, mean_colour))
    return PhotographBatches(decoded, recipe, normaliser, device)


def open_test_batches(
    data: ImageSet, recipe: Recipe, normaliser: Normaliser, device: torch.device, to_release: ExitStack
) -> TestBatches:
    """The test images alone."""
    if isinstance(data, Data):
        return MemoryTestBatches(data.test_images.to(device), normaliser)
    return open_batches(data, recipe, normaliser, device, to_release)
