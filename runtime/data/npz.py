"""Reads a NumPy archive: `train_images`, `train_labels`, `test_images`, `test_labels` and optionally `class_names`.

The arrays hold images, signals or volumes; which, the network's axes decide (`npz_layout`). The header of an array is
checked before its content is read, so that a refused one takes no memory.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from resnetc.runtime.data.dataset import Data, Outline
from resnetc.runtime.data.files import MAX_CLASSES, MAX_NAME_CHARACTERS, check_names
from resnetc.runtime.data.labels import describe_labels
from resnetc.runtime.data.npz_layout import Reading, choose_reading
from resnetc.runtime.errors import RunError
from resnetc.terminal import one_line

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
_EXPECTED = f"expected an .npz file with the keys {', '.join(KEYS)}"
_Labels = npt.NDArray[np.int64] | npt.NDArray[np.uint8]  # one per image; or 0 and 1, [images, classes]
_RANGES = {np.dtype(np.uint8): (0.0, 255.0), np.dtype(np.uint16): (0.0, 65535.0)}  # the least and the largest value
_MAX_LAYOUT_CHARACTERS = 16  # that the array may have room for
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class _Header:
    """What the header of an array says."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


def _read_header(path: Path, archive: NpzFile, key: str) -> _Header:
    assert archive.zip is not None  # it is None once the archive is closed
    names = archive.zip.namelist()
    with archive.zip.open(f"{key}.npy" if f"{key}.npy" in names else key) as file:
        try:
            shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
        except (ValueError, KeyError):
            raise RunError(f"{path}: {key}: not an array; {_EXPECTED}") from None
    return _Header(shape, dtype)


def _check_numbers(path: Path, key: str, header: _Header) -> None:
    if header.dtype not in _RANGES and header.dtype != np.float32:
        raise RunError(f"{path}: {key}: {header.dtype} numbers; expected uint8, uint16 or float32")


def _check_labels(path: Path, key: str, header: _Header, count: int) -> None:
    is_multi_label = len(header.shape) == 2
    if not np.issubdtype(header.dtype, np.integer) and not (is_multi_label and header.dtype == np.bool_):
        expected = "0 and 1, as integers or booleans" if is_multi_label else "integers from 0 up"
        raise RunError(f"{path}: {key}: {header.dtype} values; expected {expected}")
    if header.shape[:1] != (count,) or not 1 <= len(header.shape) <= 2:
        raise RunError(
            f"{path}: {key}: shape {list(header.shape)}; expected [{count}], one per image, or [{count}, classes] of 0 "
            "and 1"
        )
    if is_multi_label and not 0 < header.shape[1] <= MAX_CLASSES:
        raise RunError(f"{path}: {key}: {header.shape[1]:,} classes; expected 1 to {MAX_CLASSES:,}")


def _convert_labels(path: Path, key: str, array: npt.NDArray[np.integer]) -> _Labels:
    if array.ndim == 2:
        rows, columns = np.nonzero((array != 0) & (array != 1))
        if len(rows):
            raise RunError(
                f"{path}: {key}: {array[rows[0], columns[0]]} at image {rows[0]}, class {columns[0]}; in a table "
                "[images, classes] only 0 and 1 are allowed"
            )
        return array.astype(np.uint8)
    wrong = np.flatnonzero((array < 0) | (array >= MAX_CLASSES))
    if len(wrong):
        hint = ""
        if array.min() < 0:
            hint = f" ({(array < 0).sum():,} are negative: remove images without a class)"
        raise RunError(
            f"{path}: {key}: label {array[wrong[0]]} at image {wrong[0]}; 0 to {MAX_CLASSES - 1} are allowed{hint}"
        )
    return array.astype(np.int64)


def _read_class_names(path: Path, archive: NpzFile) -> tuple[str, ...] | None:
    if "class_names" not in archive:
        return None
    header = _read_header(path, archive, "class_names")
    if header.dtype.kind != "U" or len(header.shape) != 1:
        raise RunError(f"{path}: class_names: {header.dtype} {list(header.shape)}; expected a list of strings")
    if header.shape[0] > MAX_CLASSES:
        raise RunError(f"{path}: class_names: {header.shape[0]:,} names; the limit is {MAX_CLASSES:,} classes")
    if header.dtype.itemsize // 4 > MAX_NAME_CHARACTERS:  # room for the longest of them
        raise RunError(f"{path}: class_names: a name is longer than {MAX_NAME_CHARACTERS:,} characters")
    names = tuple(archive["class_names"].tolist())
    check_names(f"{path}: class_names", names)
    return names


def _read_layout(path: Path, archive: NpzFile) -> str | None:
    if "layout" not in archive:
        return None
    header = _read_header(path, archive, "layout")
    if header.dtype.kind != "U" or math.prod(header.shape) != 1 or header.dtype.itemsize // 4 > _MAX_LAYOUT_CHARACTERS:
        raise RunError(f"{path}: layout: {header.dtype} {list(header.shape)}; expected one short text, such as NCHW")
    return one_line(str(archive["layout"].item()))


