"""The network `net`.

Made by resnetc 0.1.0 from net.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 9,978 parameters, 9,879,712 multiply-adds at
3x32x32.
"""

from torch import Tensor, nn

SPEC = "net.resnet"
SPEC_SHA256 = "13ef856c259b87ce68f6e8078d5c361241a71d6bc1ccbcc456cb432f3df5f5c8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.SiLU()
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [16, h, w]
        main = self.bn2(self.conv2(main))
        return self.act(main + x)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.SiLU()
        self.layer1 = nn.Sequential(
            *(Basic() for _ in range(2)),
        )
        self.fc = nn.Linear(16, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> nn.Module:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 0d1d68e60d60d88a keys 8e266f98109895f1 function 84a9d4a947c772dc
