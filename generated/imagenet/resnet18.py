"""ResNet-18 (He et al. 2015, Table 1).

Made by resnetc 0.1.0 from imagenet/resnet18; edit the spec, not this file.

Input [3, H, W] for every H and every W. 11,689,512 parameters, 1,814,073,344
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/resnet18"
SPEC_SHA256 = "3334485ca30a8ebb7238bac0d4437bc7dd4585a6582830470fd4c82e43b7529e"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


def project(in_channels: int, channels: int) -> nn.Sequential:
    """Option B: a 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, 2, bias=False),
        nn.BatchNorm2d(channels),
    )


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


class ResNet18(nn.Module):
    """ResNet-18 (He et al. 2015, Table 1)."""

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            *(Basic(64, 64, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Basic(64, 128, stride=2, downsample=project(64, 128)),
            Basic(128, 128, downsample=nn.Identity()),
        )
        self.layer3 = nn.Sequential(
            Basic(128, 256, stride=2, downsample=project(128, 256)),
            Basic(256, 256, downsample=nn.Identity()),
        )
        self.layer4 = nn.Sequential(
            Basic(256, 512, stride=2, downsample=project(256, 512)),
            Basic(512, 512, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(512, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [channels, H, W]
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))  # [64, H/4, W/4]
        x = self.layer1(x)
        x = self.layer2(x)  # [128, H/8, W/8]
        x = self.layer3(x)  # [256, H/16, W/16]
        x = self.layer4(x)  # [512, H/32, W/32]
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 1000, channels: int = 3) -> ResNet18:
    """A new ResNet18 with initial weights."""
    return ResNet18(classes, channels)


# sealed by resnetc: text 0e9fccfe50f78ceb keys 9be1db8ca6319057 function c280b98d9a5f3927
