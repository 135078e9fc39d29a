"""The network `net`.

Made by resnetc 0.1.0 from global_context.resnet; edit the spec, not this file.

Input [3, H, W] for every H and every W. 20,866 parameters, 8,881,088 multiply-adds at
3x32x32.
Shapes in comments: H, W of the network's input, h, w of a block's own; / rounds up.
"""

import torch.nn.functional as F
from torch import Tensor, nn

SPEC = "global_context.resnet"
SPEC_SHA256 = "1c8dd024d505472fa43d1d485f093c1f3dd3fe0706050bee39c49f7e09f7ecb1"
COMPILER = "resnetc 0.1.0"
INPUT_SHAPE = (3, 32, 32)


class PositionSoftmax(nn.Module):
    """For every channel, a softmax across its positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).softmax(2).view_as(x)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2).contiguous()


class GlobalSumPool2d(nn.Module):
    """The sum of every channel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3), keepdim=True)


class GlobalContext(nn.Module):
    """GC: global context (Cao et al. 2019).

    A mean of the positions, weighted by a softmax across them, gives the gates.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv_attn = nn.Conv2d(in_channels, 1, 1)
        self.softmax = PositionSoftmax()
        self.mlp_scale = nn.ModuleDict(
            {
                "fc1": nn.Conv2d(in_channels, width, 1),
                "norm": LayerNorm2d(width, eps=1e-6),
                "fc2": nn.Conv2d(width, in_channels, 1),
            },
        )
        self.act = nn.ReLU()
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        weights = self.softmax(self.conv_attn(x))  # [1, h, w]
        gate = (x * weights).sum((2, 3), keepdim=True)  # [in_channels, 1, 1]
        gate = self.mlp_scale["norm"](self.mlp_scale["fc1"](gate))  # [width, 1, 1]
        gate = self.gate(self.mlp_scale["fc2"](self.act(gate)))  # [in_channels, 1, 1]
        return x * gate  # [in_channels, h, w]


class AddedContext(nn.Module):
    """GC as GCNet itself has it (Cao et al. 2019).

    What a mean of the positions becomes is added to every position.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv_attn = nn.Conv2d(in_channels, 1, 1)
        self.softmax = PositionSoftmax()
        self.mlp_add = nn.ModuleDict(
            {
                "fc1": nn.Conv2d(in_channels, width, 1),
                "norm": LayerNorm2d(width, eps=1e-6),
                "fc2": nn.Conv2d(width, in_channels, 1),
            },
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:  # [in_channels, h, w]
        weights = self.softmax(self.conv_attn(x))  # [1, h, w]
        context = (x * weights).sum((2, 3), keepdim=True)  # [in_channels, 1, 1]
        context = self.mlp_add["norm"](self.mlp_add["fc1"](context))  # [width, 1, 1]
        context = self.mlp_add["fc2"](self.act(context))  # [in_channels, 1, 1]
        ones = weights - weights + 1  # [1, h, w]
        return x + context * ones  # [in_channels, h, w]


class Basic(nn.Module):
    """Two 3x3 convolutions (ResNet-18, ResNet-34, the CIFAR nets)."""

    def __init__(self, width: int, *, stride: int = 1, downsample: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se = nn.Sequential(
            GlobalContext(width, width // 8),
            AddedContext(width, width // 8),
        )
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:  # [16, h, w]
        main = self.act(self.bn1(self.conv1(x)))  # [width, h/stride, w/stride]
        main = self.bn2(self.conv2(main))
        return self.act(self.se(main) + self.downsample(x))


class Net(nn.Module):
    """The network `net`."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = nn.Sequential(Basic(16, downsample=nn.Identity()))
        self.layer2 = nn.Sequential(
            Basic(
                32,
                stride=2,
                downsample=nn.Sequential(
                    nn.Conv2d(16, 32, 1, 2, bias=False),
                    nn.BatchNorm2d(32),
                ),
            ),
        )
        self.mix = nn.Sequential(
            PositionSoftmax(),
            GlobalSumPool2d(),
        )
        self.fc = nn.Linear(32, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:  # [3, H, W]
        x = self.act(self.bn1(self.conv1(x)))  # [16, H, W]
        x = self.layer1(x)
        x = self.layer2(x)  # [32, H/2, W/2]
        x = self.mix(x)  # [32, 1, 1]
        return self.fc(x.flatten(1))  # [classes]


def build(classes: int = 10) -> Net:
    """A new Net with initial weights."""
    return Net(classes)


# sealed by resnetc: text 92716be1ed839f1a keys 06dd2b1a828e11ba function 364769728671af09
