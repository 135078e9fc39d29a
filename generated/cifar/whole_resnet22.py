"""A residual net whose units see all channels.

Made by resnetc 0.1.0 from cifar/csp; edit the spec, not this file.

Input [3, H, W] for every H and every W. 1,258,666 parameters, 180,192,512 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

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


class Whole(nn.Module):
    """All channels go through the units: what a partial block is compared with."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(Basic(width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        x3 = x  # [width, h, w]
        for unit in self.units:
            x3 = unit(x3)
        return x3


class WholeResnet22(nn.Module):
    """A residual net whose units see all channels."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(Whole(32))
        self.layer2 = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(32, 64, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
            ),
            Whole(64),
        )
        self.layer3 = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(64, 128, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(128),
                nn.ReLU(),
            ),
            Whole(128),
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


def build(classes: int = 10, channels: int = 3) -> WholeResnet22:
    """A new WholeResnet22 with initial weights."""
    return WholeResnet22(classes, channels)


# sealed by resnetc: text e72095559396fcf9 keys cdebbd1f6333e512 function e56d1eb1384e6b63
