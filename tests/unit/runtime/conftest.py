"""Fixtures of the runtime's tests: a small network's text, a small set of images, a quick recipe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from resnetc.runtime import data
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The networks here are small: a second thread waits more than it works, most of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def source() -> str:
    """The text of a module in the style of generated code, for 1x8x8 images and ten classes."""
    return (Path(__file__).parent / "small_net.py").read_text()


@pytest.fixture(scope="session")
def digits() -> data.Data:
    """scikit-learn's digits."""
    return data.load("digits")


@pytest.fixture(scope="session")
def few() -> data.Data:
    """100 training and 40 test images of ten classes, 8x8, brighter where the label says: learnable in few steps."""
    generator = torch.Generator().manual_seed(1)

    def part(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(count) % 10
        images = torch.randint(0, 60, (count, 1, 8, 8), generator=generator)
        for row, label in enumerate(labels.tolist()):
            images[row, 0, label % 5 + 1, 1 : 4 if label < 5 else 7] += 180
        return images.to(torch.uint8), labels

    return data.Data("npz", Path("few.npz"), tuple("abcdefghij"), *part(100), *part(40))


@pytest.fixture
def quick() -> Recipe:
    """Three epochs of four steps with everything switched on that a run carries from step to step."""
    overrides = [
        "epochs=3",
        "batch_size=25",
        "random_crop_padding=1",
        "horizontal_flip=true",
        "ema_decay=0.9",
        "max_grad_norm=5",
        "label_smoothing=0.1",
        "seed=7",
    ]
    return recipe_file.load("digits", overrides)
