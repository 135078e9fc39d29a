"""CSP: the same units on half of the channels, for less than half of
the multiply-adds.

Made by resnetc 0.1.0 from cifar/csp; edit the spec, not this file.

Input [3, H, W] for every H and every W. 430,314 parameters, 59,081,984 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
from torch import Tensor, nn

SPEC = "cifar/csp"
SPEC_SHA256 = "115df11c580998f7ded13dbc878ae31c1b48e38fbf62970b77bc8471ddaf4c5d"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h, w]
        main = self.bn2(self.conv2(main))
        return self.act(main + x)


class Partial(nn.Module):
    """CSP: the cross-stage partial block (Wang et al. 2019, section 3.1).

    One half of the channels goes through the units, the other past them; a 1x1 joins
    both. So the units cost a quarter of what they would cost at the whole width.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.past = nn.Sequential(
            nn.Conv2d(width, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
        )
        self.through = nn.Sequential(
            nn.Conv2d(width, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
        )
        self.units = nn.ModuleList(Basic(half) for _ in range(3))
        self.join = nn.Sequential(
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        out = self.through(x)  # [half, h, w]
        for unit in self.units:
            out = unit(out)
        x = torch.cat([out, self.past(x)], dim=1)  # [width, h, w]
        return self.join(x)


class CSPResnet28(nn.Module):
    """CSP: the same units on half of the channels, for less than half of the
    multiply-adds.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(Partial(32))
        self.layer2 = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(32, 64, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
            ),
            Partial(64),
        )
        self.layer3 = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(64, 128, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(128),
                nn.ReLU(),
            ),
            Partial(128),
        )
        self.fc = nn.Linear(128, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [32, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [64, H/2, W/2]
        x = self.layer3(x)  # [128, H/4, W/4]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> CSPResnet28:
    """A new CSPResnet28 with initial weights."""
    return CSPResnet28(classes, channels)


# sealed by resnetc: text 795c69720540bcc7 keys c27d6138b24a6428 function c7da24dd8516bc74
