"""ConvMixer-256/8 (Trockman and Kolter 2022).

A residual around what looks at other positions, none around what mixes.

Made by resnetc 0.1.0 from cifar/convmixer; edit the spec, not this file.

Input [3, H, W] for H >= 2, W >= 2. 708,874 parameters, 177,474,048 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

from torch import Tensor, nn

SPEC = "cifar/convmixer"
SPEC_SHA256 = "f33bd876dd07eef4516bf2c7d7b4d7e7ac68106475d4c2ba3826f06e4ab64bb8"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Around(nn.Module):
    """The residual itself (He et al. 2015, equations 1 and 2).

    Any `branch`, and a shortcut around it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(256, 256, 9, padding=4, groups=256),
            nn.GELU(),
            nn.BatchNorm2d(256),
        )

    def forward(self, x: Tensor) -> Tensor:  # [256, h, w]
        return self.branch(x) + x  # [256, h, w]


class ConvMixer_256_8(nn.Module):
    """ConvMixer-256/8 (Trockman and Kolter 2022).

    A residual around what looks at other positions, none around what mixes.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 256, 2, 2),
            nn.GELU(),
            nn.BatchNorm2d(256),
        )
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    Around(),
                    nn.Sequential(
                        nn.Conv2d(256, 256, 1),
                        nn.GELU(),
                        nn.BatchNorm2d(256),
                    ),
                )
                for _ in range(8)
            ),
        )
        self.fc = nn.Linear(256, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.stem(x)  # [256, floor(H / 2), floor(W / 2)]
        x = self.blocks(x)
        return self.fc(x.mean((2, 3)))  # [classes]


def build(classes: int = 10) -> ConvMixer_256_8:
    """A new ConvMixer_256_8 with initial weights."""
    return ConvMixer_256_8(classes)


# sealed by resnetc: text 3496c42c1ccd82ed keys d73f35f59f9bf7bc function 26497e36b40cc8a8
