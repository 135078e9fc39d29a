"""WRN-22-10, a wide residual net of pre-activation (Zagoruyko and Komodakis 2016).

Made by resnetc 0.1.0 from cifar/wrn; edit the spec, not this file.

Input [3, H, W] for every H and every W. 26,797,914 parameters, 3,827,751,168
multiply-adds at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "cifar/wrn"
SPEC_SHA256 = "e073979c6a516e5b9cf148278f7b5e0c17e2e55972edcf946bad9423aaae84d4"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def preact(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """v2: a 1x1 convolution."""
    return nn.Sequential(
        OrderedDict(
            [("conv", nn.Conv2d(in_channels, channels, 1, stride, bias=False))],
        ),
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


class WRNDepth22(nn.Module):
    """WRN-22-10, a wide residual net of pre-activation (Zagoruyko and
    Komodakis 2016).
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            PreactBasic(16, 160, downsample=preact(16, 160, stride=1)),
            *(PreactBasic(160, 160) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            PreactBasic(160, 320, stride=2, downsample=preact(160, 320, stride=2)),
            *(PreactBasic(320, 320) for _ in range(2)),
        )
        self.layer3 = nn.Sequential(
            PreactBasic(320, 640, stride=2, downsample=preact(320, 640, stride=2)),
            *(PreactBasic(640, 640) for _ in range(2)),
        )
        self.bn1 = nn.BatchNorm2d(640)
        self.act = nn.ReLU()
        self.fc = nn.Linear(640, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)  # [160, H, W]
        x = self.layer2(x)  # [320, H/2, W/2]
        x = self.layer3(x)  # [640, H/4, W/4]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> WRNDepth22:
    """A new WRNDepth22 with initial weights."""
    return WRNDepth22(classes, channels)


# sealed by resnetc: text b5ffe6a8c960fa3d keys 91795788abfe4aab function 72005ffc6d9b8676
