"""The network `net`.

Made by resnetc 0.1.0 from attention_over_parts.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 14,874 parameters, 9,884,480 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "attention_over_parts.resnet"
SPEC_SHA256 = "70a5eb867c8062c93b7989d83414f0dcac55cef6ca7036d4eeb328730b7589a8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Attend(nn.Module):
    """2 views of the input, weighted by a softmax over 2 numbers for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        conv_channels = 2 * width
        self.conv1 = nn.Conv2d(16, conv_channels, 3, padding=1, groups=2, bias=False)
        self.bn1 = nn.BatchNorm2d(conv_channels)
        self.act = nn.ReLU()
        self.fc1 = nn.Conv2d(width, width, 1, bias=False)
        self.fc2 = nn.Conv2d(width, conv_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        views = self.act(self.bn1(self.conv1(x))).chunk(2, dim=1)  # 2 x [width, h, w]
        weights = (views[0] + views[1]).mean((2, 3), keepdim=True)  # [width, 1, 1]
        weights = self.fc1(weights)
        parts = self.fc2(weights).chunk(2, dim=1)  # 2 x [width, 1, 1]
        weights = torch.stack(parts).softmax(dim=0)
        return views[0] * weights[0] + views[1] * weights[1]  # [width, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            *(Attend(16) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(Attend(32))
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text e5da896c60c0497a keys eb0ef52c68a929bf function 654f7d1545812e2d
