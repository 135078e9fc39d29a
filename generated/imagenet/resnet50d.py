"""ResNet-50-D (He et al. 2018).

A stem of three 3x3 convolutions, and an average before each strided projection.

Made by resnetc 0.1.0 from imagenet/resnet50d; edit the spec, not this file.

Input [3, H, W] for every H and every W. 25,576,264 parameters, 4,328,824,832
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/resnet50d"
SPEC_SHA256 = "2d9e686fbcfcc6c8074789779f00098cbd97a567eafcca7952b31d32f09b8e54"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


def average(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """ResNet-D: a 1x1 convolution and a norm, or a 2x2 average pool, a 1x1 convolution
    and a norm.
    """
    return nn.Sequential(
        nn.Identity()
        if stride == 1
        else nn.AvgPool2d(
            2,
            stride,
            ceil_mode=True,
            count_include_pad=False,
        ),
        nn.Conv2d(in_channels, channels, 1, bias=False),
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
        outer = 4 * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h, w]
        main = self.act(self.bn2(self.conv2(main)))  # [width, h/stride, w/stride]
        main = self.bn3(self.conv3(main))  # [outer, h/stride, w/stride]
        return self.act(main + self.downsample(x))


class ResNet50D(nn.Module):
    """ResNet-50-D (He et al. 2018).

    A stem of three 3x3 convolutions, and an average before each strided projection.
    """

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(channels, 32, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64, downsample=average(64, 256, stride=1)),
            *(Bottleneck(256, 64, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Bottleneck(256, 128, stride=2, downsample=average(256, 512, stride=2)),
            *(Bottleneck(512, 128, downsample=nn.Identity()) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            Bottleneck(512, 256, stride=2, downsample=average(512, 1024, stride=2)),
            *(Bottleneck(1024, 256, downsample=nn.Identity()) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            Bottleneck(1024, 512, stride=2, downsample=average(1024, 2048, stride=2)),
            *(Bottleneck(2048, 512, downsample=nn.Identity()) for _ in range(2)),
        )
        self.fc = nn.Linear(2048, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.conv1(x)  # [64, H/2, W/2]
        x = self.layer1(self.maxpool(self.act(self.bn1(x))))  # [256, H/4, W/4]
        x = self.layer2(x)  # [512, H/8, W/8]
        x = self.layer3(x)  # [1024, H/16, W/16]
        x = self.layer4(x)  # [2048, H/32, W/32]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 1000, channels: int = 3) -> ResNet50D:
    """A new ResNet50D with initial weights."""
    return ResNet50D(classes, channels)


# sealed by resnetc: text d3ebf380871f975f keys 7a0ad6528b68ab25 function 6fc9b28cb625d9d3
