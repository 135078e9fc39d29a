"""The network `net`.

Made by resnetc 0.1.0 from activation_left_out.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 9,946 parameters, 9,879,712 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

from torch import Tensor, nn

SPEC = "activation_left_out.resnet"
SPEC_SHA256 = "44c1c20b6acc722f06ae9993d817ba659b0443220bf946f911bda4ddef220c9e"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Layer(nn.Module):
    """The block `layer`."""

    def __init__(self, active: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU() if active else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [16, h, w]


class Unit(nn.Module):
    """The block `unit`."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Layer()
        self.b = Layer(active=False)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        main = self.a(x)  # [16, h, w]
        return self.act(self.b(main) + x)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            *(Unit() for _ in range(2)),
        )
        self.fc = nn.Linear(16, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 06220541a0917dad keys 774f23a83f6d7c8c function a120da68d1863b47
