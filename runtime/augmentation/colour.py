"""Changes the colours of images: brightness, contrast and saturation, and the light (Krizhevsky et al. 2012)."""

import torch
from torch import Tensor

from resnetc.runtime import counter_rng

_GREY = 0.299, 0.587, 0.114  # of red, green and blue
# The principal components of ImageNet's colours between 0 and 1, from fb.resnet.torch; a row a colour.
_VALUES = 0.2175, 0.0188, 0.0045
_VECTORS = (-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203)


class ColourChanger:
    """Changes images whose values lie between those of black and white.

    mean (float32 [*size or ones, channels]) and scale ([channels]) are those of the normaliser, with which the changed
    images are normalised again. jitter: by how much brightness, contrast and saturation change at most, as a share, in
    this order; light: the standard deviation of the factors of the principal components, 0.1 in the paper. Either may
    be 0.
    """

    def __init__(
        self,
        seed: int,
        jitter: float,
        light: float,
        black_and_white: tuple[float, float],
        mean: Tensor,
        scale: Tensor,
    ) -> None:
        self.seed, self.jitter, self.light = seed, jitter, light
        self.black, self.white = black_and_white
        self.mean, self.scale = mean.movedim(-1, 0), scale.view(-1, *[1] * (mean.ndim - 1))
        self.channels = len(scale)
        self.grey = torch.tensor(_GREY, device=mean.device).view(3, 1, 1)
        self.components = torch.tensor(_VECTORS, device=mean.device) * torch.tensor(_VALUES, device=mean.device)

    def __call__(self, images: Tensor, epoch: int | Tensor, index: Tensor) -> Tensor:
        """The normalised images with other colours: float32 [N, channels, *size]."""
        values = images / self.scale + self.mean
        if self.jitter:
            values = self._jitter(values, epoch, index)
        if self.light:
            values = values + self._draw_light(epoch, index)[:, :, None, None]
        return (values - self.mean) * self.scale

    def _jitter(self, values: Tensor, epoch: int | Tensor, index: Tensor) -> Tensor:
        """Each time a mixture of the image and of black, its mean grey, or itself in grey."""
        values = self._blend(values, self.black, epoch, index, counter_rng.BRIGHTNESS)
        mean_grey = self._to_grey(values).mean((1, 2, 3), keepdim=True)
        values = self._blend(values, mean_grey, epoch, index, counter_rng.CONTRAST)
        if self.channels == 3:
            values = self._blend(values, self._to_grey(values), epoch, index, counter_rng.SATURATION)
        return values

    def _blend(self, values: Tensor, other: float | Tensor, epoch: int | Tensor, index: Tensor, stream: int) -> Tensor:
        change = 2 * counter_rng.uniform(self.seed, epoch, index, stream) - 1
        factor = (1 + self.jitter * change).view(-1, 1, 1, 1)
        return (other + factor * (values - other)).clamp(self.black, self.white)

    def _to_grey(self, values: Tensor) -> Tensor:
        return (values * self.grey).sum(1, keepdim=True) if self.channels == 3 else values.mean(1, keepdim=True)

    def _draw_light(self, epoch: int | Tensor, index: Tensor) -> Tensor:
        """What is added to all pixels of an image: [N, 3]."""
        numbers = index[:, None] * 3 + torch.arange(3, device=index.device)
        factors = counter_rng.normal(
            self.seed, epoch, numbers, counter_rng.LIGHT_RADIUS, counter_rng.LIGHT_ANGLE
        ).float()
        return self.light * factors @ self.components.T * (self.white - self.black)
