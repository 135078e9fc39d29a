"""Fashion-MNIST, and anything else in the four IDX files of MNIST, gzipped or not."""

import math
import struct
from pathlib import Path

import torch
from torch import Tensor

from resnetc.runtime.data.dataset import Data
from resnetc.runtime.data.files import check_labels, content, first_of
from resnetc.runtime.errors import RunError

FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
PLACE = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
_FILES = {"train": "train", "test": "t10k"}
_MOST = 1 << 31
_KINDS = {3: "images (magic 0x00000803)", 1: "labels (magic 0x00000801)"}


def _names(part: str, dimensions: int) -> tuple[str, ...]:
    what = f"{'images' if dimensions == 3 else 'labels'}-idx{dimensions}-ubyte"
    stems = (f"{_FILES[part]}-{what}", f"{_FILES[part]}-{what.replace('-idx', '.idx')}")
    return tuple(stem + ending for stem in stems for ending in ("", ".gz"))


def _array(path: Path, dimensions: int) -> tuple[bytes, tuple[int, ...]]:
    """The bytes and the sizes of one IDX file of unsigned bytes; RunError with the place of a fault."""
    header = 4 + 4 * dimensions
    first = content(path, header)[:header]
    if len(first) < header:
        raise RunError(f"{path}: {len(first)} bytes; IDX {_KINDS[dimensions]} begin with a header of {header}")
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", first)
    if magic != 0x800 + dimensions:
        raise RunError(f"{path}: byte 0: magic 0x{magic:08x}; IDX {_KINDS[dimensions]} are expected")
    shape, product = "x".join(map(str, sizes)), math.prod(sizes)
    due = header + product
    if due > _MOST:
        raise RunError(
            f"{path}: byte 4: the header says {shape}, which takes {due:,} bytes; at most {_MOST:,} are read"
        )
    raw = content(path, due)
    if len(raw) != due:
        cut = "it is cut off: get it again" if len(raw) < due else "what follows them belongs to something else"
        found = f"{len(raw):,}" if len(raw) < due else "more"
        raise RunError(f"{path}: the header says {shape}, which takes {due:,} bytes; the file has {found}; {cut}")
    if product == 0:
        raise RunError(f"{path}: byte 4: the header says {shape}: there is nothing in it")
    return raw[header:], tuple(sizes)


def _part(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    paths = []
    for dimensions in (3, 1):
        names = _names(part, dimensions)
        path = first_of(folder, names)
        if path is None:
            raise RunError(f"{folder}: no {names[0]} (or .gz) in it; the four IDX files of MNIST's format are expected")
        paths.append(path)
    pixels, (count, height, width) = _array(paths[0], 3)
    labels, (answers,) = _array(paths[1], 1)
    if answers != count:
        raise RunError(f"{paths[1]}: {answers:,} labels, but {paths[0]} has {count:,} images")
    check_labels(paths[1], labels, len(FASHION), start=8)
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(count, 1, height, width)
    return images, torch.frombuffer(bytearray(labels), dtype=torch.uint8).long()


def read(path: Path | None) -> Data:
    """Fashion-MNIST from the folder `path`, or from where Debian's package puts it: 60,000 and 10,000 of 1x28x28."""
    folder = path if path is not None else PLACE
    if path is None and not folder.is_dir():
        raise RunError(
            "--data fashion-mnist: not on this machine; on Debian: apt install dataset-fashion-mnist; elsewhere get "
            "the four files *-ubyte.gz of github.com/zalandoresearch/fashion-mnist and say --data fashion-mnist:FOLDER"
        )
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; the one with the four IDX files is expected")
    train, test = _part(folder, "train"), _part(folder, "test")
    if train[0].shape[1:] != test[0].shape[1:]:
        raise RunError(f"{folder}: training images of {list(train[0].shape[2:])}, test of {list(test[0].shape[2:])}")
    return Data("fashion-mnist", path, FASHION, *train, *test)
