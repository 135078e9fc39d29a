"""Reads a NumPy archive: `train_images`, `train_labels`, `test_images`, `test_labels` and optionally `class_names`.

The header of an array is checked before its content is read, so that a refused one takes no memory.
"""

from __future__ import annotations

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
from resnetc.runtime.errors import RunError

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
_EXPECTED = f"expected an .npz file with the keys {', '.join(KEYS)}"
_Labels = npt.NDArray[np.int64]
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


def _check_images(path: Path, key: str, header: _Header) -> tuple[int, ...]:
    """The shape [N, H, W, C] of uint8 [N, H, W] or [N, H, W, C]; RunError for anything else."""
    shape = list(header.shape)
    if header.dtype != np.uint8:
        raise RunError(f"{path}: {key}: {header.dtype} numbers; expected bytes (uint8, 0 to 255)")
    if len(shape) not in (3, 4):
        raise RunError(f"{path}: {key}: shape {shape}; expected [images, height, width] or [..., channels]")
    if 0 in shape:
        raise RunError(f"{path}: {key}: shape {shape}: there is nothing in it")
    whole = shape if len(shape) == 4 else [*shape, 1]
    if whole[3] > 4 >= whole[1]:
        raise RunError(f"{path}: {key}: shape {shape}: the channels come last, [images, height, width, channels]")
    return tuple(whole)


def _check_labels(path: Path, key: str, header: _Header, count: int) -> None:
    if not np.issubdtype(header.dtype, np.integer):
        raise RunError(f"{path}: {key}: {header.dtype} values; expected integers from 0 up")
    if header.shape != (count,):
        raise RunError(f"{path}: {key}: shape {list(header.shape)}; expected [{count}], one per image")


def _convert_labels(path: Path, key: str, array: npt.NDArray[np.integer]) -> _Labels:
    wrong = np.flatnonzero((array < 0) | (array >= MAX_CLASSES))
    if len(wrong):
        raise RunError(
            f"{path}: {key}: label {array[wrong[0]]} at image {wrong[0]}; 0 to {MAX_CLASSES - 1} are allowed"
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


def read_outline(path: Path | None) -> Outline:
    """The data set in the archive `path`; the number of classes is that of `class_names`, else the highest label plus
    1."""
    if path is None:
        raise RunError(f"--data npz: needs a path: --data npz:FILE; {_EXPECTED}")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise RunError(f"{path}: not a file; {_EXPECTED}")
    file = path
    with _open_archive(file) as archive:
        missing = [key for key in KEYS if key not in archive]
        if missing:
            has = ", ".join(sorted(archive)) or "nothing"
            raise RunError(f"{file}: no {missing[0]} in it (it holds {has}); {_EXPECTED}")
        headers = {key: _read_header(file, archive, key) for key in KEYS}
        train, test = (_check_images(file, key, headers[key]) for key in ("train_images", "test_images"))
        if train[1:] != test[1:]:
            shapes = [list(headers[key].shape[1:]) for key in ("train_images", "test_images")]
            raise RunError(f"{file}: test_images: images of {shapes[1]}, but train_images has {shapes[0]}")
        labels = []
        for key, count in (("train_labels", train[0]), ("test_labels", test[0])):
            _check_labels(file, key, headers[key], count)
            labels.append(_convert_labels(file, key, archive[key]))
        names = _read_class_names(file, archive)
    highest = int(max(array.max() for array in labels))
    if names is None:
        names = tuple(str(number) for number in range(highest + 1))
    elif highest >= len(names):
        raise RunError(f"{file}: class_names: {len(names)} names, but label {highest} occurs")
    classes = names
    return Outline(
        "npz",
        len(names),
        train[3],
        (train[1], train[2]),
        train[0],
        test[0],
        lambda: _read_data(file, classes, labels, train[1:]),
    )


def _read_data(path: Path, names: tuple[str, ...], labels: list[_Labels], shape: tuple[int, ...]) -> Data:
    """The images of an archive that has been looked at, each of `shape` [H, W, C]."""
    import torch

    parts = []
    with _open_archive(path) as archive:
        for key, answers in zip(("train_images", "test_images"), labels, strict=True):
            whole = archive[key].reshape(len(answers), *shape)
            parts.append(torch.from_numpy(np.ascontiguousarray(np.moveaxis(whole, 3, 1))))
            parts.append(torch.from_numpy(answers))
    return Data("npz", path, names, *parts)


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
