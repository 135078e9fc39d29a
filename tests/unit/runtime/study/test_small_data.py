"""A set is reduced to its first images, halved, and of some classes alone; the runs read what is kept of it."""

from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resnetc.runtime import data as datasets
from resnetc.runtime.errors import RunError
from resnetc.runtime.study.small_data import SmallData, choose_rows, count_halvings


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
    small = SmallData(f"npz:{tmp_path / 'whole.npz'}", 3, tmp_path / "kept").take(8, (1, 3))
    assert small.size == (2, 3) and small.channels == 3 and small.classes == 2
    chosen = [index for index, label in enumerate(labels) if label in (1, 3)]
    assert small.train_labels.tolist() == [0, 1] * 4 and len(small.test_labels) == 10
    for index, image in zip(chosen[:8], small.train_images, strict=True):
        squares = images[index].reshape(2, 2, 3, 2, 3).astype(float).mean((1, 3))
        assert numpy.abs(image.movedim(0, -1).numpy() - squares).max() <= 0.5


def test_a_set_is_read_once_and_each_part_of_it_reduced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argument = save_set(tmp_path / "a.npz")
    reads: list[str] = []
    read_outline = datasets.read_outline

    def count(name: str, path: Path | None = None, axes: int = 2) -> datasets.Outline | datasets.MixedOutline:
        reads.append(str(path))
        return read_outline(name, path, axes)

    monkeypatch.setattr(datasets, "read_outline", count)
    small = SmallData(argument, 8, tmp_path / "kept")
    assert small.take(8) is small.take(8) and small.take(8, (1, 2)) is small.take(8, (1, 2))
    assert reads[0] == argument.removeprefix("npz:") and len(reads) == 3  # the whole, and what was kept of it twice


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 60))
def test_of_sorted_images_all_classes_are_chosen_and_of_mixed_ones_the_first(labels: list[int], count: int) -> None:
    mixed, ordered = torch.tensor(labels), torch.tensor(sorted(labels))
    for values in (mixed, ordered):
        rows = choose_rows(values, count)
        assert rows.tolist() == sorted(set(rows.tolist())) and len(rows) == min(count, len(values))
    wanted = min(count, len(set(labels)))
    if 2 * len(set(labels[:count])) >= wanted:
        assert choose_rows(mixed, count).tolist() == list(range(min(count, len(labels))))
    groups = torch.arange(6).repeat_interleave(10)
    assert set(groups[choose_rows(groups, 20)].tolist()) == set(range(6))


def test_what_is_small_already_is_taken_as_it_is(tmp_path: Path) -> None:
    whole = datasets.load("digits")
    assert isinstance(whole, datasets.Data)
    same = SmallData("digits", 14, tmp_path).take(None)
    assert same.argument == "digits" and torch.equal(same.train_images, whole.train_images)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_reduced_is_refused(tmp_path: Path) -> None:
    signals = numpy.zeros((10, 4, 64), numpy.float32)
    parts = {"train_images": signals, "train_labels": numpy.arange(10) % 2}
    numpy.savez(tmp_path / "s.npz", **parts, test_images=signals, test_labels=numpy.arange(10) % 2)
    with pytest.raises(RunError, match="only uint8 images can be reduced"):
        SmallData(f"npz:{tmp_path / 's.npz'}", None, tmp_path).take(5)


def save_set(path: Path, **changes: numpy.ndarray) -> str:
    """The argument of `--data` for a set of 20 images of 4 classes, with these parts instead of the usual ones."""
    images, labels = numpy.zeros((20, 16, 16), numpy.uint8), numpy.arange(20) % 4
    parts = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels, **changes}
    numpy.savez(path, **{key: value for key, value in parts.items() if len(value)})
    return f"npz:{path}"


def test_a_set_that_no_study_can_be_made_with_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    table, nothing = numpy.ones((20, 4), int), numpy.empty(0)
    for name, argument, classes, message in (
        ("table", {"train_labels": table, "test_labels": table}, (), "its images have any number of classes"),
        (
            "untested",
            {"test_images": nothing, "test_labels": nothing},
            (),
            "it has no test images",
        ),
        ("few", {}, (3, 4), "no training image has label 4; this study needs images of the labels 3, 4"),
        ("gap", {"test_labels": numpy.zeros(20, int)}, (0, 2), "no test image has label 2; this study needs"),
    ):
        data = save_set(tmp_path / f"{name}.npz", **argument)
        with pytest.raises(RunError, match=f"--data {data}: {message}"):
            SmallData(data, 8, tmp_path / "kept").take(None, classes)
    assert not (tmp_path / "kept").exists()


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file: cannot use it as a folder of the study: File exists"):
        SmallData(save_set(tmp_path / "a.npz"), 8, tmp_path / "file").take(None)
