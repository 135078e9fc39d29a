"""plain-34 (He et al. 2015, Fig. 3): ResNet-34 without its shortcuts.

Made by resnetc 0.1.0 from imagenet/plain34; edit the spec, not this file.

Input [3, H, W] for every H and every W. 21,623,848 parameters, 3,644,493,824
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/plain34"
SPEC_SHA256 = "29905cda3db6e2205b79b7d6fcc453ec6230c04ed88fcd5d721237feb842fedc"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 224, 224)


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(main)


class Plain34(nn.Module):
    """plain-34 (He et al. 2015, Fig. 3): ResNet-34 without its shortcuts."""

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            *(Basic(64, 64) for _ in range(3)),
        )
        self.layer2 = nn.Sequential(
            Basic(64, 128, stride=2),
            *(Basic(128, 128) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            Basic(128, 256, stride=2),
            *(Basic(256, 256) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            Basic(256, 512, stride=2),
            *(Basic(512, 512) for _ in range(2)),
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


def build(classes: int = 1000, channels: int = 3) -> Plain34:
    """A new Plain34 with initial weights."""
    return Plain34(classes, channels)


# sealed by resnetc: text 16094867e01f6751 keys f4103e43a55e09b3 function 60afd3f78a262949
