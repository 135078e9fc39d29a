"""Mixes the images of a batch in pairs, and their labels: mixup (Zhang et al. 2017), cutmix (Yun et al. 2019).

The pairs are the first and second image of a batch, the third and fourth and so on, in the order of the epoch, which is
random: so they are the same ones where several processes share a batch. Each image draws its own share.
"""

import torch
from torch import Tensor

from resnetc.runtime import counter_rng

_CELLS = 1024  # of the table of quantiles
_FINE = 16  # points of integration a cell


class BetaShares:
    """Draws numbers from Beta(alpha, alpha) by its quantiles, so that a share is a function of one random number.

    A uniform number becomes the share by linear interpolation in a table, which is computed once, on the CPU.
    """

    def __init__(self, alpha: float, device: torch.device) -> None:
        self.quantiles = tabulate_quantiles(alpha).to(device)

    def __call__(self, uniform: Tensor) -> Tensor:
        """float32 [N]: the shares of uniform numbers in [0, 1)."""
        place = uniform * (len(self.quantiles) - 1)
        cell = place.long()
        return torch.lerp(self.quantiles[cell], self.quantiles[cell + 1], place - cell)


def tabulate_quantiles(alpha: float) -> Tensor:
    """The quantiles of Beta(alpha, alpha) at equal distances from 0 to 1: float32.

    The lower half is integrated and the upper one is its mirror image. Below 1 the density has a pole at 0: then
    t = x^alpha is the variable, in which it has none.
    """
    power = min(alpha, 1.0)
    t = torch.linspace(0, 0.5**power, _CELLS * _FINE + 1, dtype=torch.float64)
    x = t ** (1 / power)
    density = (x * (1 - x)) ** (alpha - 1) if alpha > 1 else (1 - x) ** (alpha - 1)
    areas = torch.cumulative_trapezoid(density, t)
    reached = torch.cat([torch.zeros(1, dtype=torch.float64), areas / areas[-1] / 2])
    wanted = torch.linspace(0, 0.5, _CELLS // 2 + 1, dtype=torch.float64)
    after = torch.searchsorted(reached, wanted).clamp(1, len(t) - 1)
    part = (wanted - reached[after - 1]) / (reached[after] - reached[after - 1])
    lower = (t[after - 1] + part * (t[after] - t[after - 1])) ** (1 / power)
    return torch.cat([lower, 1 - lower[:-1].flip(0)]).float()


class PairMixer:
    """Mixes each image of a batch with the other one of its pair.

    mixup and cutmix: alpha of their Beta distribution, 0 where it is not done; where both are, a coin decides for each
    image.
    """

    def __init__(self, seed: int, mixup: float, cutmix: float, classes: int, device: torch.device) -> None:
        self.seed = seed
        self.mixup = BetaShares(mixup, device) if mixup else None
        self.cutmix = BetaShares(cutmix, device) if cutmix else None
        self.classes = torch.arange(classes, device=device)

    def __call__(self, images: Tensor, targets: Tensor, epoch: int | Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Mixed images, and shares of the classes: float32 [N, classes]. targets: labels, or such shares."""
        shares = self._spread(targets)
        weights, share = self._draw(images, epoch, index)
        partner = (torch.arange(len(images), device=images.device) ^ 1) % len(images)
        return torch.lerp(images[partner], images, weights), torch.lerp(shares[partner], shares, share[:, None])

    def _spread(self, targets: Tensor) -> Tensor:
        return (targets[:, None] == self.classes).float() if targets.ndim == 1 else targets.float()

    def _draw(self, images: Tensor, epoch: int | Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """What an image has of itself: at each place, 0 to 1 ([N, 1, *size] or [N, 1, ..., 1]); and of its label."""
        uniform = counter_rng.uniform(self.seed, epoch, index, counter_rng.MIX_SHARE)
        ones = [1] * (images.ndim - 1)
        mixed = cut = None
        if self.mixup is not None:
            share = self.mixup(uniform)
            mixed = share.view(-1, *ones), share
        if self.cutmix is not None:
            is_inside = draw_boxes(1 - self.cutmix(uniform), images.shape[2:], self.seed, epoch, index)
            outside = 1 - is_inside.float()
            cut = outside.unsqueeze(1), outside.flatten(1).mean(1)
        if mixed is None or cut is None:
            both = mixed or cut
            assert both is not None
            return both
        is_cut = counter_rng.randint(2, self.seed, epoch, index, counter_rng.MIX_KIND).bool()
        weights = torch.where(is_cut.view(-1, *ones), cut[0], mixed[0])
        return weights, torch.where(is_cut, cut[1], mixed[1])


def draw_boxes(area: Tensor, size: tuple[int, ...], seed: int, epoch: int | Tensor, index: Tensor) -> Tensor:
    """Whether each place lies in the box of each image: bool [N, *size].

    Along each axis a box has the same share of the image, of whole places; its centre lies anywhere in the image, and
    what lies outside is cut off.
    """
    inside = torch.ones((), dtype=torch.bool, device=area.device)
    streams = (counter_rng.CUT_DEPTH, counter_rng.CUT_ROW, counter_rng.CUT_COLUMN)[-len(size) :]
    side = area ** (1 / len(size))
    for axis, (length, stream) in enumerate(zip(size, streams, strict=True)):
        half = (side * length).long() // 2
        centre = counter_rng.randint(length, seed, epoch, index, stream)
        places = torch.arange(length, device=area.device)
        within = (places >= (centre - half)[:, None]) & (places < (centre + half)[:, None])
        inside = inside & within.view(-1, *[1] * axis, length, *[1] * (len(size) - 1 - axis))
    return inside
