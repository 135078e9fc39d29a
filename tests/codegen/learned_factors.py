"""The network `net`.

Made by resnetc 0.1.0 from learned_factors.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 29,375 parameters, 11,190,592 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
from torch import Tensor, nn

SPEC = "learned_factors.resnet"
SPEC_SHA256 = "49b8cc72ad943b75dd62cc5c7e04e676e1382b20ff605416cc3682997bf22d26"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """A branch whose factor begins where the spec says."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        init: float = 1e-6,
        stride: int = 1,
        downsample: nn.Module,
    ) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), init))
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        branch = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        return branch * self.gamma.view(-1, 1, 1) + self.downsample(x)


class Affine(nn.Module):
    """A factor and an addend for the whole map."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:  # [32, h, w]
        return x * self.scale + self.bias  # [32, h, w]


class Forms(nn.Module):
    """Factors as other libraries store them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.full((32, 1, 1), 0.1))
        self.skipinit_gain = nn.Parameter(torch.tensor(0.0))
        self.shift1 = nn.Parameter(torch.zeros(32))
        self.scale1 = nn.Parameter(torch.zeros(1, 1, 1))
        self.conv1 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.affine = Affine()
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [32, h, w]
        branch = self.conv1(x)  # [32, h, w]
        branch = self.act(self.affine(branch)) * self.layer_scale
        x = x + 0.2 * (branch * self.skipinit_gain)
        return (x + self.shift1.view(-1, 1, 1)) * self.scale1


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.scale1 = nn.Parameter(torch.ones(32))
        self.temperature = nn.Parameter(torch.tensor(10.0))
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            Unit(16, 16, init=1.0, downsample=nn.Identity()),
            Unit(16, 16, init=0.5, downsample=nn.Identity()),
        )
        self.layer2 = nn.Sequential(
            Unit(
                16,
                32,
                stride=2,
                downsample=nn.Sequential(
                    nn.Conv2d(16, 32, 1, 2, bias=False),
                    nn.BatchNorm2d(32),
                ),
            ),
            Unit(32, 32, downsample=nn.Identity()),
        )
        self.layer3 = nn.Sequential(Forms())
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        x = self.layer3(x)
        x = self.fc((x * self.scale1.view(-1, 1, 1)).mean((2, 3)))  # [10]
        return x * self.temperature


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 7381b61c91bbaeb3 keys 1300bf473f3396a1 function 79102857a015c2ba
