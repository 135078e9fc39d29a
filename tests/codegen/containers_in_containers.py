"""The network `net`.

Made by resnetc 0.1.0 from containers_in_containers.resnet; edit the spec, not this
file.

Input [8, H, W] for every H and every W. 14,474 parameters, 4,685,984 multiply-adds at
8x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

SPEC = "containers_in_containers.resnet"
SPEC_SHA256 = "ca14ff80ec03e4a37ad68977fa0ab4377db7c56acae4fd4859deeaf2a088f6bf"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (8, 32, 32)


class Rows(nn.Module):
    """Convolutions in rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Any = nn.ModuleList(
            [
                nn.ModuleDict(
                    {
                        "cells": nn.ModuleList(
                            [
                                nn.Conv2d(8, 8, 1, bias=False),
                                nn.Conv2d(8, 8, 1, bias=False),
                            ],
                        ),
                    },
                ),
                nn.ModuleDict(
                    {
                        "cells": nn.ModuleList(
                            [
                                nn.Conv2d(8, 8, 1, bias=False),
                                nn.Conv2d(8, 8, 1, bias=False),
                            ],
                        ),
                    },
                ),
            ],
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [8, h, w]
        a = self.act(self.rows[0]["cells"][0](x))  # [8, h, w]
        b = self.act(self.rows[1]["cells"][0](x))
        a = self.rows[0]["cells"][1](a)
        b = self.rows[1]["cells"][1](b)
        return a + b


class Unit(nn.Module):
    """The block `unit`."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()
        self.trunk: Any = nn.ModuleDict(
            {
                "body": nn.Sequential(
                    OrderedDict(
                        [
                            *((f"b{i}", Unit(8, 8)) for i in range(2)),
                            ("b2", Unit(8, 16, stride=2)),
                            *((f"b{i}", Unit(16, 16)) for i in range(3, 5)),
                        ],
                    ),
                ),
                "tail": nn.Sequential(
                    *(Unit(16, 16) for _ in range(3)),
                ),
            },
        )
        self.fc = nn.Linear(16, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [8, H, W]
        x = self.rows(x)  # [8, H, W]
        for block in list(self.trunk["body"])[:2]:
            x = block(x)
        for block in list(self.trunk["body"])[2:]:  # [16, H/2, W/2]
            x = block(x)
        x = self.trunk["tail"](x)
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text e9dfce41a1e9d382 keys 45306b702023110a function c3d599f3d2c9d4dd
