"""Nets of one and of three axes: their parameters, counted from their tables; a step of training at small sizes."""

import pytest
import torch
from torch import nn

import resnetc


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


def parameters(spec: str, **settings: object) -> int:
    return resnetc.compile(spec, **settings).checked.measures.parameters


def test_the_small_nets() -> None:
    signal = count_convolution(1, 24, 7, 1) + count_stages(24, [24, 48, 96], [2, 2, 2], 1) + 96 * 10 + 10
    assert parameters("signal/small") == signal
    volume = count_convolution(1, 8, 3, 3) + count_stages(8, [8, 16, 32], [2, 2, 2], 3) + 32 * 10 + 10
    assert parameters("volume/small") == volume


@pytest.mark.parametrize(
    ("spec", "shape"),
    [("signal/small", (4, 1, 200)), ("volume/small", (4, 1, 8, 15, 16))],
)
def test_a_step_of_training(spec: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = resnetc.load(spec)
    loss = nn.functional.cross_entropy(model(torch.randn(shape)), torch.arange(shape[0]))
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
