"""What a trained network can be given to predict: image files, folders of them, arrays in files or in memory.

A path, an image of Pillow and an array all become the values that `Preprocessing` describes, by the code that
evaluation uses. Faults of a file are RunErrors that name it; those of values in memory are ValueErrors.
"""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from resnetc.bounded_read import open_regular
from resnetc.runtime.data import decode
from resnetc.runtime.data.image_folder import list_images
from resnetc.runtime.data.preprocessing import AXES, Preprocessing
from resnetc.runtime.errors import RunError

if TYPE_CHECKING:
    from os import PathLike

    from PIL.Image import Image

Array: TypeAlias = npt.NDArray[np.generic]
InputSource: TypeAlias = "str | PathLike[str] | Image | Array | Tensor"

MAX_INPUTS = 1_000_000  # in one file
MAX_PACKED_BYTES = 1 << 31  # of an array in an .npz, unpacked
_BYTES = (0.0, 255.0)  # the range of bytes
_NUMBERS = "uif"  # NumPy's kinds of dtypes that are numbers


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name in messages and results; `read` gives its values, [channels, *size], before normalising."""

    name: str
    read: Callable[[], Tensor]


def list_inputs(sources: Iterable[InputSource], preprocessing: Preprocessing) -> list[Input]:
    """Paths of image files and values in memory as inputs; a file is opened when it is read."""
    inputs = []
    for number, source in enumerate(sources):
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            inputs.append(Input(str(path), partial(_read_file, path, preprocessing)))
        else:
            inputs.append(Input(f"[{number}]", partial(_convert_values, source, preprocessing)))
    return inputs


def list_argument(argument: str, preprocessing: Preprocessing) -> list[Input]:
    """What an argument of the command line stands for: an image, every image below a folder, or the rows of an array.

    RunError if there is no such file, or nothing in it that the network could be given.
    """
    path = Path(argument)
    file, colon, key = argument.rpartition(":")
    if colon and file.lower().endswith(".npz") and not path.exists():
        return _list_rows(Path(file), key, preprocessing)
    if path.suffix.lower() in (".npy", ".npz"):
        return _list_rows(path, "", preprocessing)
    if not os.path.isdir(path):
        if not os.path.lexists(path):
            raise RunError(f"{path}: no such file or folder")
        return list_inputs([path], preprocessing)
    images = list_images(path)
    if not images:
        raise RunError(f"{path}: no images in it ({', '.join(decode.ENDINGS)})")
    return list_inputs(images, preprocessing)


def _read_file(path: Path, preprocessing: Preprocessing) -> Tensor:
    """An image file as [channels, height, width]."""
    _require_images(str(path), preprocessing)
    with decode.open_image(path, preprocessing.channels) as picture:
        return _cut_out(picture, preprocessing)


def _require_images(name: str, preprocessing: Preprocessing) -> None:
    if preprocessing.kind != "image":
        raise RunError(f"{name}: the network takes a {preprocessing.kind}, not images: pass its values as .npy or .npz")
    if preprocessing.channels not in decode.MODES:
        raise RunError(
            f"{name}: the network takes {preprocessing.channels} channels, an image file has 1 or 3: pass the "
            "values as .npy or .npz"
        )


def _cut_out(picture: decode.Picture, preprocessing: Preprocessing) -> Tensor:
    """What the network is given of an image: resized and cropped, in the range of the run."""
    height, width = preprocessing.size
    pixels = decode.resize_and_crop(picture, preprocessing.resize, (height, width), preprocessing.interpolation)
    values = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    if preprocessing.range == _BYTES:
        return values
    low, high = preprocessing.range
    return values.float() * ((high - low) / 255) + low


def _convert_values(source: Image | Array | Tensor, preprocessing: Preprocessing) -> Tensor:
    """An image of Pillow, an array or a tensor as [channels, *size]; ValueError for other shapes or numbers."""
    if isinstance(source, Tensor):
        values = source.detach().cpu()
        if values.ndim == len(preprocessing.size) + 1 and preprocessing.kind == "image":
            values = values.permute(1, 2, 0)
        return _convert_array(values.numpy(), preprocessing)
    if isinstance(source, np.ndarray):
        return _convert_array(source, preprocessing)
    from PIL.Image import Image

    if not isinstance(source, Image):
        raise ValueError(f"an image is a path, a Pillow image, a NumPy array or a tensor, not {type(source).__name__}")
    _require_images("a Pillow image", preprocessing)
    return _cut_out(decode.convert_image(source, preprocessing.channels), preprocessing)


def _convert_array(array: Array, preprocessing: Preprocessing) -> Tensor:
    """One input as an array [*size], of an image [height, width, channels], of others [channels, *size]."""
    channels, is_image = preprocessing.channels, preprocessing.kind == "image"
    if array.ndim == len(preprocessing.size) and channels == 1:
        array = array[..., None] if is_image else array[None]
    if array.ndim != len(preprocessing.size) + 1 or array.shape[-1 if is_image else 0] != channels:
        raise ValueError(f"shape {list(array.shape)}; expected {_describe_shape(preprocessing)}")
    if preprocessing.dtype == "uint8" and array.dtype != np.uint8:
        raise ValueError(f"{array.dtype} numbers; the network was trained on bytes: uint8, 0 to 255")
    if array.dtype.kind not in _NUMBERS:
        raise ValueError(f"{array.dtype} values; expected numbers")
    if is_image and array.dtype == np.uint8 and channels in decode.MODES:
        return _cut_out(decode.wrap_pixels(array.astype(np.uint8)), preprocessing)
    values = np.moveaxis(array, -1, 0) if is_image else array
    if values.shape[1:] != preprocessing.size:
        raise ValueError(f"shape {list(array.shape)}; expected {_describe_shape(preprocessing)}")
    if array.dtype != np.uint8:
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("a value that is not finite")
    return torch.from_numpy(np.array(values, order="C"))  # a copy: a row of a mapped file is read-only


def _describe_shape(preprocessing: Preprocessing, count: str = "") -> str:
    """The shapes that an array may have: of one input, or with `count` in front of several."""
    sizes = list(map(str, preprocessing.size))
    if preprocessing.kind == "image" and preprocessing.channels in decode.MODES:
        sizes = ["height", "width"]  # of any size: they are resized
    first, channels = [count] if count else [], str(preprocessing.channels)
    whole = [*first, *sizes, channels] if preprocessing.kind == "image" else [*first, channels, *sizes]
    shapes = [[*first, *sizes], whole] if preprocessing.channels == 1 else [whole]
    return " or ".join(f"[{', '.join(shape)}]" for shape in shapes)


def _list_rows(path: Path, key: str, preprocessing: Preprocessing) -> list[Input]:
    """The inputs in an array of a file, the first axis counts them; RunError for what is no such array."""
    array = _open_array(path, key)
    name = f"{path}:{key}" if key else str(path)
    axes = AXES[preprocessing.kind]
    has_channels = array.ndim == axes + 2
    if not (has_channels or (array.ndim == axes + 1 and preprocessing.channels == 1)):
        raise RunError(f"{name}: shape {list(array.shape)}; expected {_describe_shape(preprocessing, 'inputs')}")
    if not 0 < len(array) <= MAX_INPUTS:
        raise RunError(f"{name}: {len(array):,} inputs; expected 1 to {MAX_INPUTS:,}")
    return [Input(f"{name}[{row}]", partial(_read_row, array, row, name, preprocessing)) for row in range(len(array))]


def _read_row(array: Array, row: int, name: str, preprocessing: Preprocessing) -> Tensor:
    try:
        return _convert_array(np.asarray(array[row]), preprocessing)
    except ValueError as fault:
        raise RunError(f"{name}[{row}]: {fault}") from None


def _open_array(path: Path, key: str) -> Array:
    """The array in an .npy, read from the disk when it is used, or the one called `key` in an .npz."""
    try:
        open_regular(path).close()  # a pipe would be waited for
        if path.suffix.lower() == ".npy":
            array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
            return array
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename.removesuffix(".npy") for entry in archive.infolist()]
            if not key and len(names) != 1:
                listed = ", ".join(names[:8])
                raise RunError(f"{path}: {len(names)} arrays in it ({listed}): choose one with {path}:NAME")
            key = key or names[0]
            if key not in names:
                raise RunError(f"{path}: no `{key}` in it (it holds {', '.join(names[:8])})")
            entry = archive.infolist()[names.index(key)]
            with archive.open(entry) as stream:
                version = np.lib.format.read_magic(stream)
                if version == (1, 0):
                    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
                else:
                    shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
            if math.prod(shape) * dtype.itemsize > MAX_PACKED_BYTES:
                raise RunError(f"{path}:{key}: larger than {MAX_PACKED_BYTES:,} bytes: write it as .npy")
            with archive.open(entry) as stream:
                packed: Array = np.lib.format.read_array(stream, allow_pickle=False)
                return packed
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror or fault}") from None
    except (ValueError, EOFError, KeyError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error) as fault:
        raise RunError(f"{path}: damaged, or not a NumPy array: {fault}") from None
