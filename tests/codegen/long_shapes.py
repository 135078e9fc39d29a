"""The network `net`.

Made by resnetc 0.1.0 from long_shapes.resnet; edit the spec, not this file.

Input [8, L] for every L. 7,280 parameters, 92,572 multiply-adds at 8x64.
Shapes in comments: L of the network's input, l of a block's own; / rounds up.
"""

from torch import Tensor, nn

SPEC = "long_shapes.resnet"
SPEC_SHA256 = "242c545115c5f1d7b22fea38182999a4b0c4673c7d419a25e3fe0b3643edf6dd"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (8, 64)


class AUnitOfManyConvolutions(nn.Module):
    """Several convolutions with long names."""

    def __init__(
        self,
        in_channels: int,
        *,
        stride: int = 1,
        conv_channels: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, 24, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(24)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv1d(24, conv_channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm1d(conv_channels)
        self.conv3 = nn.Conv1d(24, conv_channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, l]
        inside = self.act(self.bn1(self.conv1(x)))  # [24, l/stride]
        behind = self.act(self.bn2(self.conv2(inside)))
        return self.conv3(inside) + behind


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(8, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(
            AUnitOfManyConvolutions(16, stride=3, conv_channels=19),
            AUnitOfManyConvolutions(19, conv_channels=22),
        )
        self.fc = nn.Linear(22, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv1d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [8, L]
        x = self.act(self.bn1(self.conv1(x)))  # [16, L]
        x = self.layer1(x)  # [22, L/9]
        return self.fc(x.mean(2))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 2dd67ee817d723c6 keys 4ed965c3a8edc951 function d7b13a3699f05586
