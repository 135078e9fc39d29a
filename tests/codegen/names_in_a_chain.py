"""The network `net`.

Made by resnetc 0.1.0 from names_in_a_chain.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 12,058 parameters, 2,961,728 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "names_in_a_chain.resnet"
SPEC_SHA256 = "c665eab23cf943fbbc5c887b935382d40354915ae0c3368f3d023265286adde1"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class PooledLinear(nn.Linear):
    """A matrix product over the channels of a map of one position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class Unit(nn.Module):
    """Two layers under one name."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            OrderedDict(
                [
                    ("filter", nn.Conv2d(16, width, 3, padding=1, bias=False)),
                    ("scale", nn.BatchNorm2d(width)),
                    ("2", nn.ReLU()),
                ],
            ),
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        return self.act(self.body(x))  # [width, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.root = nn.Sequential(
            OrderedDict(
                [
                    ("conv", nn.Conv2d(3, 16, 7, 2, padding=3, bias=False)),
                    ("norm", nn.BatchNorm2d(16)),
                    ("2", nn.ReLU()),
                ],
            ),
        )
        self.layer1 = nn.Sequential(
            *(Unit(16) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(Unit(32))
        self.classifier = nn.Sequential(
            OrderedDict([("drop", nn.Dropout(0.5)), ("fc", PooledLinear(32, 10))]),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.root(x)  # [16, H/2, W/2]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        return self.classifier(x.mean((2, 3), keepdim=True))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 22f0d22b34689f2c keys 77199788d27ac981 function b2efba66fbcfca78
