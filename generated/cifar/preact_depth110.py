"""PreAct-110, a pre-activation net for CIFAR (He et al. 2016).

Made by resnetc 0.1.0 from cifar/preact; edit the spec, not this file.

Input [3, H, W] for every H and every W. 1,730,522 parameters, 253,149,824 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "cifar/preact"
SPEC_SHA256 = "5e2b7d8af7e4e7c9ea946e364ec0ab6fae82bbeea9fd69ab592e556fcd971b01"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def preact(in_channels: int, channels: int) -> nn.Sequential:
    """v2: a 1x1 convolution."""
    return nn.Sequential(
        OrderedDict([("conv", nn.Conv2d(in_channels, channels, 1, 2, bias=False))]),
    )


class PreactBasic(nn.Module):
    """Pre-activation (He et al. 2016), two 3x3 convolutions.

    Nothing follows the addition.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        pre = self.act(self.bn1(x))  # [in_channels, h, w]
        main = self.act(self.bn2(self.conv1(pre)))  # [width, h/stride, w/stride]
        side = x if self.downsample is None else self.downsample(pre)
        return self.conv2(main) + side


class PreActDepth110(nn.Module):
    """PreAct-110, a pre-activation net for CIFAR (He et al. 2016)."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            *(PreactBasic(16, 16) for _ in range(18)),
        )
        self.layer2 = nn.Sequential(
            PreactBasic(16, 32, stride=2, downsample=preact(16, 32)),
            *(PreactBasic(32, 32) for _ in range(17)),
        )
        self.layer3 = nn.Sequential(
            PreactBasic(32, 64, stride=2, downsample=preact(32, 64)),
            *(PreactBasic(64, 64) for _ in range(17)),
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.fc = nn.Linear(64, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        x = self.layer3(x)  # [64, H/4, W/4]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> PreActDepth110:
    """A new PreActDepth110 with initial weights."""
    return PreActDepth110(classes, channels)


# sealed by resnetc: text a1b62475a1bfeadb keys 398c4567102d2f78 function 4815f166a45c200c
