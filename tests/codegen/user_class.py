"""The network `net`.

Made by resnetc 0.1.0 from user_class.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 4,994 parameters and `unit`, 4,939,936
multiply-adds and `unit` at 3x32x32.
`Identity` and `LocalResponseNorm` are imported from `torch.nn`, whose code is not
sealed with this file.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

from torch import Tensor, nn
from torch.nn import Identity, LocalResponseNorm

SPEC = "user_class.resnet"
SPEC_SHA256 = "2940b43260952ef6d7c63880058da4c0386139ad3d8f12a71f7d11d7e98ade0f"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)
EXTERNS = ("torch.nn:Identity", "torch.nn:LocalResponseNorm")


class UnitOf(nn.Module):
    """The text that a class is made with differs between the stages, and so does a
    number.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        size: int,
        own_nonlinear: str,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.local_norm = LocalResponseNorm(size=size, alpha=0.0001)
        self.act = nn.ReLU()
        self.own = Identity(nonlinear=own_nonlinear)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        x = self.conv1(x)  # [width, h, w]
        x = self.act(self.local_norm(x))
        return self.own(x)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.local_norm = LocalResponseNorm(size=5, alpha=0.0001)
        self.layer1 = nn.Sequential(
            *(UnitOf(8, 8, size=3, own_nonlinear="relu") for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            UnitOf(8, 16, size=5, own_nonlinear="gelu"),
            UnitOf(16, 16, size=5, own_nonlinear="gelu"),
        )
        self.fc = nn.Linear(16, 10)
        user_paths = [
            "local_norm",
            "layer1.0.local_norm",
            "layer1.0.own",
            "layer1.1.local_norm",
            "layer1.1.own",
            "layer2.0.local_norm",
            "layer2.0.own",
            "layer2.1.local_norm",
            "layer2.1.own",
        ]
        theirs = {m for path in user_paths for m in self.get_submodule(path).modules()}
        for m in self.modules():
            if isinstance(m, nn.Conv2d) and m not in theirs:
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [8, H, W]
        x = self.local_norm(x)
        x = self.layer1(x)
        x = self.layer2(x)  # [16, H, W]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 1974cda64239f71e keys 104aeafb506cafab function 662a0a221e0876ae
