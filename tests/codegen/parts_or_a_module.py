"""The network `net`.

Made by resnetc 0.1.0 from parts_or_a_module.resnet; edit the spec, not this file.

Input [8, H, W] for every H and every W. 1,242 parameters, 1,179,728 multiply-adds at
8x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "parts_or_a_module.resnet"
SPEC_SHA256 = "a064df025a523d5c68de16c1d15ad3754ea8977cf29e931b6ef8cf6d63a916f4"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (8, 32, 32)


class Joined(nn.Module):
    """As many steps in both, but of other numbers of values: two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [8, h, w]
        parts = x.chunk(2, dim=1)  # 2 x [4, h, w]
        return self.conv1(torch.cat(parts, dim=1))  # [8, h, w]


class Joined2(nn.Module):
    """`Joined` with `act`."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [8, h, w]
        return self.conv1(self.act(x))  # [8, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = Joined()
        self.layer1 = nn.Sequential(Joined2())
        self.fc = nn.Linear(8, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [8, H, W]
        x = self.joined(x)  # [8, H, W]
        x = self.layer1(x)
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text af8f8ca802e4853e keys 9eb57cb9551a05fb function 74581300ab57ebd6
