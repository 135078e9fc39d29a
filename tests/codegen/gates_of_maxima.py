"""The network `net`.

Made by resnetc 0.1.0 from gates_of_maxima.resnet; edit the spec, not this file.

Input [3, H, W] for H = 0 mod 2, W = 0 mod 2. 21,378 parameters, 2,538,896 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SPEC = "gates_of_maxima.resnet"
SPEC_SHA256 = "72978f2e55b09e9377a275c6af18276265af6f5fc7e118f7ffd33292989f1cd8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class SpaceToDepth2d(nn.Module):
    """The positions of each cell as channels: all channels of its first position, then of the next."""

    def __init__(self, factor: int | tuple[int, int]) -> None:
        super().__init__()
        self.factor = factor if isinstance(factor, tuple) else (factor,) * 2

    def forward(self, x: Tensor) -> Tensor:
        x = torch.unflatten(x, 2, (-1, self.factor[0]))
        x = torch.unflatten(x, 4, (-1, self.factor[1]))
        x = x.permute(0, 3, 5, 1, 2, 4)
        return x.clone(memory_format=torch.contiguous_format).flatten(1, 3)


class SubsampleView2d(nn.Module):
    """Every `stride`-th position of a map, as a view of it: what follows copies it."""

    def __init__(self, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride if isinstance(stride, tuple) else (stride,) * 2

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride[0], :: self.stride[1]]


class PadChannelsCentred2d(nn.Module):
    """Half of the new channels, all zeros, before those of the input, the rest behind."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.before = (channels - in_channels) // 2
        self.behind = channels - in_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, self.before, self.behind))


class PadChannelsAround2d(nn.Module):
    """Zero channels before and behind those of the input."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.before, self.behind = before, behind

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, self.before, self.behind))


class GlobalMaxPool2d(nn.Module):
    """The maximum of every channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax((2, 3), keepdim=True)


class Peaks(nn.Module):
    """A gate of the channels by their maxima."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 4, 1, bias=False)
        self.conv2 = nn.Conv2d(4, in_channels, 1, bias=False)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        out = self.conv1(x.amax((2, 3), keepdim=True))  # [4, 1, 1]
        return x * self.gate(self.conv2(out))  # [in_channels, h, w]


class Spots(nn.Module):
    """A gate of the positions, from the mean and the maximum over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        out = x.mean(1, keepdim=True)  # [1, h, w]
        out2 = x.amax(1, keepdim=True)
        out = self.bn1(self.conv1(torch.cat([out, out2], dim=1)))
        return x * self.gate(out)


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se = nn.Sequential(
            Peaks(width),
            Spots(),
        )
        self.downsample = (
            nn.Identity()
            if stride == 1
            else nn.Sequential(
                SubsampleView2d(stride),
                PadChannelsCentred2d(16, 32),
            )
        )

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(self.se(main) + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.space_to_depth = SpaceToDepth2d(2)
        self.conv1 = nn.Conv2d(12, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(Basic(16))
        self.layer2 = nn.Sequential(Basic(32, stride=2))
        self.pool = nn.Sequential(
            PadChannelsAround2d(1, 7),
            GlobalMaxPool2d(),
        )
        self.fc = nn.Linear(40, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(self.space_to_depth(x))))  # [16, H/2, W/2]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/4, W/4]
        x = self.pool(x)  # [40, 1, 1]
        return self.fc(x.flatten(1))  # [classes]


def build(classes: int = 10) -> Net:
    """A new Net with initial weights."""
    return Net(classes)


# sealed by resnetc: text 6a4ca4f6d80f5025 keys 32e80d894a94d45d function fe86569675e3e4d0
