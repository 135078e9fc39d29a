"""The network `net`.

Made by resnetc 0.1.0 from block_written_out.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 26,298 parameters, 105,447,664 multiply-adds at
3x64x64.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "block_written_out.resnet"
SPEC_SHA256 = "016e23344a43fc062c536cf806f18db8529e5d1b633b3501c98706b4e4a59c3f"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 64, 64)


class Unit(nn.Module):
    """A convolution of `width` channels with its norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [width, h, w]


class Body(nn.Module):
    """Two convolutions whose maps are joined, and a shortcut around both."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.extra = nn.Conv2d(16, 8, 1, bias=False)
        self.unit = Unit(8)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(16, 16, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        a = self.bn1(self.conv1(x))  # [8, h, w]
        b = self.extra(x)
        main = self.conv2(self.act(a))
        out = torch.cat([main, self.unit(b)], dim=1)  # [16, h, w]
        return self.conv3(out) + x


class Pair(nn.Module):
    """A block with another one written out in it: both call something `width`."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, half, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.extra = nn.Conv2d(width, half, 1, bias=False)
        self.unit = Unit(half)
        self.act = nn.ReLU()
        self.conv3 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.conv4 = nn.Conv2d(width, width, 1, bias=False)
        self.conv5 = nn.Conv2d(in_channels, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        a = self.conv1(x)  # [width, h, w]
        # Two convolutions whose maps are joined, and a shortcut around both.
        a2 = self.bn1(self.conv2(a))  # [half, h, w]
        b = self.extra(a)
        main = self.conv3(self.act(a2))
        main = torch.cat([main, self.unit(b)], dim=1)  # [width, h, w]
        main = self.conv4(main) + a
        return main + self.conv5(x)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(16, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.extra = nn.Conv2d(16, 8, 1, bias=False)
        self.unit = Unit(8)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.conv4 = nn.Conv2d(16, 16, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(16)
        self.whole = Body()
        self.layer1 = nn.Sequential(
            *(Body() for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Pair(16, 8),
            Pair(8, 24),
            Pair(24, 24),
        )
        self.fc = nn.Linear(24, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        a = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        # Two convolutions whose maps are joined, and a shortcut around both.
        a2 = self.bn2(self.conv2(a))  # [8, H, W]
        b = self.extra(a)
        main = self.conv3(self.act(a2))
        x = torch.cat([main, self.unit(b)], dim=1)  # [16, H, W]
        x = self.bn3(self.conv4(x) + a)
        x = self.whole(x)
        x = self.layer1(x)
        x = self.layer2(x)  # [24, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text c3d5d25f3026c574 keys 7feda303985fa3e0 function 6a7611e07f1eb220
