"""The network `net`.

Made by resnetc 0.1.0 from maps_of_named_blocks.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 102,352 parameters, 48,955,392 multiply-adds at
3x64x64.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "maps_of_named_blocks.resnet"
SPEC_SHA256 = "e17fe472ddf3b915b4d35c201d547d87241bb9da6118da8c90c71f1e57cb7b00"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 64, 64)


class Unit(nn.Module):
    """A convolution of `width` channels with its norm."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        return self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.features = nn.Sequential(
            *(Unit(16, 16) for _ in range(2)),
            Unit(16, 32, stride=2),
            Unit(32, 64, stride=2),
            *(Unit(64, 64) for _ in range(2)),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> dict[str, Tensor]:  # [3, H, W]
        low = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        for block in list(self.features)[:2]:  # [16, H, W]
            low = block(low)
        x_ = self.features[2](low)  # [32, H/2, W/2]
        high = x_  # [32, H/2, W/2]
        for block in list(self.features)[3:]:  # [64, H/4, W/4]
            high = block(high)
        return {"low": low, "x": x_, "high": high}


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text da779fce9fc29767 keys f77af394db3c5462 function d40b2f2eaa082e9f
