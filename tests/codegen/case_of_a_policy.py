"""The network `net`.

Made by resnetc 0.1.0 from case_of_a_policy.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 206,250 parameters, 22,907,392 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "case_of_a_policy.resnet"
SPEC_SHA256 = "15d774842f8089c1bbcc2265d49857a04e5e2a392be9ba63a4a395e12b5b8236"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def fit(in_channels: int, channels: int) -> nn.Sequential:
    """A 1x1 convolution and a norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, 2, bias=False),
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


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            Bottleneck(32, 32, stride=2, downsample=fit(32, 128)),
            Bottleneck(128, 32, downsample=nn.Identity()),
        )
        self.layer2 = nn.Sequential(
            Bottleneck(128, 64, stride=2, downsample=fit(128, 256)),
            Bottleneck(256, 64, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(256, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [32, H, W]
        x = self.layer1(x)  # [128, H/2, W/2]
        x = self.layer2(x)  # [256, H/4, W/4]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 6f0dfff8f57fea2c keys ae17b2f395433d01 function d42619c5cf0a900a
