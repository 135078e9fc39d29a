"""The network `net`.

Made by resnetc 0.1.0 from rate_of_each_block.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 94,490 parameters, 56,017,216 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
from torch import Tensor, nn

SPEC = "rate_of_each_block.resnet"
SPEC_SHA256 = "c54a002d03921a6749faa85002e521bb45976d167649e6b61f729ba9cf220fa3"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class DropPath2d(nn.Module):
    """Drops the whole branch of an image while training; the others are scaled up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        shape = (x.shape[0], 1, 1, 1)
        keep = 1 - self.rate
        kept = torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(keep)
        return x * kept / keep


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        drop_path_rate: float,
        downsample: nn.Module,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.drop_path = DropPath2d(drop_path_rate)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.drop_path(self.bn2(self.conv2(main)))
        return self.act(main + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            Basic(16, 16, drop_path_rate=0, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.01818181818181818, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.03636363636363636, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.05454545454545454, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.07272727272727272, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.09090909090909091, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.10909090909090909, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.12727272727272726, downsample=nn.Identity()),
            Basic(16, 16, drop_path_rate=0.14545454545454545, downsample=nn.Identity()),
        )
        self.layer2 = nn.Sequential(
            Basic(
                16,
                32,
                stride=2,
                drop_path_rate=0.16363636363636364,
                downsample=nn.Sequential(
                    nn.Conv2d(16, 32, 1, 2, bias=False),
                    nn.BatchNorm2d(32),
                ),
            ),
            Basic(32, 32, drop_path_rate=0.18181818181818182, downsample=nn.Identity()),
            Basic(32, 32, drop_path_rate=0.2, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 60a6e27a8e1554d2 keys 9206b62c299d14e1 function 3ff00fe376df26cc
