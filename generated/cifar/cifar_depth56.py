"""The ResNet of 56 layers for CIFAR (He et al. 2015, section 4.2).

Made by resnetc 0.1.0 from cifar/resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 853,018 parameters, 125,485,696 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch.nn.functional as F
from torch import Tensor, nn

SPEC = "cifar/resnet"
SPEC_SHA256 = "e64eaae657bcd3b1f76e3029d6d845de05e00493543565dc40d2a7ff24469eca"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


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

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Identity() if stride == 1 else pad(in_channels, width)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(main + self.downsample(x))


class CIFARDepth56(nn.Module):
    """The ResNet of 56 layers for CIFAR (He et al. 2015, section 4.2)."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            *(Basic(16, 16) for _ in range(9)),
        )
        self.layer2 = nn.Sequential(
            Basic(16, 32, stride=2),
            *(Basic(32, 32) for _ in range(8)),
        )
        self.layer3 = nn.Sequential(
            Basic(32, 64, stride=2),
            *(Basic(64, 64) for _ in range(8)),
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


def build(classes: int = 10, channels: int = 3) -> CIFARDepth56:
    """A new CIFARDepth56 with initial weights."""
    return CIFARDepth56(classes, channels)


# sealed by resnetc: text ca30e5f52824601b keys a41f7189151afc94 function 5f69c07fe7419a71
