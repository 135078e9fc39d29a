"""The network `net`.

Made by resnetc 0.1.0 from numbers_and_tensors.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 16,762 parameters, 16,957,600 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own.
"""

import torch
from torch import Tensor, nn

SPEC = "numbers_and_tensors.resnet"
SPEC_SHA256 = "8998101aebcb0fefa901bfcad36b011c6629ec6a86a649460a79fac802dea163"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class Signs(nn.Module):
    """Every sign, with parentheses only where Python needs them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        main = self.bn1(self.conv1(x))  # [16, h, w]
        gate = self.gate(main.mean((2, 3), keepdim=True))  # [16, 1, 1]
        parts = main.chunk(2, dim=1)  # 2 x [8, h, w]
        halves = 0.5 * parts[0] - 1  # [8, h, w]
        halves2 = 0.5 * parts[1] - 1
        both = torch.cat([-halves / 3, -halves2 / 3], dim=1)  # [16, h, w]
        out = 1 - 2 * (x - (main - both))
        out2 = (1 - gate) * (-main) * 0.3333333333333333
        return out + out2 - 5e-7 * (x + main)


class Unit(nn.Module):
    """A signal-preserving block.

    The input is brought to variance 1, the branch is added with a weight.
    """

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.act = nn.ReLU()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        pre = self.act(x) * self.beta  # [16, h, w]
        out = self.act(self.conv1(pre))
        return x + 0.2 * self.conv2(out)


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer1 = nn.Sequential(Signs())
        self.layer2 = nn.Sequential(
            *(Unit(beta) for beta in (1.0, 0.98, 0.9090909090909091)),
        )
        self.fc = nn.Linear(16, 10)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text bb0db0e304f18929 keys a1914490537d9a98 function d88282dfa1f4dbb7
