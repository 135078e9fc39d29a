"""The network `net`.

Made by resnetc 0.1.0 from scaled_convolutions.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 12,346 parameters, 11,714,880 multiply-adds at
3x64x64.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SPEC = "scaled_convolutions.resnet"
SPEC_SHA256 = "d07730f9917d2fce1b28c781f153882eea5175de4d20bb59001805b49715808f"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 64, 64)


class ScaledStdConv2d(nn.Conv2d):
    """A convolution whose weight is standardised over each output channel, then scaled by a learned gain."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
        )
        self.gain = nn.Parameter(torch.ones(out_channels, 1, 1, 1))
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        flat = self.weight.reshape(1, self.out_channels, -1)
        gain = (self.gain * self.scale).flatten()
        flat = F.batch_norm(flat, None, None, gain, training=True, momentum=0.0, eps=self.eps)
        return self._conv_forward(x, flat.reshape_as(self.weight), self.bias)


class Unit(nn.Module):
    """A bottleneck without norms."""

    def __init__(self, in_channels: int, downsample: nn.Module) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv1 = ScaledStdConv2d(in_channels, 16, 1, gamma=1.7139, eps=1e-5)
        self.conv2 = ScaledStdConv2d(16, 16, 3, padding=1, gamma=1.7139, eps=1e-5)
        self.conv3 = ScaledStdConv2d(16, 64, 1, gamma=1.7139, eps=1e-5)
        self.downsample = downsample
        nn.init.zeros_(self.conv3.gain)

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        main = self.act(self.conv1(self.act(x)))  # [16, h, w]
        main = self.act(self.conv2(main))
        return self.downsample(x) + self.conv3(main)  # [64, h, w]


class Net(nn.Module):
    """The network `net`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ScaledStdConv2d(3, 16, 3, 2, padding=1, gamma=1.7139, eps=1e-5)
        self.layer1 = nn.Sequential(
            Unit(
                16,
                downsample=nn.Sequential(
                    ScaledStdConv2d(16, 64, 1, gamma=1.7139, eps=1e-5),
                    nn.Identity(),
                ),
            ),
            Unit(64, downsample=nn.Identity()),
        )
        self.conv2 = ScaledStdConv2d(64, 32, 1, bias=False)
        self.act = nn.ReLU()
        self.fc = nn.Linear(32, 10)
        nn.init.constant_(self.conv2.gain, 0.5)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.conv1(x)  # [16, H/2, W/2]
        x = self.layer1(x)  # [64, H/2, W/2]
        x = self.act(self.conv2(x))  # [32, H/2, W/2]
        return self.fc(x.mean((2, 3)))  # [10]


def build() -> Net:
    """A new Net with initial weights."""
    return Net()


# sealed by resnetc: text 85ab5886e0e47962 keys 3ee0fe8bd4e0be16 function 7ff752d8a111877f
