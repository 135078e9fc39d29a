"""Images as a trained network gets them, to look at it with: the same ones for every arm of a study."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.augment import Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.preprocessing import read_preprocessing
from resnetc.runtime.run.folder import RunFolder


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


def take_training_images(data: Data, run: Path, count: int) -> Probe:
    """The first `count` training images, as the run in the folder `run` was given them, without augmentation."""
    return _prepare(data.train_images[:count], data.train_labels[:count], run)


def take_test_images(data: Data, run: Path, count: int) -> Probe:
    """The first `count` test images, likewise."""
    return _prepare(data.test_images[:count], data.test_labels[:count], run)


def _prepare(images: Tensor, labels: Tensor, run: Path) -> Probe:
    record = read_preprocessing(RunFolder(run).preprocessing)
    return Probe(Normaliser.from_record(record, torch.device("cpu"))(images), labels)
