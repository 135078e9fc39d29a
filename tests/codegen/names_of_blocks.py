"""The network `net`.

Made by resnetc 0.1.0 from names_of_blocks.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 556,906 parameters, 199,778,944 multiply-adds
at 3x64x64.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "names_of_blocks.resnet"
SPEC_SHA256 = "9b0b915bb22f549c03c31f0a38f93c4a52c83912145c26e4245f558d8a8925ef"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 64, 64)


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
        self.features = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(3, 16, 3, padding=1, bias=False),
                nn.BatchNorm2d(16),
                nn.ReLU(),
            ),
            Unit(16, 16),
            *(Unit(in_channels, 24) for in_channels in (16, 24, 24)),
            Unit(24, 32, stride=2),
            *(Unit(32, 32) for _ in range(2)),
        )
        self.trunk = nn.Sequential(
            OrderedDict(
                [
                    ("b1", Unit(32, 64, stride=2)),
                    *((f"b{i}", Unit(64, 64)) for i in range(2, 5)),
                ],
            ),
        )
        self.dense = nn.ModuleDict(
            {
                "block1": nn.Sequential(
                    OrderedDict(
                        [
                            ("layer1", Unit(64, 72)),
                            ("layer2", Unit(72, 80)),
                            ("layer3", Unit(80, 96)),
                            ("layer4", Unit(96, 104)),
                        ],
                    ),
                ),
            },
        )
        self.mixed = Unit(104, 48, stride=2)
        self.tail = nn.Sequential(
            OrderedDict(
                [
                    *((f"block1-{i}", Unit(48, 48)) for i in range(2)),
                    *((f"block2-{i}", Unit(48, 48)) for i in range(2)),
                    ("last", nn.Conv2d(48, 64, 1, bias=False)),
                ],
            ),
        )
        self.fc = nn.Linear(64, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.features[0](x)  # [16, H, W]
        for block in list(self.features)[1:5]:  # [24, H, W]
            x = block(x)
        for block in list(self.features)[5:]:  # [32, H/2, W/2]
            x = block(x)
        x = self.trunk(x)  # [64, H/4, W/4]
        x = self.dense["block1"](x)  # [104, H/4, W/4]
        x = self.mixed(x)  # [48, H/8, W/8]
        for block in list(self.tail)[:2]:
            x = block(x)
        for block in list(self.tail)[2:4]:
            x = block(x)
        x = self.tail[4](x)  # [64, H/8, W/8]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text b8df86618a172402 keys da2d2b4f5fd54ffa function 80ea83e8d9ffee4d
