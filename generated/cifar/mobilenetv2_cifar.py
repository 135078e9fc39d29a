"""MobileNetV2 (Sandler et al. 2018, Table 2) for images of 32x32.

Its first two strides are 1 here.

Made by resnetc 0.1.0 from cifar/mobilenetv2; edit the spec, not this file.

Input [3, H, W] for every H and every W. 2,236,682 parameters, 87,976,448 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "cifar/mobilenetv2"
SPEC_SHA256 = "7923c3d1aed74a5883c6de0df7a0c7b8369eea88e9247235058952b95fa558b6"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Residual(nn.Module):
    """The inverted residual (Sandler et al. 2018, section 3.3).

    Each channel is convolved by itself, and a 1x1 without an activation sets the width.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU6()
        self.conv2 = nn.Conv2d(32, 16, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:  # [32, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [32, h, w]
        return self.bn2(self.conv2(main))  # [16, h, w]


class Residual2(nn.Module):
    """The inverted residual (Sandler et al. 2018, section 3.3).

    A 1x1 widens first. Each channel is convolved by itself, and a 1x1 without an
    activation sets the width.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        inner: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.act = nn.ReLU6()
        self.conv2 = nn.Conv2d(
            inner,
            inner,
            3,
            stride,
            padding=1,
            groups=inner,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        wide = self.act(self.bn1(self.conv1(x)))  # [inner, h, w]
        main = self.act(self.bn2(self.conv2(wide)))  # [inner, h/stride, w/stride]
        return self.bn3(self.conv3(main))  # [width, h/stride, w/stride]


class Residual3(nn.Module):
    """The inverted residual (Sandler et al. 2018, section 3.3).

    A 1x1 widens first. Each channel is convolved by itself, and a 1x1 without an
    activation sets the width. The input is added.
    """

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.act = nn.ReLU6()
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        wide = self.act(self.bn1(self.conv1(x)))  # [inner, h, w]
        main = self.act(self.bn2(self.conv2(wide)))
        main = self.bn3(self.conv3(main))  # [width, h, w]
        return x + main


class MobileNetV2Cifar(nn.Module):
    """MobileNetV2 (Sandler et al. 2018, Table 2) for images of 32x32.

    Its first two strides are 1 here.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU6()
        self.layer1 = nn.Sequential(Residual())
        self.layer2 = nn.Sequential(
            Residual2(16, 24, inner=96),
            Residual3(24, 144),
        )
        self.layer3 = nn.Sequential(
            Residual2(24, 32, stride=2, inner=144),
            *(Residual3(32, 192) for _ in range(2)),
        )
        self.layer4 = nn.Sequential(
            Residual2(32, 64, stride=2, inner=192),
            *(Residual3(64, 384) for _ in range(3)),
        )
        self.layer5 = nn.Sequential(
            Residual2(64, 96, inner=384),
            *(Residual3(96, 576) for _ in range(2)),
        )
        self.layer6 = nn.Sequential(
            Residual2(96, 160, stride=2, inner=576),
            *(Residual3(160, 960) for _ in range(2)),
        )
        self.layer7 = nn.Sequential(Residual2(160, 320, inner=960))
        self.conv2 = nn.Conv2d(320, 1280, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(1280)
        self.fc = nn.Linear(1280, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [32, H, W]
        x = self.layer1(x)  # [16, H, W]
        x = self.layer2(x)  # [24, H, W]
        x = self.layer3(x)  # [32, H/2, W/2]
        x = self.layer4(x)  # [64, H/4, W/4]
        x = self.layer5(x)  # [96, H/4, W/4]
        x = self.layer6(x)  # [160, H/8, W/8]
        x = self.layer7(x)  # [320, H/8, W/8]
        x = self.act(self.bn2(self.conv2(x)))  # [1280, H/8, W/8]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10, channels: int = 3) -> MobileNetV2Cifar:
    """A new MobileNetV2Cifar with initial weights."""
    return MobileNetV2Cifar(classes, channels)


# sealed by resnetc: text 2d8ab9ca81a1ce64 keys 044e5d41eda2fa50 function fbda2ae99360c80b
