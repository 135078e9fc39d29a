"""Reads Fashion-MNIST, and any other data in the four IDX files of MNIST, gzipped or not."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.runtime.data.dataset import Data, Outline
from resnetc.runtime.data.files import check_labels, find_first, read_content
from resnetc.runtime.errors import RunError, describe_no_folder

if TYPE_CHECKING:
    from torch import Tensor

FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DEFAULT_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
_FILES = {"train": "train", "test": "t10k"}
_MAX_BYTES = 1 << 31
_KINDS = {3: "images (magic 0x00000803)", 1: "labels (magic 0x00000801)"}


def _list_file_names(part: str, dimensions: int) -> tuple[str, ...]:
    what = f"{'images' if dimensions == 3 else 'labels'}-idx{dimensions}-ubyte"
    stems = (f"{_FILES[part]}-{what}", f"{_FILES[part]}-{what.replace('-idx', '.idx')}")
    return tuple(stem + ending for stem in stems for ending in ("", ".gz"))


def _read_header(path: Path, dimensions: int) -> tuple[int, ...]:
    """The sizes that one IDX file of unsigned bytes announces; RunError with the place of a fault."""
    header = 4 + 4 * dimensions
    first = read_content(path, header)[:header]
    if len(first) < header:
        raise RunError(f"{path}: {len(first)} bytes; IDX {_KINDS[dimensions]} start with a header of {header}")
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", first)
    if magic != 0x800 + dimensions:
        raise RunError(f"{path}: byte 0: magic 0x{magic:08x}; expected IDX {_KINDS[dimensions]}")
    shape, expected = "x".join(map(str, sizes)), header + math.prod(sizes)
    if expected > _MAX_BYTES:
        raise RunError(
            f"{path}: byte 4: the header says {shape}, which takes {expected:,} bytes; the limit is {_MAX_BYTES:,}"
        )
    return tuple(sizes)


def _read_array(path: Path, sizes: tuple[int, ...]) -> bytes:
    """The bytes behind the header of one IDX file, which announces `sizes`; RunError with the place of a fault."""
    header, shape = 4 + 4 * len(sizes), "x".join(map(str, sizes))
    expected = header + math.prod(sizes)
    raw = read_content(path, expected)
    if len(raw) != expected:
        cut = "it is truncated: download it again" if len(raw) < expected else "the extra bytes do not belong to them"
        actual = f"{len(raw):,}" if len(raw) < expected else "more"
        raise RunError(f"{path}: the header says {shape}, which takes {expected:,} bytes; the file has {actual}; {cut}")
    return raw[header:]


@dataclass(frozen=True, slots=True)
class _Part:
    """The two files of the training or the test images, and how many there are, of which height and width."""

    images: Path
    labels: Path
    count: int
    height: int
    width: int


def _read_part(folder: Path, part: str) -> _Part:
    paths = []
    for dimensions in (3, 1):
        names = _list_file_names(part, dimensions)
        path = find_first(folder, names)
        if path is None:
            raise RunError(f"{folder}: no {names[0]} (or .gz) in it; expected the four IDX files of MNIST's format")
        paths.append(path)
    count, height, width = _read_header(paths[0], 3)
    if 0 in (count, height, width):
        raise RunError(f"{paths[0]}: byte 4: the header says {count}x{height}x{width}: it is empty")
    (answers,) = _read_header(paths[1], 1)
    if answers != count:
        raise RunError(f"{paths[1]}: {answers:,} labels, but {paths[0]} has {count:,} images")
    return _Part(paths[0], paths[1], count=count, height=height, width=width)


def _read_tensors(part: _Part) -> tuple[Tensor, Tensor]:
    import torch

    pixels = _read_array(part.images, (part.count, part.height, part.width))
    labels = _read_array(part.labels, (part.count,))
    check_labels(part.labels, labels, len(FASHION), start=8)
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(part.count, 1, part.height, part.width)
    return images, torch.frombuffer(bytearray(labels), dtype=torch.uint8).long()


def read_outline(path: Path | None) -> Outline:
    """Fashion-MNIST from the folder `path`, or from Debian's package: 60,000 and 10,000 images of 1x28x28."""
    folder = path if path is not None else DEFAULT_FOLDER
    if path is None and not folder.is_dir():
        raise RunError(
            "--data fashion-mnist: not on this machine; on Debian: apt install dataset-fashion-mnist; otherwise "
            "get the four files *-ubyte.gz from github.com/zalandoresearch/fashion-mnist and pass --data "
            "fashion-mnist:FOLDER"
        )
    if not folder.is_dir():
        raise RunError(f"{folder}: {describe_no_folder(folder)}; expected the one with the four IDX files")
    train, test = _read_part(folder, "train"), _read_part(folder, "test")
    size = train.height, train.width
    if size != (test.height, test.width):
        raise RunError(f"{folder}: training images of {list(size)}, test of {[test.height, test.width]}")

    def read() -> Data:
        images, labels = _read_tensors(train)
        test_images, test_labels = _read_tensors(test)
        return Data(
            "fashion-mnist",
            path,
            class_names=FASHION,
            train_images=images,
            train_labels=labels,
            test_images=test_images,
            test_labels=test_labels,
        )

    return Outline("fashion-mnist", len(FASHION), channels=1, size=size, train=train.count, test=test.count, read=read)
