"""The network `net`.

Made by resnetc 0.1.0 from gate_in_a_slot.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 683,242 parameters, 286,989,568 multiply-adds
at 3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "gate_in_a_slot.resnet"
SPEC_SHA256 = "34466ebb186a7d5e0e8602eba2fcbefbcef16b227874f8c785620ed0f693635a"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class SE(nn.Module):
    """SE: squeeze-and-excitation (Hu et al. 2017).

    The means of all channels give a gate for each.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, 8, 1)
        self.act = nn.ReLU()
        self.fc2 = nn.Conv2d(8, in_channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        gate = self.act(self.fc1(x.mean((2, 3), keepdim=True)))  # [8, 1, 1]
        gate = self.gate(self.fc2(gate))  # [in_channels, 1, 1]
        return x * gate  # [in_channels, h, w]


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
        self.se = SE(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(self.se(main) + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            *(Basic(64, 64, downsample=nn.Identity()) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Basic(
                64,
                128,
                stride=2,
                downsample=nn.Sequential(
                    nn.Conv2d(64, 128, 1, 2, bias=False),
                    nn.BatchNorm2d(128),
                ),
            ),
            Basic(128, 128, downsample=nn.Identity()),
        )
        self.fc = nn.Linear(128, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [64, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [128, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 985f262f94701e54 keys f15600daadfb9466 function be7c683483fd158a
