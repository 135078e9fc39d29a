"""ResNet-110 of stochastic depth (Huang et al. 2016).

The last block is kept half of the time.

Made by resnetc 0.1.0 from cifar/residuals; edit the spec, not this file.

Input [3, H, W] for every H and every W. 1,727,962 parameters, 252,887,680 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SPEC = "cifar/residuals"
SPEC_SHA256 = "aae1fb4dacfa193a731b22637de36602f874900023c723dc20111b3b5bd9494a"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class DropPath2d(nn.Module):
    """Drops the whole branch of an image while training; the others are scaled up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        shape = (x.shape[0], 1, 1, 1)
        keep = 1 - self.rate
        kept = torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * kept / keep


class SubsampleView2d(nn.Module):
    """Every `stride`-th position of a map, as a view of it: what follows copies it."""

    def __init__(self, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride if isinstance(stride, tuple) else (stride,) * 2

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride[0], :: self.stride[1]]


class PadChannels2d(nn.Module):
    """Zero channels behind those of the input."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.extra = channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, 0, self.extra))


def pad(in_channels: int, channels: int) -> nn.Sequential:
    """Option A of He et al. 2015: subsampling and new channels of zeros."""
    return nn.Sequential(
        SubsampleView2d(2),
        PadChannels2d(in_channels, channels),
    )


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.drop_path = DropPath2d(drop_path_rate)
        self.downsample = nn.Identity() if stride == 1 else pad(in_channels, width)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.drop_path(self.bn2(self.conv2(main)))
        return self.act(main + self.downsample(x))


class StochasticResNet110(nn.Module):
    """ResNet-110 of stochastic depth (Huang et al. 2016).

    The last block is kept half of the time.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            Basic(16, 16, drop_path_rate=0.009259259259259259),
            Basic(16, 16, drop_path_rate=0.018518518518518517),
            Basic(16, 16, drop_path_rate=0.027777777777777776),
            Basic(16, 16, drop_path_rate=0.037037037037037035),
            Basic(16, 16, drop_path_rate=0.046296296296296294),
            Basic(16, 16, drop_path_rate=0.05555555555555555),
            Basic(16, 16, drop_path_rate=0.06481481481481481),
            Basic(16, 16, drop_path_rate=0.07407407407407407),
            Basic(16, 16, drop_path_rate=0.08333333333333333),
            Basic(16, 16, drop_path_rate=0.09259259259259259),
            Basic(16, 16, drop_path_rate=0.10185185185185185),
            Basic(16, 16, drop_path_rate=0.1111111111111111),
            Basic(16, 16, drop_path_rate=0.12037037037037036),
            Basic(16, 16, drop_path_rate=0.12962962962962962),
            Basic(16, 16, drop_path_rate=0.1388888888888889),
            Basic(16, 16, drop_path_rate=0.14814814814814814),
            Basic(16, 16, drop_path_rate=0.1574074074074074),
            Basic(16, 16, drop_path_rate=0.16666666666666666),
        )
        self.layer2 = nn.Sequential(
            Basic(16, 32, stride=2, drop_path_rate=0.17592592592592593),
            Basic(32, 32, drop_path_rate=0.18518518518518517),
            Basic(32, 32, drop_path_rate=0.19444444444444445),
            Basic(32, 32, drop_path_rate=0.2037037037037037),
            Basic(32, 32, drop_path_rate=0.21296296296296297),
            Basic(32, 32, drop_path_rate=0.2222222222222222),
            Basic(32, 32, drop_path_rate=0.23148148148148148),
            Basic(32, 32, drop_path_rate=0.24074074074074073),
            Basic(32, 32, drop_path_rate=0.25),
            Basic(32, 32, drop_path_rate=0.25925925925925924),
            Basic(32, 32, drop_path_rate=0.26851851851851855),
            Basic(32, 32, drop_path_rate=0.2777777777777778),
            Basic(32, 32, drop_path_rate=0.28703703703703703),
            Basic(32, 32, drop_path_rate=0.2962962962962963),
            Basic(32, 32, drop_path_rate=0.3055555555555556),
            Basic(32, 32, drop_path_rate=0.3148148148148148),
            Basic(32, 32, drop_path_rate=0.32407407407407407),
            Basic(32, 32, drop_path_rate=0.3333333333333333),
        )
        self.layer3 = nn.Sequential(
            Basic(32, 64, stride=2, drop_path_rate=0.3425925925925926),
            Basic(64, 64, drop_path_rate=0.35185185185185186),
            Basic(64, 64, drop_path_rate=0.3611111111111111),
            Basic(64, 64, drop_path_rate=0.37037037037037035),
            Basic(64, 64, drop_path_rate=0.37962962962962965),
            Basic(64, 64, drop_path_rate=0.3888888888888889),
            Basic(64, 64, drop_path_rate=0.39814814814814814),
            Basic(64, 64, drop_path_rate=0.4074074074074074),
            Basic(64, 64, drop_path_rate=0.4166666666666667),
            Basic(64, 64, drop_path_rate=0.42592592592592593),
            Basic(64, 64, drop_path_rate=0.4351851851851852),
            Basic(64, 64, drop_path_rate=0.4444444444444444),
            Basic(64, 64, drop_path_rate=0.4537037037037037),
            Basic(64, 64, drop_path_rate=0.46296296296296297),
            Basic(64, 64, drop_path_rate=0.4722222222222222),
            Basic(64, 64, drop_path_rate=0.48148148148148145),
            Basic(64, 64, drop_path_rate=0.49074074074074076),
            Basic(64, 64, drop_path_rate=0.5),
        )
        self.fc = nn.Linear(64, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        x = self.layer3(x)  # [64, H/4, W/4]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> StochasticResNet110:
    """A new StochasticResNet110 with initial weights."""
    return StochasticResNet110(classes, channels)


# sealed by resnetc: text 252292ceddfbcd84 keys 11e9da3fdbfa740e function f1ceef3f1573739d
