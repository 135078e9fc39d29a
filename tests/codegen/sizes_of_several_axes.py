"""The network `net`.

Made by resnetc 0.1.0 from sizes_of_several_axes.resnet; edit the spec, not this file.

Input [3, T, H, W] for every T and every H and every W. 33,914 parameters, 33,325,376
multiply-adds at 3x8x32x32.
Shapes in comments: T, H, W of the network's input, d, h, w of a block's own; / rounds
up.
"""

from torch import Tensor, nn

SPEC = "sizes_of_several_axes.resnet"
SPEC_SHA256 = "02ec56ab49690e2eddb07eede8785a1645c59f86a3ff6ae2ba126e639637fba2"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 8, 32, 32)


class Unit(nn.Module):
    """(2+1)D: a convolution in space, then one in time."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            in_channels,
            width,
            (1, 3, 3),
            (1, stride, stride),
            padding=(0, 1, 1),
            bias=False,
        )
        self.bn1 = nn.BatchNorm3d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv3d(
            width,
            width,
            (3, 1, 1),
            (stride, 1, 1),
            padding=(1, 0, 0),
            bias=False,
        )
        self.bn2 = nn.BatchNorm3d(width)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, d, h, w]
        x = self.act(self.bn1(self.conv1(x)))  # [width, d, h/stride, w/stride]
        # [width, d/stride, h/stride, w/stride]
        return self.act(self.bn2(self.conv2(x)))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(
            3,
            16,
            (3, 7, 7),
            (1, 2, 2),
            padding=(1, 3, 3),
            bias=False,
        )
        self.bn1 = nn.BatchNorm3d(16)
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
            if isinstance(m, nn.Conv3d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, T, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, T, H/2, W/2]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, T/2, H/4, W/4]
        return self.fc(x.mean((2, 3, 4)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 221173ea4b983560 keys a3f7975271d2f9ae function e76bb177d96e70f0
