"""Archives of signals, images and volumes: the network's axes decide how an array is read, unless `layout` does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from resnetc.runtime import data
from resnetc.runtime.data import Data, Outline
from resnetc.runtime.errors import RunError


def write(path: Path, shape: tuple[int, ...], dtype: str = "float32", **other: np.ndarray) -> np.ndarray:
    """An archive of so many inputs to train with, and two to test."""
    random = np.random.default_rng(0)
    images = (random.random(shape) * 1000 if dtype == "float32" else random.integers(0, 60_000, shape)).astype(dtype)
    np.savez(
        path,
        **{
            "train_images": images,
            "train_labels": np.arange(shape[0]) % 2,
            "test_images": images[:2],
            "test_labels": np.array([0, 1]),
            **other,
        },
    )
    return images


def look(path: Path, axes: int) -> Outline:
    outline = data.read_outline("npz", path, axes)
    assert isinstance(outline, Outline)
    return outline


READINGS = {  # axes, shape of the array, layout -> shape of an input, what is said
    "signals": (1, (6, 20), None, (1, 20), "read as 6 signals of 1 channel and 20 steps"),
    "leads": (1, (6, 12, 20), None, (12, 20), "read as 6 signals of 12 channels and 20 steps"),
    "leads last": (1, (6, 20, 12), "NTC", (12, 20), ""),
    "images": (2, (6, 4, 5), None, (1, 4, 5), "read as 6 images of 1 channel and 4x5"),
    "colours": (2, (6, 4, 5, 3), None, (3, 4, 5), "read as 6 images of 3 channels and 4x5"),
    "colours first": (2, (6, 3, 4, 5), "NCHW", (3, 4, 5), ""),
    "volumes": (3, (6, 4, 5, 3), None, (1, 4, 5, 3), "read as 6 volumes of 1 channel and 4x5x3"),
    "volumes of two": (3, (6, 2, 4, 5, 3), None, (2, 4, 5, 3), "read as 6 volumes of 2 channels and 4x5x3"),
    "clips": (3, (6, 4, 5, 3, 2), "NDHWC", (2, 4, 5, 3), ""),
}


@pytest.mark.parametrize("name", READINGS)
def test_the_axes_of_the_network_decide(name: str, tmp_path: Path) -> None:
    axes, shape, layout, expected, note = READINGS[name]
    other = {} if layout is None else {"layout": np.array(layout)}
    images = write(tmp_path / "a.npz", shape, **other)
    outline = look(tmp_path / "a.npz", axes)
    assert (outline.channels, *outline.size) == expected
    assert outline.note == (f"{tmp_path / 'a.npz'}: {note}" if note else "")
    read = outline.read()
    assert isinstance(read, Data)
    assert (read.channels, *read.size) == expected
    assert sorted(read.train_images.flatten().tolist()) == sorted(images.flatten().tolist())
    last = read.train_images[1].numpy()
    moved = images[1] if layout is None and not (axes == 2 and len(shape) == 4) else np.moveaxis(images[1], -1, 0)
    if layout == "NCHW":
        moved = images[1]
    assert np.array_equal(last, moved.reshape(expected))


def test_sixteen_bits_keep_their_range(tmp_path: Path) -> None:
    images = write(tmp_path / "a.npz", (6, 20), "uint16")
    read = look(tmp_path / "a.npz", 1).read()
    assert isinstance(read, Data)
    assert (read.train_images.dtype, read.range) == (torch.float32, (0.0, 65535.0))
    assert np.array_equal(read.train_images[:, 0].numpy().astype(np.uint16), images)


def test_floats_tell_their_own_range(tmp_path: Path) -> None:
    images = write(tmp_path / "a.npz", (6, 20))
    read = look(tmp_path / "a.npz", 1).read()
    assert isinstance(read, Data)
    assert read.range == (images.min(), images.max())


def test_equal_numbers_of_another_kind_are_another_set(tmp_path: Path) -> None:
    images = write(tmp_path / "a.npz", (6, 20), "uint16")
    write(tmp_path / "b.npz", (6, 20), train_images=images.astype("float32"), test_images=images[:2].astype("float32"))
    first, second = (look(tmp_path / name, 1).read().fingerprint() for name in ("a.npz", "b.npz"))
    assert first != second


REFUSED = {  # axes, shape, other arrays -> what is said
    "an image for a signal": (1, (6, 4, 5, 3), {}, "expected [signals, steps] or [signals, channels, steps], as the "),
    "a signal for an image": (2, (6, 20), {}, "expected [images, height, width] or [images, height, width, channels]"),
    "a signal for a volume": (3, (6, 20), {}, "as the network takes three axes"),
    "other letters": (2, (6, 4, 5), {"layout": np.array("NTC")}, "for a network of two axes: NHW, NCHW, NHWC"),
    "another number of axes": (2, (6, 4, 5), {"layout": np.array("NHWC")}, "but `layout` is NHWC: 4 axes"),
    "a long layout": (2, (6, 4, 5), {"layout": np.array("N" * 1000)}, "layout: <U1000 []; expected one short text"),
    "many layouts": (2, (6, 4, 5), {"layout": np.array(["NHW"] * 3)}, "layout: <U3 [3]; expected one short text"),
    "an object": (2, (6, 4, 5), {"layout": np.array(None, dtype=object)}, "layout: object []; expected one short text"),
    "control characters": (2, (6, 4, 5), {"layout": np.array("N\x1b[2J")}, "`layout` is N\\x1b[2J"),
    "a long axis": (1, (2, 20_000), {}, "too many values for one input; the limit is 16,384 along an axis"),
    "other numbers": (1, (6, 20), {"test_images": np.zeros((2, 20), "uint8")}, "test_images: uint8 numbers, but train"),
    "doubles": (1, (6, 20), {"train_images": np.zeros((6, 20))}, "float64 numbers; expected uint8, uint16 or float32"),
    "other lengths": (1, (6, 20), {"test_images": np.zeros((2, 21), "float32")}, "test_images: images of [21], but"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_it_is_read(name: str, tmp_path: Path) -> None:
    axes, shape, other, expected = REFUSED[name]
    write(tmp_path / "a.npz", shape, **other)
    with pytest.raises(RunError) as refusal:
        look(tmp_path / "a.npz", axes)
    assert expected in str(refusal.value)
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_is_refused(value: float, tmp_path: Path) -> None:
    images = np.zeros((6, 20), "float32")
    images[4, 3] = value
    write(tmp_path / "a.npz", (6, 20), train_images=images)
    with pytest.raises(RunError, match="train_images: a value of number 4 is not finite"):
        look(tmp_path / "a.npz", 1).read()


def test_a_constant_set_has_a_range(tmp_path: Path) -> None:
    write(tmp_path / "a.npz", (6, 20), train_images=np.full((6, 20), 7, "float32"))
    read = look(tmp_path / "a.npz", 1).read()
    assert isinstance(read, Data)
    assert read.range == (0.0, 1.0)
