"""A pack: a folder of photographs in one file, decoded once, read through a memory map.

The file: 64 bytes (a mark; where the index begins and how long it is; its SHA-256), the pixels of every image, the
index. Of an image, the pixels are kept as they are, and reduced by 2, 4 and 8, as `decode` reduces them: so crops from
a pack are those from the folder, to the last bit. The index has a SHA-256 of each of them, which is compared where one
is read for the first time. A pack may come from a stranger: nothing that it says is believed before it is checked.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resnetc.bounded_read import open_regular
from resnetc.runtime.data.dataset import MixedOutline, Outline
from resnetc.runtime.data.decode import FACTORS, MAX_PIXELS, MIN_REDUCED_SIDE, Pixels, Region
from resnetc.runtime.data.files import check_names
from resnetc.runtime.data.photographs import Part, Source
from resnetc.runtime.errors import RunError, require_packages
from resnetc.terminal import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

_EXPECTED = "expected a file that `resnetc pack` wrote"
MARK = b"resnetc pack 1\n\0"
HEAD = struct.Struct("<16sQQ32s")  # the mark; where the index begins; its length; its SHA-256
_LEVELS = (1, *sorted(FACTORS))
ROW = np.dtype(
    [
        ("offset", "<u8"),
        ("label", "<u4"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("digests", "u1", (len(_LEVELS), hashlib.sha256().digest_size)),
    ]
)
_MAX_TEXT_BYTES = 1 << 26  # of the description and of the names of the files, each
MAX_IMAGES = 1 << 24


def list_levels(height: int, width: int) -> list[tuple[int, int, int]]:
    """Factor, height and width of each form in which an image of this size is kept."""
    return [
        (factor, -(-height // factor), -(-width // factor))
        for factor in _LEVELS
        if factor == 1 or min(height, width) >= factor * MIN_REDUCED_SIDE
    ]


@dataclass(frozen=True, slots=True)
class PackedPicture:
    """One image of a pack."""

    pack: Pack
    index: int
    height: int
    width: int

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, reduced by `factor`."""
        from PIL import Image

        pixels = self.cut(factor, region)
        return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array, which is not to be written to."""
        left, top, right, bottom = region
        return self.pack.read_pixels(self.index, factor)[top:bottom, left:right]


class Pack:
    """An open pack; in another process it is opened again.

    rows: one per image, those to train with first; names: of the files that they were, in the same order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open_regular(path) as stream:
                head = stream.read(HEAD.size)
                if len(head) < HEAD.size or not head.startswith(MARK):
                    raise self.fault(f"not a pack; {_EXPECTED}")
                self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as fault:
            raise self.fault(f"cannot read it: {getattr(fault, 'strerror', None) or fault}") from None
        _, start, length, digest = HEAD.unpack(head)
        if start < HEAD.size or start + length != len(self._bytes):
            raise self.fault(
                f"{len(self._bytes):,} bytes, not the {start + length:,} of its head: damaged or truncated"
            )
        index = memoryview(self._bytes)[start : start + length]
        if hashlib.sha256(index).digest() != digest:
            raise self.fault("damaged: its index does not match its SHA-256")
        self.digest, self._end = digest, start
        self._read_index(index)
        self._verified = np.zeros((len(self.rows), len(_LEVELS)), bool)

    def __reduce__(self) -> tuple[Callable[[Path], Pack], tuple[Path]]:
        return Pack, (self.path,)

    def fault(self, text: str) -> RunError:
        """A message about this file."""
        return RunError(f"{one_line(str(self.path))}: {text}")

    def _read_index(self, index: memoryview) -> None:
        length = int.from_bytes(index[:8], "little")
        if not 0 < length <= min(_MAX_TEXT_BYTES, len(index) - 8):
            raise self.fault("damaged: its index has no description")
        try:
            about: Any = json.loads(bytes(index[8 : 8 + length]))
            self.class_names = tuple(about["classes"])
            self.channels, self.train_count, count = about["channels"], about["train"], about["images"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self.fault("damaged: its description is none") from None
        counts = (self.channels, self.train_count, count)
        if not all(type(number) is int for number in counts) or self.channels not in (1, 3):
            raise self.fault("damaged: its description has no numbers of channels and images")
        if not 0 < self.train_count < count <= MAX_IMAGES:
            raise self.fault(f"{count:,} images, {self.train_count:,} of them to train with; at most {MAX_IMAGES:,}")
        if not self.class_names or not all(isinstance(name, str) for name in self.class_names):
            raise self.fault("damaged: its description has no names of classes")
        check_names(self.path, self.class_names)
        table = index[8 + length :]
        if len(table) - count * ROW.itemsize not in range(_MAX_TEXT_BYTES + 1):
            raise self.fault(f"damaged: its index has no rows for {count:,} images")
        self.rows = np.frombuffer(table, ROW, count)
        self._names = bytes(table[count * ROW.itemsize :]).split(b"\0")
        self._check_rows()

    def _check_rows(self) -> None:
        """RunError unless every image has a class and pixels inside the file."""
        height, width = self.rows["height"].astype(np.int64), self.rows["width"].astype(np.int64)
        limit = MAX_PIXELS // np.maximum(width, 1)
        wrong = (height < 1) | (width < 1) | (width > MAX_PIXELS) | (height > limit)
        wrong |= self.rows["label"] >= len(self.class_names)
        if not wrong.any():
            room = np.zeros(len(self.rows), np.int64)
            for factor in _LEVELS:
                is_there = (np.minimum(height, width) >= factor * MIN_REDUCED_SIDE) | (factor == 1)
                room += np.where(is_there, (-(-height // factor)) * (-(-width // factor)) * self.channels, 0)
            room = np.minimum(room, self._end)
            offset = self.rows["offset"]
            wrong |= (offset < HEAD.size) | (offset > (self._end - room).astype(np.uint64))
        if wrong.any():
            raise self.fault(
                f"{self.describe(int(np.flatnonzero(wrong)[0]))}: its size, class or place cannot be right"
            )

    def describe(self, index: int) -> str:
        """`image 7 (cat/7.jpg)`."""
        name = self._names[index].decode("utf-8", "surrogateescape") if index < len(self._names) else ""
        return f"image {index} ({one_line(name)[:200]})"

    def read_pixels(self, index: int, factor: int) -> Pixels:
        """An image reduced by `factor`: a view of the file; RunError if it is damaged."""
        row, level = self.rows[index], _LEVELS.index(factor)
        forms = list_levels(int(row["height"]), int(row["width"]))
        lengths = [level_height * level_width * self.channels for _, level_height, level_width in forms[: level + 1]]
        pixels = np.frombuffer(self._bytes, np.uint8, lengths[level], int(row["offset"]) + sum(lengths[:level]))
        if not self._verified[index, level]:
            if hashlib.sha256(pixels.data).digest() != row["digests"][level].tobytes():
                raise self.fault(f"{self.describe(index)} is damaged: its pixels do not match their SHA-256")
            self._verified[index, level] = True
        return pixels.reshape(*forms[level][1:], self.channels)


@dataclass(frozen=True, slots=True)
class PackPictures:
    """The training or the test images of a pack: those from `start` on."""

    pack: Pack
    start: int
    count: int

    def __len__(self) -> int:
        return self.count

    def open(self, index: int) -> AbstractContextManager[PackedPicture]:
        """One of them."""
        row = self.pack.rows[self.start + index]
        return nullcontext(PackedPicture(self.pack, self.start + index, int(row["height"]), int(row["width"])))


def read_outline(path: Path | None) -> Outline | MixedOutline:
    """The photographs in the file `path`."""
    require_packages("PIL")
    if path is None:
        raise RunError(f"--data pack: needs a path: --data pack:FILE; {_EXPECTED}")
    pack = Pack(path)
    train, test = (
        Part(
            PackPictures(pack, start, stop - start),
            pack.rows["label"][start:stop].astype(np.int64),
            np.stack([pack.rows["height"][start:stop], pack.rows["width"][start:stop]], 1).astype(np.int64),
        )
        for start, stop in ((0, pack.train_count), (pack.train_count, len(pack.rows)))
    )
    return Source("pack", path, pack.class_names, pack.channels, train, test, pack.digest.hex).outline()
