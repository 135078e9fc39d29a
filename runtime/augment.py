"""Makes batches from a data set in memory: crops, mirrors and normalises all images of a batch at once."""

import torch
from torch import Tensor
from torch.nn import functional

from resnetc.runtime import counter_rng
from resnetc.runtime.recipe import Recipe


class Normaliser:
    """Converts bytes to floats: subtracts the training images' mean, divides each channel by its standard deviation.

    mean: float [height or 1, width or 1, channels] (per pixel or per channel); scale: float [channels]; in units of a
    byte. The statistics are exact: sums of bytes as integers.
    """

    def __init__(self, train_images: Tensor, kind: str) -> None:
        count = train_images.shape[0] * train_images.shape[2] * train_images.shape[3]
        chunks = torch.split(train_images, 4096)
        total = torch.stack([chunk.sum((0, 2, 3), dtype=torch.int64) for chunk in chunks]).sum(0)
        squares = torch.stack([chunk.to(torch.int32).square().sum((0, 2, 3), dtype=torch.int64) for chunk in chunks])
        mean = total.double() / count
        deviation = (squares.sum(0).double() / count - mean.square()).clamp(min=0).sqrt()
        self.scale = (1 / torch.where(deviation > 0, deviation, 1)).float()  # a constant channel becomes 0
        if kind == "pixel":
            pixels = torch.stack([chunk.sum(0, dtype=torch.int64) for chunk in chunks]).sum(0).double()
            mean = (pixels / train_images.shape[0]).permute(1, 2, 0)
        else:
            mean = mean.view(1, 1, -1)
        self.mean = mean.float().contiguous()

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [N, channels, height, width] to float32 of the same shape, its memory channels-last."""
        pixels = images.permute(0, 2, 3, 1).float()
        return pixels.sub_(self.mean).mul_(self.scale).permute(0, 3, 1, 2)


class Augmenter:
    """Training batches of one data set: a pure function of (seed, epoch, index of the image).

    The set is padded once with black (`padding` pixels on each side) and kept as bytes, channels last; a batch is one
    gather.
    """

    def __init__(self, images: Tensor, recipe: Recipe, normaliser: Normaliser) -> None:
        padding = recipe.random_crop_padding
        self.height, self.width = images.shape[2], images.shape[3]
        self.seed, self.padding, self.horizontal_flip = recipe.seed, padding, recipe.horizontal_flip
        self.padded = functional.pad(images, (padding, padding, padding, padding)).permute(0, 2, 3, 1).contiguous()
        self.scale, self.mean = normaliser.scale, normaliser.mean
        self.is_per_pixel = self.mean.shape[:2] != (1, 1)
        if self.is_per_pixel:
            self.mean = (
                functional.pad(self.mean.permute(2, 0, 1), (padding, padding, padding, padding))
                .permute(1, 2, 0)
                .contiguous()
            )
        self.rows = torch.arange(self.height, device=images.device)
        self.columns = torch.arange(self.width, device=images.device)

    def __call__(self, epoch: int, index: Tensor) -> Tensor:
        """The images `index` (int64 [N]) as epoch `epoch` sees them: float32 [N, channels, height, width]."""
        rows, columns = self.rows.expand(len(index), -1), self.columns.expand(len(index), -1)
        if self.horizontal_flip:
            is_mirrored = counter_rng.randint(2, self.seed, epoch, index, counter_rng.FLIP).bool()
            columns = torch.where(is_mirrored[:, None], self.width - 1 - columns, columns)
        if self.padding:
            offsets = 2 * self.padding + 1
            rows = rows + counter_rng.randint(offsets, self.seed, epoch, index, counter_rng.ROW)[:, None]
            columns = columns + counter_rng.randint(offsets, self.seed, epoch, index, counter_rng.COLUMN)[:, None]
        rows, columns = rows[:, :, None], columns[:, None, :]
        pixels = self.padded[index[:, None, None], rows, columns].float()
        pixels -= self.mean[rows, columns] if self.is_per_pixel else self.mean
        return pixels.mul_(self.scale).permute(0, 3, 1, 2)
