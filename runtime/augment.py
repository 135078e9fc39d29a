"""Makes batches from a data set in memory: crops, mirrors and normalises all images of a batch at once."""

import torch
from torch import Tensor
from torch.nn import functional

from resnetc.runtime import counter_rng
from resnetc.runtime.preprocessing import Preprocessing
from resnetc.runtime.recipe import Recipe


class Normaliser:
    """Converts bytes to floats: subtracts the mean, multiplies each channel by its scale.

    mean: float32 [*size, channels], or with 1 in place of every size (per value or per channel); scale: float32
    [channels]; in units of a byte.
    """

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self.mean, self.scale = mean, scale

    @classmethod
    def from_record(cls, preprocessing: Preprocessing, device: torch.device) -> "Normaliser":
        """The one that a run's record describes, with its constants on `device`."""
        channels = preprocessing.channels
        is_per_channel = len(preprocessing.mean) == channels
        shape = [1] * len(preprocessing.size) if is_per_channel else preprocessing.size
        mean, scale = (
            torch.tensor(values, dtype=torch.float32, device=device)
            for values in (preprocessing.mean, preprocessing.scale)
        )
        return cls(mean.view(*shape, channels), scale)

    def __call__(self, images: Tensor) -> Tensor:
        """[N, channels, *size] of bytes or other numbers to float32 of the same shape, its memory channels-last."""
        values = images.movedim(1, -1).to(torch.float32, copy=True)
        return values.sub_(self.mean).mul_(self.scale).movedim(-1, 1)


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
