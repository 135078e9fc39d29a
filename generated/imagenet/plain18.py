"""plain-18 (He et al. 2015, Fig. 4): ResNet-18 without its shortcuts.

Made by resnetc 0.1.0 from imagenet/plain18; edit the spec, not this file.

Input [3, H, W] for every H and every W. 11,515,688 parameters, 1,794,805,760
multiply-adds at 3x224x224.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "imagenet/plain18"
SPEC_SHA256 = "0506fe506200b0fba06a4bfbf2879a3c67ecc96025738a8020643fe03ccaefd4"
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


class Plain18(nn.Module):
    """plain-18 (He et al. 2015, Fig. 4): ResNet-18 without its shortcuts."""

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(
            *(Basic(64, 64) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Basic(64, 128, stride=2),
            Basic(128, 128),
        )
        self.layer3 = nn.Sequential(
            Basic(128, 256, stride=2),
            Basic(256, 256),
        )
        self.layer4 = nn.Sequential(
            Basic(256, 512, stride=2),
            Basic(512, 512),
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


def build(classes: int = 1000, channels: int = 3) -> Plain18:
    """A new Plain18 with initial weights."""
    return Plain18(classes, channels)


# sealed by resnetc: text 63ca70e40171884d keys 9872fa55e525154f function 3ba1b5dc2e19da72
