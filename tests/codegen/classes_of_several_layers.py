"""The network `net`.

Made by resnetc 0.1.0 from classes_of_several_layers.resnet; edit the spec, not this
file.

Input [3, H, W] for every H and every W. 3,512 parameters, 2,765,480 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

from torch import Tensor, nn

SPEC = "classes_of_several_layers.resnet"
SPEC_SHA256 = "56222e045c6b72da7df87d411eaf26ee56ed0cd1204ed8626ff84059e6bef0bb"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """A convolution with its norm."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 24, 3, padding=1, groups=3, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [24, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(3)
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1, groups=3, bias=False)
        self.layer1 = nn.Sequential(
            Unit(12),
            Unit(24),
        )
        self.fc1 = nn.Linear(24, 20)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(20, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(self.bn1(x))  # [12, H, W]
        x = self.layer1(x)  # [24, H, W]
        x = self.act(self.fc1(x.mean((2, 3))))  # [20]
        return self.fc2(x)  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 39996d422e25d523 keys 801bcd893f0cc4bc function c68d9fec2b163c3c
