"""ResNeXt-101 32x8d (Xie et al. 2016): 32 groups of 8 channels.

Made by resnetc 0.1.0 from imagenet/resnext101_32x8d; edit the spec, not this file.

Input [3, H, W] for every H and every W. 88,791,336 parameters, 16,414,015,488
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/resnext101_32x8d"
SPEC_SHA256 = "b5d968f78e242b880bc7d50f32e9cb078b7572c32aa2b188f0bf2bb4e0877cf4"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


def project(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """Option B: a 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )


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
        inner = 4 * width
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(
            inner,
            inner,
            3,
            stride,
            padding=1,
            groups=32,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [inner, h, w]
        main = self.act(self.bn2(self.conv2(main)))  # [inner, h/stride, w/stride]
        main = self.bn3(self.conv3(main))
        return self.act(main + self.downsample(x))


class ResNeXt101_32x8d(nn.Module):
    """ResNeXt-101 32x8d (Xie et al. 2016): 32 groups of 8 channels."""

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
            *(Bottleneck(1024, 256, downsample=nn.Identity()) for _ in range(22)),
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


def build(classes: int = 1000, channels: int = 3) -> ResNeXt101_32x8d:
    """A new ResNeXt101_32x8d with initial weights."""
    return ResNeXt101_32x8d(classes, channels)


# sealed by resnetc: text a543f6a9035b0899 keys de7e64733da0fc8e function 23f31591f4290863
