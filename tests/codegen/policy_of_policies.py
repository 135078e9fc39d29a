"""The network `net`.

Made by resnetc 0.1.0 from policy_of_policies.resnet; edit the spec, not this file.

Input [8, H, W] for every H and every W. 5,018 parameters, 4,980,816 multiply-adds at
8x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

SPEC = "policy_of_policies.resnet"
SPEC_SHA256 = "fd718133dafd86eff1fbdd006d24dd8772e710826c316eeec6405bd0eca36095"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (8, 32, 32)


class Tree(nn.Module):
    """The block `tree`."""

    def __init__(self) -> None:
        super().__init__()
        self.level1: Any = nn.ModuleDict(
            {
                "tree1": nn.ModuleDict(
                    {
                        "a": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "b": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "root": nn.Sequential(
                            OrderedDict(
                                [
                                    ("conv", nn.Conv2d(8, 8, 1, bias=False)),
                                    ("bn", nn.BatchNorm2d(8)),
                                ],
                            ),
                        ),
                    },
                ),
                "tree2": nn.ModuleDict(
                    {
                        "a": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "b": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "root": nn.Sequential(
                            OrderedDict(
                                [
                                    ("conv", nn.Conv2d(8, 8, 1, bias=False)),
                                    ("bn", nn.BatchNorm2d(8)),
                                ],
                            ),
                        ),
                    },
                ),
            },
        )
        self.act = nn.ReLU()
        self.level2: Any = nn.ModuleDict(
            {
                "tree1": nn.ModuleDict(
                    {
                        "a": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "b": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "root": nn.Sequential(
                            OrderedDict(
                                [
                                    ("conv", nn.Conv2d(8, 8, 1, bias=False)),
                                    ("bn", nn.BatchNorm2d(8)),
                                ],
                            ),
                        ),
                    },
                ),
                "tree2": nn.ModuleDict(
                    {
                        "a": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "b": nn.Conv2d(8, 8, 3, padding=1, bias=False),
                        "root": nn.Sequential(
                            OrderedDict(
                                [
                                    ("conv", nn.Conv2d(8, 8, 1, bias=False)),
                                    ("bn", nn.BatchNorm2d(8)),
                                ],
                            ),
                        ),
                    },
                ),
            },
        )

    def forward(self, x: Tensor) -> Tensor:  # [8, h, w]
        x = self.act(self.level1["tree1"]["a"](x) + x)  # [8, h, w]
        y = self.act(self.level1["tree1"]["b"](x) + x)
        x = self.level1["tree1"]["root"](y)
        x = self.act(self.level1["tree2"]["a"](x) + x)
        y = self.act(self.level1["tree2"]["b"](x) + x)
        x = self.level1["tree2"]["root"](y)
        x = self.act(self.level2["tree1"]["a"](x) + x)
        y = self.act(self.level2["tree1"]["b"](x) + x)
        x = self.level2["tree1"]["root"](y)
        x = self.act(self.level2["tree2"]["a"](x) + x)
        y = self.act(self.level2["tree2"]["b"](x) + x)
        return self.level2["tree2"]["root"](y)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = Tree()
        self.fc = nn.Linear(8, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [8, H, W]
        x = self.tree(x)  # [8, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text d63508bbbfd5d076 keys be9eec8802fd0382 function d00e70f2eadd320e
