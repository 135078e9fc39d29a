"""RepVGG while it is trained.

A 1x1 beside every 3x3, for a ninth more multiply-adds.

Made by resnetc 0.1.0 from cifar/repvgg; edit the spec, not this file.

Input [3, H, W] for every H and every W. 270,506 parameters, 29,328,000 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from collections import OrderedDict

from torch import Tensor, nn

SPEC = "cifar/repvgg"
SPEC_SHA256 = "8fdcafdb2b439480a0412d88e6cb6c9db83bad872fcb927cfdab2ff49c95d035"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


def branch(in_channels: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    """A convolution and its norm."""
    return nn.Sequential(
        OrderedDict(
            [
                (
                    "conv",
                    nn.Conv2d(
                        in_channels,
                        width,
                        kernel,
                        stride,
                        padding=kernel // 2,
                        bias=False,
                    ),
                ),
                ("bn", nn.BatchNorm2d(width)),
            ],
        ),
    )


class Trained(nn.Module):
    """RepVGG (Ding et al. 2021, section 3.2), the form that is trained.

    A 3x3 and a 1x1, each with a norm. Nothing stands between them and their sum, so
    that one 3x3 can take the place of all once training is over. The names are those of
    the paper's code.
    """

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.rbr_dense = branch(in_channels, width, kernel=3, stride=stride)
        self.rbr_1x1 = branch(in_channels, width, kernel=1, stride=stride)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        # [width, h/stride, w/stride]
        return self.act(self.rbr_dense(x) + self.rbr_1x1(x))


class Trained2(nn.Module):
    """RepVGG (Ding et al. 2021, section 3.2), the form that is trained.

    A 3x3 and a 1x1, each with a norm. The input itself is added, with a norm too.
    Nothing stands between them and their sum, so that one 3x3 can take the place of all
    once training is over. The names are those of the paper's code.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rbr_identity = nn.BatchNorm2d(width)
        self.rbr_dense = branch(width, width, kernel=3, stride=1)
        self.rbr_1x1 = branch(width, width, kernel=1, stride=1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [width, h, w]
        x2 = self.rbr_dense(x) + self.rbr_1x1(x)  # [width, h, w]
        same = self.rbr_identity(x)
        return self.act(x2 + same)


class RepVGG14(nn.Module):
    """RepVGG while it is trained.

    A 1x1 beside every 3x3, for a ninth more multiply-adds.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stage0 = Trained(3, 16)
        self.stage1 = nn.Sequential(
            *(Trained2(16) for _ in range(2)),
        )
        self.stage2 = nn.Sequential(
            Trained(16, 32, stride=2),
            *(Trained2(32) for _ in range(3)),
        )
        self.stage3 = nn.Sequential(
            Trained(32, 64, stride=2),
            *(Trained2(64) for _ in range(5)),
        )
        self.linear = nn.Linear(64, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.stage0(x)  # [16, H, W]
        x = self.stage1(x)
        x = self.stage2(x)  # [32, H/2, W/2]
        x = self.stage3(x)  # [64, H/4, W/4]
        return self.linear(x.mean((2, 3)))  # [classes]


def build(classes: int = 10) -> RepVGG14:
    """A new RepVGG14 with initial weights."""
    return RepVGG14(classes)


# sealed by resnetc: text 92c6b92f8068e876 keys 2704e873e24267e2 function dc88afb5cb88d61e
