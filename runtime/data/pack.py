"""A pack: a folder of photographs in one file, decoded once, of which only the rows that are needed are read.

Of an image, the pixels are kept as they are, and reduced by 2, 4 and 8, as `decode` reduces them: so crops from a pack
are those from the folder, to the last bit. The index has a SHA-256 of each of these forms, which is compared when one
is read for the first time. The file is read, not mapped: one that is cut short meanwhile is a fault of an image, and
does not end the process.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from resnetc.bounded_read import open_regular
from resnetc.runtime.data.dataset import MixedOutline, Outline
from resnetc.runtime.data.decode import Pixels, Region
from resnetc.runtime.data.labels import describe_labels
from resnetc.runtime.data.pack_index import HEAD, LEVELS, MARK, MAX_INDEX_BYTES, parse_index
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
        self._stream, head = _open_file(path)
        self._handle = self._stream.fileno()
        self._buffer = np.empty(0, np.uint8)  # memory that is there already is read into faster
        self._room = self._buffer.data
        size = os.fstat(self._stream.fileno()).st_size
        _, start, length, self.digest = HEAD.unpack(head)
        if start < HEAD.size or start + length != size:
            raise self._describe_fault(f"{size:,} bytes, but its header says {start + length:,}: damaged or truncated")
        if length > MAX_INDEX_BYTES:
            raise self._describe_fault(f"an index of {length:,} bytes; the limit is {MAX_INDEX_BYTES:,}")
        content = memoryview(self._read(start, length).tobytes())
        if hashlib.sha256(content).digest() != self.digest:
            raise self._describe_fault("damaged: its index does not match its SHA-256")
        self.index = parse_index(content, start, path)
        self._places = [np.ascontiguousarray(self.index.rows[key]) for key in ("offset", "height", "width")]
        self._is_verified = np.zeros((len(self.index.rows), len(LEVELS)), bool)

    def __reduce__(self) -> tuple[Callable[[Path], Pack], tuple[Path]]:
        return Pack, (self.path,)

    def open(self, number: int) -> PackedPicture:
        """One of its images."""
        return PackedPicture(self, number, self._places[1].item(number), self._places[2].item(number))

    def read_rows(self, number: int, factor: int, top: int, bottom: int) -> Pixels:
        """Rows of an image reduced by `factor`, which hold until the next are read; RunError if it is damaged."""
        start, height, width = self._locate(number, factor)
        channels = self.index.channels
        each, level = width * channels, LEVELS.index(factor)
        if self._is_verified.item(number, level):
            self._read(start + top * each, (bottom - top) * each, number)
            return np.ndarray((bottom - top, width, channels), np.uint8, self._buffer)
        content = self._read(start, height * each, number)
        if hashlib.sha256(content.data).digest() != self.index.rows["digests"][number, level].tobytes():
            raise self._describe_fault(f"damaged: {self.index.describe(number)} does not match its SHA-256")
        self._is_verified[number, level] = True
        return content.reshape(height, width, channels)[top:bottom]

    def _locate(self, number: int, factor: int) -> _StoredForm:
        """The form of an image that is reduced by `factor`."""
        offsets, heights, widths = self._places
        start, height, width = offsets.item(number), heights.item(number), widths.item(number)
        if factor == 1:
            return _StoredForm(start, height, width)
        for smaller in LEVELS[: LEVELS.index(factor)]:
            start += -(-height // smaller) * -(-width // smaller) * self.index.channels
        return _StoredForm(start, -(-height // factor), -(-width // factor))

    def _read(self, start: int, length: int, number: int | None = None) -> Pixels:
        """Bytes of an image, or of the index, as the first of the buffer; RunError where the file has fewer by now."""
        if len(self._buffer) < length:
            self._buffer = np.empty(length, np.uint8)
            self._room = self._buffer.data
        try:
            size = _read_into(self._handle, start, self._room[:length])
        except OSError as fault:
            raise self._describe_fault(f"cannot read {self._name(number)}: {fault.strerror or fault}") from None
        if size != length:
            raise self._describe_fault(f"truncated since it was opened: {self._name(number)} is cut off")
        return self._buffer[:length]

    def _name(self, number: int | None) -> str:
        return "its index" if number is None else self.index.describe(number)

    def _describe_fault(self, text: str) -> RunError:
        return RunError(f"{one_line(str(self.path))}: {text}")


def _read_into(handle: int, start: int, room: memoryview) -> int:
    """Fill the room with the bytes of an open file from a place on; how many there were. Processes that share the file
    do not interfere."""
    done = os.preadv(handle, [room], start)
    while 0 < done < len(room) and (count := os.preadv(handle, [room[done:]], start + done)):
        done += count
    return done


def _open_file(path: Path) -> tuple[BinaryIO, bytes]:
    """A pack and its head; RunError for a file that cannot be one."""
    try:
        stream = open_regular(path)
        head = os.pread(stream.fileno(), HEAD.size, 0)
        if len(head) == HEAD.size and head.startswith(MARK):
            return stream, head
        stream.close()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise RunError(f"{one_line(str(path))}: cannot read it: {reason}; {_EXPECTED}") from None
    raise RunError(f"{one_line(str(path))}: not a pack; {_EXPECTED}")


class _StoredForm(NamedTuple):
    """Where a form of an image starts in the file, in bytes, and its size in pixels."""

    start: int
    height: int
    width: int


@dataclass(slots=True)  # not frozen, which takes three times as long to make
class PackedPicture:
    """One image of a pack. A context, which has nothing to close."""

    pack: Pack
    number: int
    height: int
    width: int

    def __enter__(self) -> PackedPicture:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, reduced by `factor`."""
        from PIL import Image

        pixels = self.cut(factor, region).copy()  # of grey pixels, an image would be a view
        return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array, which holds until the next is read from the pack."""
        left, top, right, bottom = region
        return self.pack.read_rows(self.number, factor, top, bottom)[:, left:right]


@dataclass(frozen=True, slots=True)
class PackPictures:
    """The training or the test images of a pack: those from `start` on."""

    pack: Pack
    start: int
    count: int

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        return self.pack.index.channels

    def __len__(self) -> int:
        return self.count

    def open(self, index: int) -> AbstractContextManager[PackedPicture]:
        """One of them."""
        return self.pack.open(self.start + index)


def read_outline(path: Path | None) -> Outline | MixedOutline:
    """The photographs in the file `path`."""
    require_packages("PIL")
    if path is None:
        raise RunError(f"--data pack: needs a path: --data pack:FILE; {_EXPECTED}")
    pack = Pack(path)
    rows, names, channels = pack.index.rows, pack.index.class_names, pack.index.channels
    sizes = np.stack([rows["height"], rows["width"]], 1).astype(np.int64)
    train, test = (
        Part(PackPictures(pack, start, stop - start), pack.index.labels[start:stop], sizes[start:stop])
        for start, stop in ((0, pack.index.train), (pack.index.train, len(rows)))
    )
    note = "" if pack.index.table is None else f"{one_line(str(path))}: {describe_labels(len(names))}"
    return Source(
        "pack",
        path,
        class_names=names,
        channels=channels,
        train=train,
        test=test,
        compute_fingerprint=pack.digest.hex,
        note=note,
    ).outline()
