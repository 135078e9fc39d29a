"""The network `net`.

Made by resnetc 0.1.0 from module_left_out_by_choice.resnet; edit the spec, not this
file.

Input [3, H, W] for every H and every W. 44,186 parameters, 14,795,072 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "module_left_out_by_choice.resnet"
SPEC_SHA256 = "f02e8f0f2657819f1200c6b97bf6c1c08eaa7d8d722790bc77eec8dbfc612c4a"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Unit(nn.Module):
    """The block `unit`."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        down: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.down = down

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        pre = self.act(self.bn1(x))  # [in_channels, h, w]
        main = self.act(self.bn2(self.conv1(pre)))  # [width, h/stride, w/stride]
        side = x if self.down is None else self.down(pre)
        return self.conv2(main) + side


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(
            *(Unit(16, 16) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Unit(16, 32, stride=2, down=nn.Conv2d(16, 32, 1, 2, bias=False)),
            Unit(32, 32, stride=2, down=nn.Conv2d(32, 32, 1, 2, bias=False)),
        )
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU()
        self.fc = nn.Linear(32, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/4, W/4]
        return self.fc(self.act(self.bn1(x)).mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text ac79bf8a49f266ec keys 7694a4f569a6fe07 function 887a83370d4890bc
