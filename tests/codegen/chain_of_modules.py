"""The network `net`.

Made by resnetc 0.1.0 from chain_of_modules.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 10,170 parameters, 9,814,416 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "chain_of_modules.resnet"
SPEC_SHA256 = "050a1396d3ac7b3cbcd66315d2a2984a7ff960ffc21464c3e7a59fd84aee94de"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Partial(nn.Module):
    """A part of the channels goes through 3 convolutions."""

    def __init__(self, in_channels: int, width: int, bn_in_channels: int) -> None:
        super().__init__()
        self.part = nn.Conv2d(in_channels, width, 1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv2d(
                width,
                width,
                3,
                padding=1,
                bias=False,
            )
            for _ in range(3)
        )
        self.bn1 = nn.BatchNorm2d(bn_in_channels)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        out = self.part(x)  # [width, h, w]
        for conv in self.convs:
            out = conv(out)
        return self.act(self.bn1(torch.cat([out, x], dim=1)))  # [bn_in_channels, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(Partial(16, 16, bn_in_channels=32))
        self.layer2 = nn.Sequential(Partial(32, 8, bn_in_channels=40))
        self.fc = nn.Linear(40, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)  # [32, H, W]
        x = self.layer2(x)  # [40, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 99af29ae58180965 keys e0fd25190c81d7bf function 343f91f3dc33d0f0
