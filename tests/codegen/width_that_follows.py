"""The network `net`.

Made by resnetc 0.1.0 from width_that_follows.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 37,882 parameters, 13,944,064 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "width_that_follows.resnet"
SPEC_SHA256 = "ddaa6b8ea5b851c72fc74c14ca494728e05a6c67b178935f583f3febd66f0e72"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def project(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """Option B: a 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )


class Unit(nn.Module):
    """Narrow, then wide."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        downsample: nn.Module,
    ) -> None:
        super().__init__()
        outer = 4 * width
        half = width // 2
        self.conv1 = nn.Conv2d(in_channels, half, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [half, h/stride, w/stride]
        main = self.act(self.bn2(self.conv2(main)))  # [width, h/stride, w/stride]
        main = self.bn3(self.conv3(main))  # [outer, h/stride, w/stride]
        return self.act(main + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            Unit(16, 16, downsample=project(16, 64, stride=1)),
            Unit(64, 16, downsample=nn.Identity()),
        )
        self.layer2 = nn.Sequential(
            Unit(64, 32, stride=2, downsample=project(64, 128, stride=2)),
            Unit(128, 32, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(128, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)  # [64, H, W]
        x = self.layer2(x)  # [128, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 2a01cc16fc00978d keys 3ad303c6350976b3 function a9fc6d42c24f797b
