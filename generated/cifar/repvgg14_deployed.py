"""RepVGG after training: a plain net of 3x3 convolutions.

Made by resnetc 0.1.0 from cifar/repvgg; edit the spec, not this file.

Input [3, H, W] for every H and every W. 241,258 parameters, 26,395,264 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "cifar/repvgg"
SPEC_SHA256 = "8fdcafdb2b439480a0412d88e6cb6c9db83bad872fcb927cfdab2ff49c95d035"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Reparametrised(nn.Module):
    """What a trained block becomes: one convolution with a bias."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.rbr_reparam = nn.Conv2d(in_channels, width, 3, stride, padding=1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        return self.act(self.rbr_reparam(x))  # [width, h/stride, w/stride]


class RepVGG14Deployed(nn.Module):
    """RepVGG after training: a plain net of 3x3 convolutions."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stage0 = Reparametrised(3, 16)
        self.stage1 = nn.Sequential(
            *(Reparametrised(16, 16) for _ in range(2)),
        )
        self.stage2 = nn.Sequential(
            Reparametrised(16, 32, stride=2),
            *(Reparametrised(32, 32) for _ in range(3)),
        )
        self.stage3 = nn.Sequential(
            Reparametrised(32, 64, stride=2),
            *(Reparametrised(64, 64) for _ in range(5)),
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


def build(classes: int = 10) -> RepVGG14Deployed:
    """A new RepVGG14Deployed with initial weights."""
    return RepVGG14Deployed(classes)


# sealed by resnetc: text 7f30650d4683ff18 keys 63dbe98c7b678c4c function d019ca6326f89497
