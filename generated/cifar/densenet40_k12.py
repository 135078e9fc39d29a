"""DenseNet of 40 layers, k = 12.

Made by resnetc 0.1.0 from cifar/densenet; edit the spec, not this file.

Input [3, H, W] for H >= 4, W >= 4. 1,019,722 parameters, 264,812,928 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "cifar/densenet"
SPEC_SHA256 = "b1b12d5f56c8d202564a4699d149c56682d4ee28f450761ca2d72ca2202d48e8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Plain(nn.Module):
    """A dense connection (Huang et al. 2016) of one 3x3, after a norm and an
    activation.

    What is new stands behind all that came before.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, 12, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        new = self.conv1(self.act(self.bn1(x)))  # [12, h, w]
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """Between dense stages: a 1x1 that keeps half of the channels, and an average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU()
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.avgpool = nn.AvgPool2d(2, 2)

    def forward(self, x: Tensor) -> Tensor:  # [channels, h, w]
        # [channels, floor(h / 2), floor(w / 2)]
        return self.avgpool(self.conv(self.act(self.norm(x))))


class DenseNet40K12(nn.Module):
    """DenseNet of 40 layers, k = 12."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.block1 = nn.Sequential(
            *(
                Plain(
                    in_channels,
                )
                for in_channels in (16, 28, 40, 52, 64, 76, 88, 100, 112, 124, 136, 148)
            ),
        )
        self.transition1 = Transition(160)
        self.block2 = nn.Sequential(
            Plain(160),
            Plain(172),
            Plain(184),
            Plain(196),
            Plain(208),
            Plain(220),
            Plain(232),
            Plain(244),
            Plain(256),
            Plain(268),
            Plain(280),
            Plain(292),
        )
        self.transition2 = Transition(304)
        self.block3 = nn.Sequential(
            Plain(304),
            Plain(316),
            Plain(328),
            Plain(340),
            Plain(352),
            Plain(364),
            Plain(376),
            Plain(388),
            Plain(400),
            Plain(412),
            Plain(424),
            Plain(436),
        )
        self.bn1 = nn.BatchNorm2d(448)
        self.act = nn.ReLU()
        self.fc = nn.Linear(448, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.block1(x)  # [160, H, W]
        x = self.transition1(x)  # [160, floor(H / 2), floor(W / 2)]
        x = self.block2(x)  # [304, floor(H / 2), floor(W / 2)]
        x = self.transition2(x)  # [304, floor(H / 4), floor(W / 4)]
        x = self.block3(x)  # [448, floor(H / 4), floor(W / 4)]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> DenseNet40K12:
    """A new DenseNet40K12 with initial weights."""
    return DenseNet40K12(classes, channels)


# sealed by resnetc: text 81da1e76e8333853 keys 96fa1accd39a3827 function cb5122d2a56015cc
