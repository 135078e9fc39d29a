"""SmallNet: two stages.

Made by resnetc 0.1.0 from classes_and_channels.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 43,226 parameters, 18,268,480 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "classes_and_channels.resnet"
SPEC_SHA256 = "6cf5f3d3030226cce8cd4d4425f2e417a39627218eb823721790c19610a7965e"
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

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(main + self.downsample(x))


class SmallNet(nn.Module):
    """SmallNet: two stages."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
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
        self.fc = nn.Linear(32, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> SmallNet:
    """A new SmallNet with initial weights."""
    return SmallNet(classes, channels)


# sealed by resnetc: text 2fb4fa969431c09c keys 1dcc3997089a997e function af8afc42f576d413
