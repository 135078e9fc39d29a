"""The network `net`.

Made by resnetc 0.1.0 from stages_of_a_block.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 112,282 parameters, 14,598,784 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "stages_of_a_block.resnet"
SPEC_SHA256 = "31b444f4a2b50529426e65404274cbb4b431bd6cd9dfc93c00e54c9038ebb398"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """A convolution of `width` channels with its norm."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]


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
        self.layer3 = nn.Sequential(
            Unit(32, 64, stride=2),
            *(Unit(64, 64) for _ in range(2)),
        )
        self.fc = nn.Linear(64, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        x = self.layer3(x)  # [64, H/4, W/4]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text dbbb2885aefcacca keys 1bf25c24cb6579e8 function b641df717c10fb4b
