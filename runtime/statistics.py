"""Measures the training images of a run: the mean and the scale that make their values comparable."""

import torch
from torch import Tensor

from resnetc.runtime.data.dataset import Data, ImageSet
from resnetc.runtime.data.photographs import INTERPOLATION, Photographs
from resnetc.runtime.preprocessing import Preprocessing
from resnetc.runtime.recipe import Recipe

_IMAGES_AT_ONCE = 4096


def describe_preprocessing(data: ImageSet, recipe: Recipe, device: torch.device | None = None) -> Preprocessing:
    """The record of a run that is trained on `data`, whose images are measured on `device`.

    Images in memory are all measured. Of photographs a sample is, exactly: grey ones, X-rays and drawings have other
    values than the photographs for which fixed ones are in use.
    """
    if isinstance(data, Data):
        images = data.train_images
    else:
        assert isinstance(data, Photographs)
        images = data.read_sample()
    mean, scale = measure_statistics(images.to(device), recipe.normalise)
    return Preprocessing(
        kind="image",
        channels=data.channels,
        size=data.size,
        resize=data.fit.resize if isinstance(data, Photographs) else None,
        interpolation=INTERPOLATION,
        exif=True,
        range=(0.0, 255.0),
        mean=tuple(mean.flatten().tolist()),
        scale=tuple(scale.tolist()),
        classes=data.class_names,
        data=data.argument,
    )


def measure_statistics(train_images: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """The mean of the training images, and one over their standard deviation, in units of a byte.

    train_images: uint8 [N, channels, height, width]; kind: the mean is taken per `channel` or per `pixel`. Returns
    float32 [height or 1, width or 1, channels] and float32 [channels]. They are exact: sums of bytes as integers.
    """
    count = train_images.shape[0] * train_images.shape[2] * train_images.shape[3]
    chunks = torch.split(train_images, _IMAGES_AT_ONCE)
    total = torch.stack([chunk.sum((0, 2, 3), dtype=torch.int64) for chunk in chunks]).sum(0)
    squares = torch.stack([chunk.to(torch.int32).square().sum((0, 2, 3), dtype=torch.int64) for chunk in chunks])
    mean = total.double() / count
    deviation = (squares.sum(0).double() / count - mean.square()).clamp(min=0).sqrt()
    scale = (1 / torch.where(deviation > 0, deviation, 1)).float()  # a constant channel becomes 0
    if kind == "pixel":
        pixels = torch.stack([chunk.sum(0, dtype=torch.int64) for chunk in chunks]).sum(0).double()
        mean = (pixels / train_images.shape[0]).permute(1, 2, 0)
    else:
        mean = mean.view(1, 1, -1)
    return mean.float().contiguous(), scale
