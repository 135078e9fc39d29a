"""The network `net`.

Made by resnetc 0.1.0 from list_of_modules.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 7,354 parameters, 6,963,520 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "list_of_modules.resnet"
SPEC_SHA256 = "e96ee2849449a230cc28f77633f6c69622cf584fd457149769a1f100a1b66417"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """The last part stays; each other one passes a convolution, together with the one
    before it.

    There are 4 parts.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv2d(
                width // 4,
                width // 4,
                3,
                padding=1,
                bias=False,
            )
            for _ in range(3)
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        parts = self.conv1(x).chunk(4, dim=1)  # 4 x [width // 4, h, w]
        y0 = self.convs[0](parts[0])  # [width // 4, h, w]
        y1 = self.convs[1](parts[1] + y0)
        y2 = self.convs[2](parts[2] + y1)
        x = self.bn1(torch.cat([y0, y1, y2, parts[3]], dim=1))  # [width, h, w]
        return self.act(x)


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
            Unit(16, 32),
            Unit(32, 32),
        )
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text ca4e5338f65b3bc1 keys 02bfcab96f371fa6 function 8ffece5ae68100c4