def read_outline(path: Path | None, axes: int = 2) -> Outline:
    """The data set in the archive `path`, for a network whose inputs have so many axes; the number of classes is that
    of `class_names`, else the highest label plus 1."""
    if path is None:
        raise RunError(f"--data npz: needs a path: --data npz:FILE; {_EXPECTED}")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise RunError(f"{path}: not a file; {_EXPECTED}")
    file = path
    with _open_archive(file) as archive:
        has_test = any(key in archive for key in KEYS[2:])
        keys = KEYS if has_test else KEYS[:2]
        missing = [key for key in keys if key not in archive]
        if missing:
            has = ", ".join(sorted(archive)) or "nothing"
            raise RunError(f"{file}: no {missing[0]} in it (it holds {has}); {_EXPECTED}")
        headers = {key: _read_header(file, archive, key) for key in keys}
        layout = _read_layout(file, archive)
        images = [headers[key] for key in keys[::2]]
        readings = []
        for key in keys[::2]:
            _check_numbers(file, key, headers[key])
            readings.append(choose_reading(f"{file}: {key}", headers[key].shape, axes, layout))
        reading = readings[0]
        if images[0].shape[1:] != images[-1].shape[1:]:
            shapes = [list(header.shape[1:]) for header in images]
            raise RunError(f"{file}: test_images: images of {shapes[1]}, but train_images has {shapes[0]}")
        if images[0].dtype != images[-1].dtype:
            raise RunError(f"{file}: test_images: {images[1].dtype} numbers, but train_images has {images[0].dtype}")
        labels = []
        for key, header in zip(keys[1::2], images, strict=True):
            _check_labels(file, key, headers[key], header.shape[0])
            labels.append(_convert_labels(file, key, archive[key]))
        names = _read_class_names(file, archive)
    if len({array.shape[1:] for array in labels}) > 1:
        shapes = [list(array.shape) for array in labels]
        raise RunError(f"{file}: test_labels: shape {shapes[1]}, but train_labels has {shapes[0]}: other classes")
    is_multi_label = labels[0].ndim == 2
    highest = labels[0].shape[1] - 1 if is_multi_label else int(max(array.max() for array in labels))
    if is_multi_label and names is not None and len(names) != highest + 1:
        raise RunError(f"{file}: class_names: {len(names)} names, but train_labels has {highest + 1} columns")
    if names is None:
        names = tuple(str(number) for number in range(highest + 1))
    elif highest >= len(names):
        lowest = int(min(array.min() for array in labels))
        hint = f" (the labels are {lowest} to {highest}: they must start at 0)" if lowest == 1 else ""
        raise RunError(f"{file}: class_names: {len(names)} names, but label {highest} occurs{hint}")
    classes, shape = names, images[0].shape
    notes = []
    if is_multi_label:
        notes.append(f"{one_line(str(file))}: {describe_labels(len(names))}")
    is_usual = reading.is_said or (axes == 2 and images[0].dtype == np.uint8)
    if not is_usual:
        notes.insert(0, f"{one_line(str(file))}: read as {reading.describe(shape)}")
    return Outline(
        "npz",
        len(names),
        channels=reading.count_channels(shape),
        size=reading.find_size(shape),
        train=shape[0],
        test=images[1].shape[0] if has_test else 0,
        read=lambda: _read_data(file, classes, labels, reading),
        note="; ".join(notes),
    )


def _read_data(path: Path, names: tuple[str, ...], labels: list[_Labels], reading: Reading) -> Data:
    """The arrays of an archive that has been looked at."""
    import torch

    parts = []
    with _open_archive(path) as archive:
        for key in KEYS[: 2 * len(labels) : 2]:
            array = archive[key]
            dtype = array.dtype
            if dtype != np.uint8:
                array = array.astype(np.float32, copy=False)  # which holds every uint16
                _check_finite(path, key, array)
            whole = np.moveaxis(array, reading.letters.index("C"), 1) if "C" in reading.letters else array[:, None]
            parts.append(torch.from_numpy(np.ascontiguousarray(whole)))
    train = parts[0]
    test = parts[1] if len(parts) > 1 else train[:0]
    train_labels = torch.from_numpy(labels[0])
    test_labels = torch.from_numpy(labels[1]) if len(labels) > 1 else train_labels[:0]
    extent = _RANGES.get(dtype) or (float(train.min()), float(train.max()))
    return Data(
        "npz",
        path,
        class_names=names,
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        range=extent if extent[0] < extent[1] else (0.0, 1.0),
    )


def _check_finite(path: Path, key: str, array: npt.NDArray[np.float32]) -> None:
    for index, values in enumerate(array):
        if not np.isfinite(values).all():
            raise RunError(f"{path}: {key}: a value of number {index} is not finite")


@contextmanager
def _open_archive(path: Path) -> Iterator[NpzFile]:
    """The archive, inside of which what is wrong with the file or its content becomes a RunError."""
    try:
        with open(path, "rb") as file:
            first = file.read(6)
        if not first.startswith(b"PK"):  # NumPy would take it for a pickle, and say so
            what = "a single array" if first == b"\x93NUMPY" else "not a NumPy archive"
            raise RunError(f"{path}: {what}; {_EXPECTED}")
        with np.load(path, allow_pickle=False) as archive:
            yield archive
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror or fault}; {_EXPECTED}") from None
    except (ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as fault:
        raise RunError(f"{path}: damaged, or not a NumPy archive: {fault}; {_EXPECTED}") from None
