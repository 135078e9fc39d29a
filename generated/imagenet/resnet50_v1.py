"""ResNet-50 as the paper has it (He et al. 2015, Table 1).

The stride on the first 1x1 convolution.

Made by resnetc 0.1.0 from imagenet/resnet50_v1; edit the spec, not this file.

Input [3, H, W] for every H and every W. 25,557,032 parameters, 3,857,973,248
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/resnet50_v1"
SPEC_SHA256 = "f5b2609385bc7bb27da5b164c6d0f83a1f3ad268a8ef74e560d34acbc09ac99e"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


def project(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """Option B: a 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )


class BottleneckV1(nn.Module):
    """The bottleneck of He et al. 2015: the stride on the first 1x1."""

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
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.act(self.bn2(self.conv2(main)))
        main = self.bn3(self.conv3(main))  # [outer, h/stride, w/stride]
        return self.act(main + self.downsample(x))


class ResNet50V1(nn.Module):
    """ResNet-50 as the paper has it (He et al. 2015, Table 1).

    The stride on the first 1x1 convolution.
    """

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            BottleneckV1(64, 64, downsample=project(64, 256, stride=1)),
            *(BottleneckV1(256, 64, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            BottleneckV1(256, 128, stride=2, downsample=project(256, 512, stride=2)),
            *(BottleneckV1(512, 128, downsample=nn.Identity()) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            BottleneckV1(512, 256, stride=2, downsample=project(512, 1024, stride=2)),
            *(BottleneckV1(1024, 256, downsample=nn.Identity()) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            BottleneckV1(1024, 512, stride=2, downsample=project(1024, 2048, stride=2)),
            *(BottleneckV1(2048, 512, downsample=nn.Identity()) for _ in range(2)),
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


def build(classes: int = 1000, channels: int = 3) -> ResNet50V1:
    """A new ResNet50V1 with initial weights."""
    return ResNet50V1(classes, channels)


# sealed by resnetc: text a06a7d54fffb3e61 keys a15514c6f4f69eda function b2de8bdebd03146e
