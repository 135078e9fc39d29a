"""The network `net`.

Made by resnetc 0.1.0 from module_left_out.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 14,490 parameters, 5,685,888 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "module_left_out.resnet"
SPEC_SHA256 = "10499b8b26409515c186f7381cee9aa397dfdfe2fa5ebec967b8c5acdf51cd36"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def preact(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """v2: a 1x1 convolution."""
    return nn.Sequential(
        OrderedDict(
            [("conv", nn.Conv2d(in_channels, channels, 1, stride, bias=False))],
        ),
    )


class PreactBottleneck(nn.Module):
    """Pre-activation (He et al. 2016), 1x1, 3x3, 1x1: the stride on the first 1x1."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        outer = 4 * width
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        pre = self.act(self.bn1(x))  # [in_channels, h, w]
        main = self.act(self.bn2(self.conv1(pre)))  # [width, h/stride, w/stride]
        main = self.act(self.bn3(self.conv2(main)))
        # [outer, h/stride, w/stride]
        side = x if self.downsample is None else self.downsample(pre)
        return self.conv3(main) + side


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            PreactBottleneck(16, 8, downsample=preact(16, 32, stride=1)),
            PreactBottleneck(32, 8),
        )
        self.layer2 = nn.Sequential(
            PreactBottleneck(32, 16, stride=2, downsample=preact(32, 64, stride=2)),
            PreactBottleneck(64, 16),
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.fc = nn.Linear(64, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)  # [32, H, W]
        x = self.layer2(x)  # [64, H/2, W/2]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 74c87179b29a3a85 keys 5dd9ec3852ecfe5c function 62f05d6c4d1ae148
