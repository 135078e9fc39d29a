"""A pack: a folder of photographs in one file, decoded once, read through a memory map.

Of an image, the pixels are kept as they are, and reduced by 2, 4 and 8, as `decode` reduces them: so crops from a pack
are those from the folder, to the last bit. The index has a SHA-256 of each of these forms, which is compared when one
is read for the first time.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnetc.bounded_read import open_regular
from resnetc.runtime.data.dataset import MixedOutline, Outline
from resnetc.runtime.data.decode import Pixels, Region
from resnetc.runtime.data.pack_index import HEAD, LEVELS, MARK, MAX_INDEX_BYTES, list_levels, parse_index
from resnetc.runtime.data.photographs import Part, Source
from resnetc.runtime.errors import RunError, require_packages
from resnetc.terminal import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

_EXPECTED = "expected a file that `resnetc pack` wrote"


class Pack:
    """An open pack; in a process that is sent one, the file is opened again. RunError for what is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        head, self._bytes = _map_file(path)
        _, start, length, self.digest = HEAD.unpack(head)
        if start < HEAD.size or start + length != len(self._bytes):
            raise self._describe_fault(
                f"{len(self._bytes):,} bytes, but its head says {start + length:,}: damaged or truncated"
            )
        if length > MAX_INDEX_BYTES:
            raise self._describe_fault(f"an index of {length:,} bytes; the limit is {MAX_INDEX_BYTES:,}")
        content = memoryview(self._bytes)[start:]
        if hashlib.sha256(content).digest() != self.digest:
            raise self._describe_fault("damaged: its index does not match its SHA-256")
        self.index = parse_index(content, start, path)
        self._is_verified = np.zeros((len(self.index.rows), len(LEVELS)), bool)

    def __reduce__(self) -> tuple[Callable[[Path], Pack], tuple[Path]]:
        return Pack, (self.path,)

    def read_pixels(self, number: int, factor: int) -> Pixels:
        """An image reduced by `factor`: a view of the file, not to be written to; RunError if it is damaged."""
        row, level = self.index.rows[number], LEVELS.index(factor)
        forms = list_levels(int(row["height"]), int(row["width"]))
        lengths = [height * width * self.index.channels for _, height, width in forms[: level + 1]]
        pixels = np.frombuffer(self._bytes, np.uint8, lengths[level], int(row["offset"]) + sum(lengths[:level]))
        if not self._is_verified[number, level]:
            if hashlib.sha256(pixels.data).digest() != row["digests"][level].tobytes():
                raise self._describe_fault(f"damaged: {self.index.describe(number)} does not match its SHA-256")
            self._is_verified[number, level] = True
        return pixels.reshape(*forms[level][1:], self.index.channels)

    def _describe_fault(self, text: str) -> RunError:
        return RunError(f"{one_line(str(self.path))}: {text}")


def _map_file(path: Path) -> tuple[bytes, mmap.mmap]:
    """The head of a pack and its bytes; RunError for a file that cannot be one."""
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD.size)
            if len(head) == HEAD.size and head.startswith(MARK):
                return head, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise RunError(f"{one_line(str(path))}: cannot read it: {reason}; {_EXPECTED}") from None
    raise RunError(f"{one_line(str(path))}: not a pack; {_EXPECTED}")


@dataclass(frozen=True, slots=True)
class PackedPicture:
    """One image of a pack."""

    pack: Pack
    number: int
    height: int
    width: int

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, reduced by `factor`."""
        from PIL import Image

        pixels = self.cut(factor, region)
        return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array, not to be written to."""
        left, top, right, bottom = region
        return self.pack.read_pixels(self.number, factor)[top:bottom, left:right]


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
        row = self.pack.index.rows[self.start + index]
        return nullcontext(PackedPicture(self.pack, self.start + index, int(row["height"]), int(row["width"])))


def read_outline(path: Path | None) -> Outline | MixedOutline:
    """The photographs in the file `path`."""
    require_packages("PIL")
    if path is None:
        raise RunError(f"--data pack: needs a path: --data pack:FILE; {_EXPECTED}")
    pack = Pack(path)
    rows, names, channels = pack.index.rows, pack.index.class_names, pack.index.channels
    sizes = np.stack([rows["height"], rows["width"]], 1).astype(np.int64)
    train, test = (
        Part(PackPictures(pack, start, stop - start), rows["label"][start:stop].astype(np.int64), sizes[start:stop])
        for start, stop in ((0, pack.index.train), (pack.index.train, len(rows)))
    )
    return Source("pack", path, names, channels, train, test, pack.digest.hex).outline()
