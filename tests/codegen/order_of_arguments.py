"""The network `net`.

Made by resnetc 0.1.0 from order_of_arguments.resnet; edit the spec, not this file.

Input [8, H, W] for every H and every W. 7,386 parameters, 3,211,664 multiply-adds at
8x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "order_of_arguments.resnet"
SPEC_SHA256 = "bd085a6996f1eb2740ce1c9d78707b31b8cb97daf82ca1751c4d91857d75a5ba"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (8, 32, 32)


class Unit(nn.Module):
    """Two convolutions."""

    def __init__(
        self,
        in_channels: int,
        last: int,
        width: int,
        slope: float,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.act = nn.LeakyReLU(slope)
        self.conv1 = nn.Conv2d(
            in_channels,
            width,
            3,
            padding=1,
            groups=groups,
            bias=False,
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, last, 1, bias=False)
        self.act2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        x = self.bn1(self.conv1(self.act(x)))  # [width, h, w]
        return self.act2(self.conv2(x))  # [last, h, w]


class Unit2(nn.Module):
    """`Unit` with `gate` in place of `act2`."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.LeakyReLU(0.125)
        self.conv1 = nn.Conv2d(24, 32, 3, 2, padding=1, groups=8, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 40, 1, bias=False)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [24, h, w]
        x = self.bn1(self.conv1(self.act(x)))  # [32, h/2, w/2]
        return self.gate(self.conv2(x))  # [40, h/2, w/2]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(
            Unit(8, 24, width=16, slope=0.25, groups=4),
            Unit(24, 24, width=16, slope=0.25, groups=4),
        )
        self.layer2 = nn.Sequential(
            Unit2(),
            Unit(40, 40, width=32, slope=0.125, groups=8),
        )
        self.fc = nn.Linear(40, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [8, H, W]
        x = self.layer1(x)  # [24, H, W]
        x = self.layer2(x)  # [40, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text cc69c1ad78ae2f03 keys a0e4791d036a422f function 499cef45816ef150
