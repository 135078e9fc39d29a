"""A set is reduced to its first images, halved, and of some classes alone; the runs read what is kept of it."""

from pathlib import Path

import numpy
import pytest
import torch

from resnetc.runtime import data as datasets
from resnetc.runtime.errors import RunError
from resnetc.runtime.study.small_data import count_halvings, read_small


@pytest.mark.parametrize(
    ("size", "side", "halvings"),
    [((28, 28), 14, 1), ((32, 32), 14, 2), ((28, 28), None, 0), ((8, 8), 14, 0), ((30, 30), 7, 1), ((64, 32), 16, 2)],
)
def test_sides_are_halved_while_they_are_even(size: tuple[int, int], side: int | None, halvings: int) -> None:
    assert count_halvings(size, side) == halvings


def test_every_value_is_the_mean_of_a_square(tmp_path: Path) -> None:
    generator = numpy.random.default_rng(0)
    images = generator.integers(0, 256, (20, 4, 6, 3), dtype=numpy.uint8)
    labels = numpy.arange(20) % 4
    parts = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    numpy.savez(tmp_path / "whole.npz", **parts)
    small = read_small(f"npz:{tmp_path / 'whole.npz'}", 8, 3, (1, 3), tmp_path / "kept")
    assert small.size == (2, 3) and small.channels == 3 and small.classes == 2
    chosen = [index for index, label in enumerate(labels) if label in (1, 3)]
    assert small.train_labels.tolist() == [0, 1] * 4 and len(small.test_labels) == 10
    for index, image in zip(chosen[:8], small.train_images, strict=True):
        squares = images[index].reshape(2, 2, 3, 2, 3).astype(float).mean((1, 3))
        assert numpy.abs(image.movedim(0, -1).numpy() - squares).max() <= 0.5


def test_what_is_small_already_is_taken_as_it_is(tmp_path: Path) -> None:
    whole = datasets.load("digits")
    assert isinstance(whole, datasets.Data)
    same = read_small("digits", None, 14, (), tmp_path)
    assert same.argument == "digits" and torch.equal(same.train_images, whole.train_images)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_reduced_is_refused(tmp_path: Path) -> None:
    signals = numpy.zeros((10, 4, 64), numpy.float32)
    parts = {"train_images": signals, "train_labels": numpy.arange(10) % 2}
    numpy.savez(tmp_path / "s.npz", **parts, test_images=signals, test_labels=numpy.arange(10) % 2)
    with pytest.raises(RunError, match="only images of bytes are reduced"):
        read_small(f"npz:{tmp_path / 's.npz'}", 5, None, (), tmp_path)
