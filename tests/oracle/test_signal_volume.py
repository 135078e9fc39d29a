"""Nets of one and of three axes: their parameters, counted from their tables; a step of training at small sizes."""

import pytest
import torch
from torch import nn

import resnetc
from tests.support import count_parameters


def count_convolution(channels: int, filters: int, kernel: int, axes: int) -> int:
    """A convolution without bias and its norm."""
    return channels * filters * kernel**axes + 2 * filters


def count_basic(channels: int, filters: int, axes: int, kernel: int = 3) -> int:
    """Two convolutions, and a projection where the width changes."""
    main = count_convolution(channels, filters, kernel, axes) + count_convolution(filters, filters, kernel, axes)
    return main + (count_convolution(channels, filters, 1, axes) if channels != filters else 0)


def count_stages(channels: int, filters: list[int], depths: list[int], axes: int, kernel: int = 3) -> int:
    total = 0
    for width, depth in zip(filters, depths, strict=True):
        for _ in range(depth):
            total += count_basic(channels, width, axes, kernel)
            channels = width
    return total


def count_bottlenecks(depths: list[int], axes: int) -> int:
    total, channels = 0, 64
    for width, depth in zip((64, 128, 256, 512), depths, strict=True):
        total += count_convolution(channels, 4 * width, 1, axes)  # the projection
        for _ in range(depth):
            total += count_convolution(channels, width, 1, axes) + count_convolution(width, width, 3, axes)
            total += count_convolution(width, 4 * width, 1, axes)
            channels = 4 * width
    return total


def test_the_small_nets() -> None:
    signal = count_convolution(1, 24, 7, 1) + count_stages(24, [24, 48, 96], [2, 2, 2], 1) + 96 * 10 + 10
    assert count_parameters("signal/small") == signal
    volume = count_convolution(1, 8, 3, 3) + count_stages(8, [8, 16, 32], [2, 2, 2], 3) + 32 * 10 + 10
    assert count_parameters("volume/small") == volume


WIDTHS = [64, 128, 256, 512]
DEPTHS = {10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_resnets_of_one_axis(depth: int) -> None:
    blocks = count_bottlenecks(DEPTHS[50], 1) if depth == 50 else count_stages(64, WIDTHS, DEPTHS[depth], 1)
    last = 2048 if depth == 50 else 512
    total = count_convolution(12, 64, 7, 1) + blocks + last * 10 + 10
    assert count_parameters("signal/resnet", model=f"resnet{depth}_1d") == total


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_resnets_of_three_axes(depth: int) -> None:
    blocks = count_bottlenecks(DEPTHS[50], 3) if depth == 50 else count_stages(64, WIDTHS, DEPTHS[depth], 3)
    last = 2048 if depth == 50 else 512
    total = count_convolution(3, 64, 7, 3) + blocks + last * 400 + 400
    assert count_parameters("volume/resnet", model=f"resnet3d_{depth}") == total


@pytest.mark.parametrize(("depth", "millions"), [(10, 14.36), (18, 32.99), (34, None), (50, None)])
def test_encoders_for_volumes(depth: int, millions: float | None) -> None:
    """The authors count in millions, without a last layer; where the shortcuts are zeros, no projection counts."""
    projections = sum(count_convolution(a, 2 * a, 1, 3) for a in (64, 128, 256)) if depth in (18, 34) else 0
    blocks = count_bottlenecks(DEPTHS[50], 3) if depth == 50 else count_stages(64, WIDTHS, DEPTHS[depth], 3)
    total = count_convolution(1, 64, 7, 3) + blocks - projections
    assert count_parameters("volume/med3d", model=f"med3d_resnet{depth}", features=True) == total
    assert millions is None or round(total / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("model", "width", "depths", "convolutions", "millions"),
    [
        ("m11", 64, [2, 2, 3, 2], 1, 1.8),
        ("m18", 64, [4, 4, 4, 4], 1, 3.7),
        ("m34_res", 48, [3, 4, 6, 3], 2, 4.0),
    ],
)
def test_nets_for_sound(model: str, width: int, depths: list[int], convolutions: int, millions: float) -> None:
    """The paper's Table 1 gives their parameters in millions."""
    total, channels = count_convolution(1, width, 80, 1), width
    for stage, depth in enumerate(depths):
        for _ in range(convolutions * depth):
            total += count_convolution(channels, width * 2**stage, 3, 1)
            channels = width * 2**stage
    total += channels * 10 + 10
    assert count_parameters("signal/audio", model=model) == total
    assert round(total / 1e6, 1) == millions


def test_nets_for_electrocardiograms() -> None:
    total, channels = count_convolution(12, 64, 17, 1), 64
    for width in (128, 196, 256, 320):
        total += 17 * channels * width + 2 * width + 17 * width * width + channels * width + 2 * width
        channels = width
    assert count_parameters("signal/ecg", model="ecg12") == total + 320 * 6 + 6
    total, channels = count_convolution(1, 32, 17, 1), 32
    for block in range(16):
        width = 32 * 2 ** (block // 4)
        total += 17 * channels * width + 2 * width + 17 * width * width + 2 * width  # and the norm behind the block
        channels = width
    assert count_parameters("signal/ecg", model="ecg34") == total + 256 * 12 + 12


@pytest.mark.parametrize(
    ("spec", "model", "shape"),
    [
        ("signal/small", None, (4, 1, 200)),
        ("signal/ecg", "ecg12", (4, 12, 517)),
        ("signal/audio", "m11", (4, 1, 2100)),
        ("volume/small", None, (4, 1, 8, 15, 16)),
    ],
)
def test_a_step_of_training(spec: str, model: str | None, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = resnetc.load(spec, model=model)
    loss = nn.functional.cross_entropy(net(torch.randn(shape)), torch.arange(shape[0]))
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.slow
def test_r3d_18_is_torchvisions_under_other_keys() -> None:
    """The net of the zoo has torchvision's keys and outputs, which `make records` compares; both have one order."""
    torch.manual_seed(0)
    reference = resnetc.load("zoo/torchvision/video", model="r3d_18").eval()
    net = resnetc.load("volume/resnet", model="r3d18").eval()
    assert [v.shape for v in net.state_dict().values()] == [v.shape for v in reference.state_dict().values()]
    net.load_state_dict(dict(zip(net.state_dict(), reference.state_dict().values(), strict=True)))
    x = torch.randn(1, 3, 5, 17, 20)
    with torch.no_grad():
        torch.testing.assert_close(net(x), reference(x))
