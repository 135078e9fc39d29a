"""SE-ResNet-50 (Hu et al. 2017).

A squeeze-and-excitation gate at the end of every residual branch.

Made by resnetc 0.1.0 from imagenet/seresnet50; edit the spec, not this file.

Input [3, H, W] for every H and every W. 28,088,024 parameters, 4,091,699,200
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/seresnet50"
SPEC_SHA256 = "81015e0e5cca553b6e6b9eb583e7fa343ea57d5b5f69e3b4cd4f671a570c6e30"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


def project(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """Option B: a 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )


class SE(nn.Module):
    """SE: squeeze-and-excitation (Hu et al. 2017).

    The means of all channels give a gate for each.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, width, 1)
        self.act = nn.ReLU()
        self.fc2 = nn.Conv2d(width, in_channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        gate = self.act(self.fc1(x.mean((2, 3), keepdim=True)))  # [width, 1, 1]
        gate = self.gate(self.fc2(gate))  # [in_channels, 1, 1]
        return x * gate  # [in_channels, h, w]


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1; the stride on the 3x3."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        downsample: nn.Module,
    ) -> None:
        super().__init__()
        outer = 4 * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.se = SE(outer, width // 4)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h, w]
        main = self.act(self.bn2(self.conv2(main)))  # [width, h/stride, w/stride]
        main = self.bn3(self.conv3(main))  # [outer, h/stride, w/stride]
        return self.act(self.se(main) + self.downsample(x))


class SEResNet50(nn.Module):
    """SE-ResNet-50 (Hu et al. 2017).

    A squeeze-and-excitation gate at the end of every residual branch.
    """

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64, downsample=project(64, 256, stride=1)),
            *(Bottleneck(256, 64, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2, downsample=project(256, 512, stride=2)),
            *(Bottleneck(512, 128, downsample=nn.Identity()) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2, downsample=project(512, 1024, stride=2)),
            *(Bottleneck(1024, 256, downsample=nn.Identity()) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2, downsample=project(1024, 2048, stride=2)),
            *(Bottleneck(2048, 512, downsample=nn.Identity()) for _ in range(2)),
        )
        self.fc = nn.Linear(2048, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))  # [64, H/4, W/4]
        x = self.layer1(x)  # [256, H/4, W/4]
        x = self.layer2(x)  # [512, H/8, W/8]
        x = self.layer3(x)  # [1024, H/16, W/16]
        x = self.layer4(x)  # [2048, H/32, W/32]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 1000, channels: int = 3) -> SEResNet50:
    """A new SEResNet50 with initial weights."""
    return SEResNet50(classes, channels)


# sealed by resnetc: text e6250853683af96f keys 282ba36344c4f1f6 function a1c5aa0462daf4dc
