"""Measures the training images of a run: the mean and the scale that make their values comparable."""

import math

import torch
from torch import Tensor

from resnetc.runtime.data.dataset import Data, ImageSet
from resnetc.runtime.data.photographs import INTERPOLATION, Photographs
from resnetc.runtime.data.preprocessing import AXES, Preprocessing
from resnetc.runtime.data.user_datasets import UserDatasets
from resnetc.runtime.recipe.recipe import Recipe

KINDS = {axes: kind for kind, axes in AXES.items()}  # of an input with so many axes
_VALUES_AT_ONCE = 1 << 24
_MIN_DEVIATION = 1e-30  # below, one over it is near the end of float32


def describe_preprocessing(data: ImageSet, recipe: Recipe, device: torch.device | None = None) -> Preprocessing:
    """The record of a run that is trained on `data`, whose images are measured on `device`.

    Images in memory are all measured. Of photographs and Datasets of the user's own a sample is, exactly: grey ones,
    X-rays and drawings have other values than the photographs for which fixed ones are in use.
    """
    if isinstance(data, Data):
        images = data.train_images
    else:
        assert isinstance(data, Photographs | UserDatasets)
        images = data.read_sample()
    mean, scale = measure_statistics(images.to(device), recipe.normalise)
    return Preprocessing(
        kind=KINDS[len(data.size)],
        channels=data.channels,
        size=data.size,
        resize=data.fit.resize if isinstance(data, Photographs) else None,
        interpolation=INTERPOLATION,
        exif=len(data.size) == 2,
        range=data.range if isinstance(data, Data | UserDatasets) else (0.0, 255.0),
        mean=tuple(mean.flatten().tolist()),
        scale=tuple(scale.tolist()),
        classes=data.class_names,
        data=data.argument,
        dtype="uint8" if images.dtype == torch.uint8 else "float32",
        multi_label=data.train_labels.ndim == 2,
    )


def measure_statistics(train_images: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """The mean of the training images, and one over their standard deviation, in their own units.

    train_images: uint8 or float32 [N, channels, *size]; kind: the mean is taken per `channel` or per `pixel`. Returns
    float32 [*size, channels], or with 1 in place of every size, and float32 [channels]. Those of bytes are exact: sums
    of integers.
    """
    size = train_images.shape[2:]
    count = train_images.shape[0] * math.prod(size)
    axes = (0, *range(2, train_images.ndim))
    chunks = torch.split(train_images, max(1, _VALUES_AT_ONCE // (count // len(train_images) * len(train_images[0]))))
    if train_images.is_floating_point():
        mean = torch.stack([chunk.sum(axes, dtype=torch.float64) for chunk in chunks]).sum(0) / count
        centre = mean.view(1, -1, *[1] * len(size))
        squares = torch.stack([(chunk.double() - centre).square().sum(axes) for chunk in chunks])
        deviation = (squares.sum(0) / count).sqrt()
    else:
        total = torch.stack([chunk.sum(axes, dtype=torch.int64) for chunk in chunks]).sum(0)
        squares = torch.stack([chunk.to(torch.int32).square().sum(axes, dtype=torch.int64) for chunk in chunks])
        mean = total.double() / count
        deviation = (squares.sum(0).double() / count - mean.square()).clamp(min=0).sqrt()
    scale = (1 / torch.where(deviation > _MIN_DEVIATION, deviation, 1)).float()  # a constant channel becomes 0
    if kind == "pixel":
        total_type = torch.float64 if train_images.is_floating_point() else torch.int64
        pixels = torch.stack([chunk.sum(0, dtype=total_type) for chunk in chunks]).sum(0).double()
        mean = (pixels / train_images.shape[0]).movedim(0, -1)
    else:
        mean = mean.view(*[1] * len(size), -1)
    return mean.float().contiguous(), scale
