"""The network `net`.

Made by resnetc 0.1.0 from parts_of_unequal_sizes.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 26,378 parameters, 26,395,104 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "parts_of_unequal_sizes.resnet"
SPEC_SHA256 = "8b148f124dcba0a69cec67166bef45e822b4414186bde903008cc8b52ee17b50"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Partial(nn.Module):
    """A partial convolution: a quarter of the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.parts = [width // 4, width - width // 4]
        self.partial_conv = nn.Conv2d(width // 4, width // 4, 3, padding=1, bias=False)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        parts = torch.split(x, self.parts, dim=1)  # 2 parts
        changed = self.partial_conv(parts[0])  # [width // 4, h, w]
        return self.act(torch.cat([changed, parts[1]], dim=1))  # [width, h, w]


class Dense(nn.Module):
    """The sum of its first channels and a shortcut, the rest behind them."""

    def __init__(self, in_channels: int, width: int, more: int) -> None:
        super().__init__()
        self.parts = [width, more]
        self.parts2 = [width, in_channels - width]
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        # [width, h, w], [more, h, w]
        main = torch.split(self.conv1(x), self.parts, dim=1)
        side = torch.split(x, self.parts2, dim=1)  # 2 parts
        x = torch.cat([main[0] + side[0], side[1], main[1]], dim=1)
        return self.act(x)


class Halves(nn.Module):
    """Two halves, changed apart."""

    def __init__(self) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(40)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [48, h, w]
        parts = torch.split(x, [8, 40], dim=1)  # [8, h, w], [40, h, w]
        x = torch.cat([self.bn1(parts[1]), parts[0]], dim=1)  # [48, h, w]
        return self.act(x)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            *(Partial(16) for _ in range(2)),
            *(Dense(in_channels, 8, more=8) for in_channels in (16, 24, 32)),
        )
        self.layer2 = nn.Sequential(
            Dense(40, 12, more=4),
            Dense(44, 12, more=4),
            *(Partial(48) for _ in range(2)),
            Halves(),
        )
        self.fc = nn.Linear(48, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)  # [40, H, W]
        x = self.layer2(x)  # [48, H, W]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10) -> Net:
    """A new Net with initial weights."""
    return Net(classes)


# sealed by resnetc: text 345d3b565f2425d6 keys 2f4fd04487e3736a function 7e6cf110e4d8b053
