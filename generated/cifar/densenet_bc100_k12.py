"""DenseNet-BC of 100 layers, k = 12.

Bottlenecks, and transitions that halve the channels.

Made by resnetc 0.1.0 from cifar/densenet; edit the spec, not this file.

Input [3, H, W] for H >= 4, W >= 4. 769,162 parameters, 287,929,692 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "cifar/densenet"
SPEC_SHA256 = "b1b12d5f56c8d202564a4699d149c56682d4ee28f450761ca2d72ca2202d48e8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Dense(nn.Module):
    """A dense connection (Huang et al. 2016).

    What is new stands behind all that came before. 1x1, 3x3, each after a norm and an
    activation.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, 48, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(48)
        self.conv2 = nn.Conv2d(48, 12, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        new = self.norm2(self.conv1(self.act(self.norm1(x))))  # [48, h, w]
        new = self.conv2(self.act(new))  # [12, h, w]
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """Between dense stages: a 1x1 that keeps half of the channels, and an average."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.avgpool = nn.AvgPool2d(2, 2)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        # [channels, floor(h / 2), floor(w / 2)]
        return self.avgpool(self.conv(self.act(self.norm(x))))


class DenseNetBC100K12(nn.Module):
    """DenseNet-BC of 100 layers, k = 12.

    Bottlenecks, and transitions that halve the channels.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 24, 3, padding=1, bias=False)
        self.block1 = nn.Sequential(
            Dense(24),
            Dense(36),
            Dense(48),
            Dense(60),
            Dense(72),
            Dense(84),
            Dense(96),
            Dense(108),
            Dense(120),
            Dense(132),
            Dense(144),
            Dense(156),
            Dense(168),
            Dense(180),
            Dense(192),
            Dense(204),
        )
        self.transition1 = Transition(216, 108)
        self.block2 = nn.Sequential(
            Dense(108),
            Dense(120),
            Dense(132),
            Dense(144),
            Dense(156),
            Dense(168),
            Dense(180),
            Dense(192),
            Dense(204),
            Dense(216),
            Dense(228),
            Dense(240),
            Dense(252),
            Dense(264),
            Dense(276),
            Dense(288),
        )
        self.transition2 = Transition(300, 150)
        self.block3 = nn.Sequential(
            Dense(150),
            Dense(162),
            Dense(174),
            Dense(186),
            Dense(198),
            Dense(210),
            Dense(222),
            Dense(234),
            Dense(246),
            Dense(258),
            Dense(270),
            Dense(282),
            Dense(294),
            Dense(306),
            Dense(318),
            Dense(330),
        )
        self.bn1 = nn.BatchNorm2d(342)
        self.act = nn.ReLU()
        self.fc = nn.Linear(342, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.conv1(x)  # [24, H, W]
        x = self.block1(x)  # [216, H, W]
        x = self.transition1(x)  # [108, floor(H / 2), floor(W / 2)]
        x = self.block2(x)  # [300, floor(H / 2), floor(W / 2)]
        x = self.transition2(x)  # [150, floor(H / 4), floor(W / 4)]
        x = self.block3(x)  # [342, floor(H / 4), floor(W / 4)]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> DenseNetBC100K12:
    """A new DenseNetBC100K12 with initial weights."""
    return DenseNetBC100K12(classes, channels)


# sealed by resnetc: text d5d55096569f339a keys f75af5c5f2fbe3a8 function fcaaa2acb5ea2713
