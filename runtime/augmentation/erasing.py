"""Erases a random box of an image (Zhong et al. 2017, "Random Erasing Data Augmentation")."""

import math

import torch
from torch import Tensor

from resnetc.runtime import counter_rng

_MIN_AREA, _MAX_AREA = 0.02, 0.33  # of the box, as shares of the image: those of the paper and of torchvision
_MAX_RATIO = 3.3  # of its sides; the least is its inverse


def erase_boxes(images: Tensor, probability: float, seed: int, epoch: int | Tensor, index: Tensor) -> Tensor:
    """The normalised images, a box of some of them set to 0, which is the mean.

    The area of a box is a share of the whole; the logarithm of the ratio of its last two sides is drawn uniformly; a
    side that would be longer than the image is as long.
    """
    size = images.shape[2:]
    is_erased = counter_rng.uniform(seed, epoch, index, counter_rng.ERASE) < probability
    area = counter_rng.uniform(seed, epoch, index, counter_rng.ERASE_AREA) * (_MAX_AREA - _MIN_AREA) + _MIN_AREA
    side = area ** (1 / len(size))
    limit = math.log(_MAX_RATIO)
    stretch = torch.exp((counter_rng.uniform(seed, epoch, index, counter_rng.ERASE_RATIO) - 0.5) * limit)
    factors = {len(size) - 2: stretch, len(size) - 1: 1 / stretch} if len(size) > 1 else {}
    streams = (counter_rng.ERASE_DEPTH, counter_rng.ERASE_ROW, counter_rng.ERASE_COLUMN)[-len(size) :]
    inside = is_erased.view(-1, *[1] * len(size))
    for axis, (length, stream) in enumerate(zip(size, streams, strict=True)):
        share = side * factors[axis] if axis in factors else side
        extent = (share * length).round().long().clamp(1, length)
        first = counter_rng.randint(length - extent + 1, seed, epoch, index, stream)
        places = torch.arange(length, device=images.device)
        within = (places >= first[:, None]) & (places < (first + extent)[:, None])
        inside = inside & within.view(-1, *[1] * axis, length, *[1] * (len(size) - 1 - axis))
    return images.clone().masked_fill_(inside.unsqueeze(1), 0.0)  # `masked_fill` would change the order of the memory
