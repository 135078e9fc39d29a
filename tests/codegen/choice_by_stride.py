"""The network `net`.

Made by resnetc 0.1.0 from choice_by_stride.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 19,418 parameters, 12,239,168 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "choice_by_stride.resnet"
SPEC_SHA256 = "68bd81cdf57f3c928ff88eef62b4d87c8c7b0b68a3a1a42503096c9b03c48572"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """A convolution, then the average."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.average = (
            nn.Identity()
            if stride == 1
            else nn.AvgPool2d(
                3,
                stride,
                padding=1,
            )
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        # [width, h/stride, w/stride]
        return self.act(self.average(self.bn1(self.conv1(x))))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            *(Unit(16, 16) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Unit(16, 32, stride=2),
            Unit(32, 32),
        )
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text d0caa9d3541d51af keys dfe8c86ca03f815a function 0ef9884515c098fe
