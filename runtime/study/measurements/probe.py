"""Images as a trained network gets them, to look at it with: the same ones for every arm of a study."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import Data, ImageSet
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.data.preprocessing import read_preprocessing
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.study.small_data import choose_rows

_MAX_PIXELS = 1 << 21  # of all images that a network is looked at with: what autograd keeps of them fits any machine
_MIN_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Probe:
    """Some images of a set, normalised as for training: float32 [N, channels, *size]; labels int64 [N]."""

    images: Tensor
    labels: Tensor

    def loss(self, model: nn.Module) -> Tensor:
        """The mean cross-entropy of the network's scores, a scalar, with its graph if gradients are on."""
        return functional.cross_entropy(model(self.images).float(), self.labels)

    @torch.no_grad()
    def accuracy(self, model: nn.Module) -> float:
        """The share of the images that the network gets right, in percent."""
        return 100 * float((model(self.images).argmax(1) == self.labels).float().mean())


def take_training_images(data: ImageSet, run: Path, count: int) -> Probe:
    """`count` training images, as the run in the folder `run` was given them, without augmentation; fewer where they
    are large, at least 16."""
    rows = choose_rows(data.train_labels, _limit(data, count))
    return _prepare(_read_images(data, rows, is_training=True), data.train_labels[rows], run)


def take_test_images(data: ImageSet, run: Path, count: int) -> Probe:
    """`count` test images, likewise."""
    rows = choose_rows(data.test_labels, _limit(data, count))
    return _prepare(_read_images(data, rows, is_training=False), data.test_labels[rows], run)


def _limit(data: ImageSet, count: int) -> int:
    return min(count, max(_MIN_IMAGES, _MAX_PIXELS // math.prod(data.size)))


def _read_images(data: ImageSet, rows: Tensor, is_training: bool) -> Tensor:
    """uint8 or float32 [N, channels, *size]: these images of the training or the test part."""
    if isinstance(data, Photographs):
        pixels = data.crop_centres(data.train if is_training else data.test, rows.tolist())
        return torch.from_numpy(pixels).movedim(-1, 1)
    assert isinstance(data, Data)
    return (data.train_images if is_training else data.test_images)[rows]


def _prepare(images: Tensor, labels: Tensor, run: Path) -> Probe:
    record = read_preprocessing(RunFolder(run).preprocessing_path)
    return Probe(Normaliser.from_record(record, torch.device("cpu"))(images), labels)
