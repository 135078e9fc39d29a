"""A NumPy archive: `train_images`, `train_labels`, `test_images`, `test_labels`, and `class_names` if there are any."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resnetc.runtime.data.dataset import Data
from resnetc.runtime.errors import RunError

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
_MOST_CLASSES = 10_000  # the confusion matrix has a cell for every pair of them
_EXPECTED = f"an .npz file with the keys {', '.join(KEYS)} is expected"


def _images(path: Path, key: str, array: np.ndarray[Any, Any]) -> Tensor:
    """uint8 [N, H, W] or [N, H, W, C] as uint8 [N, C, H, W]."""
    if array.dtype != np.uint8:
        raise RunError(f"{path}: {key}: {array.dtype} numbers; bytes (uint8, 0 to 255) are expected")
    shape = list(array.shape)
    if array.ndim not in (3, 4):
        raise RunError(f"{path}: {key}: shape {shape}; [images, height, width] or [..., channels] is expected")
    if 0 in shape:
        raise RunError(f"{path}: {key}: shape {shape}: there is nothing in it")
    whole = array[..., None] if array.ndim == 3 else array
    if whole.shape[3] > 4 >= whole.shape[1]:
        raise RunError(f"{path}: {key}: shape {shape}: the channels come last, [images, height, width, channels]")
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(whole, 3, 1)))


def _labels(path: Path, key: str, array: np.ndarray[Any, Any], count: int) -> Tensor:
    if not np.issubdtype(array.dtype, np.integer):
        raise RunError(f"{path}: {key}: {array.dtype} values; whole numbers from 0 on are expected")
    if array.shape != (count,):
        raise RunError(f"{path}: {key}: shape {list(array.shape)}; [{count}], one for each image, is expected")
    wrong = np.flatnonzero((array < 0) | (array >= _MOST_CLASSES))
    if len(wrong):
        raise RunError(
            f"{path}: {key}: label {array[wrong[0]]} at image {wrong[0]}; 0 to {_MOST_CLASSES - 1} are allowed"
        )
    return torch.from_numpy(array.astype(np.int64))


def read(path: Path | None) -> Data:
    """The set in the archive `path`; the number of classes is that of `class_names`, else the highest label plus 1."""
    if path is None:
        raise RunError(f"--data npz: needs a path: --data npz:FILE; {_EXPECTED}")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise RunError(f"{path}: not a file; {_EXPECTED}")
    try:
        with open(path, "rb") as file:
            first = file.read(6)
        if not first.startswith(b"PK"):  # NumPy would take it for a pickle, and say so
            what = "a single array" if first == b"\x93NUMPY" else "no NumPy archive"
            raise RunError(f"{path}: {what}; {_EXPECTED}")
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in KEYS if key not in archive]
            if missing:
                has = ", ".join(sorted(archive)) or "nothing"
                raise RunError(f"{path}: no {missing[0]} in it (it holds {has}); {_EXPECTED}")
            arrays = {key: archive[key] for key in (*KEYS, "class_names") if key in archive}
            if rubbish := [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]:
                raise RunError(f"{path}: {rubbish[0]}: not an array; {_EXPECTED}")
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror or fault}; {_EXPECTED}") from None
    except (ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as fault:
        raise RunError(f"{path}: damaged, or no NumPy archive: {fault}; {_EXPECTED}") from None

    train, test = (_images(path, key, arrays[key]) for key in ("train_images", "test_images"))
    if train.shape[1:] != test.shape[1:]:
        shapes = [list(arrays[key].shape[1:]) for key in ("train_images", "test_images")]
        raise RunError(f"{path}: test_images: images of {shapes[1]}, but train_images has {shapes[0]}")
    train_labels = _labels(path, "train_labels", arrays["train_labels"], len(train))
    test_labels = _labels(path, "test_labels", arrays["test_labels"], len(test))

    highest = int(max(train_labels.max(), test_labels.max()))
    names = tuple(str(number) for number in range(highest + 1))
    if "class_names" in arrays:
        given = arrays["class_names"]
        if given.dtype.kind != "U" or given.ndim != 1:
            raise RunError(f"{path}: class_names: {given.dtype} {list(given.shape)}; a list of texts is expected")
        names = tuple(given.tolist())
        if highest >= len(names):
            raise RunError(f"{path}: class_names: {len(names)} names, but label {highest} occurs")
    return Data("npz", path, names, train, train_labels, test, test_labels)
