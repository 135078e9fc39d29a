"""The network `net`.

Made by resnetc 0.1.0 from initial_values.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 43,226 parameters, 18,268,480 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "initial_values.resnet"
SPEC_SHA256 = "be03f97fa34ee5b0b76b453524591c9915086cab2e7b2fa26525fd5ed6c35e23"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        downsample: nn.Module,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(main + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.entrance = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        self.layer1 = nn.Sequential(
            *(Basic(16, 16, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Basic(
                16,
                32,
                stride=2,
                downsample=nn.Sequential(
                    nn.Conv2d(16, 32, 1, 2, bias=False),
                    nn.BatchNorm2d(32),
                ),
            ),
            Basic(32, 32, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)
        nn.init.constant_(self.get_parameter("entrance.1.weight"), 0.5)

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.entrance(x)  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text f1dcbe2f19240608 keys 1bbc8eee3c5d9ce4 function 2a9bc2356a92dd16
