"""What a pack looks like, and its index, checked: nothing that a pack says is believed before.

The file: 64 bytes (a mark; where the index begins and how long it is; its SHA-256), the pixels of every image, the
index. The index: 8 bytes (the length of the description), the description as JSON, a row for each image, those to
train with first; where an image has any number of classes, a bit for each, 8 in a byte, the first the highest; and the
names of the files.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from resnetc.runtime.data.decode import FACTORS, MAX_PIXELS, MIN_REDUCED_SIDE
from resnetc.runtime.data.files import check_names
from resnetc.runtime.data.json_values import is_count
from resnetc.runtime.data.photographs import Labels
from resnetc.runtime.errors import RunError
from resnetc.terminal import one_line

MARK = b"resnetc pack 1\n\0"
HEAD = struct.Struct("<16sQQ32s")  # the mark; where the index begins; its length; its SHA-256
LEVELS = (1, *sorted(FACTORS))  # by which the forms of an image are reduced, in their order
ROW = np.dtype(
    [
        ("offset", "<u8"),
        ("label", "<u4"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("digests", "u1", (len(LEVELS), hashlib.sha256().digest_size)),
    ]
)
MAX_IMAGES = 1 << 24
_MAX_TEXT_BYTES = 1 << 28  # of the description and of the names of the files, each
MAX_LABEL_BYTES = 1 << 28  # of the bits
MAX_INDEX_BYTES = 8 + 2 * _MAX_TEXT_BYTES + MAX_LABEL_BYTES + MAX_IMAGES * ROW.itemsize
_MAX_NAME_CHARACTERS = 200  # of a file's name, in a message


@dataclass(frozen=True, eq=False, slots=True)
class PackIndex:
    """rows: one per image, those to train with first; names: of the files that they were, in the same order. table:
    uint8 [images, classes] of 0 and 1, where an image has any number of classes; its row says 0 then."""

    class_names: tuple[str, ...]
    channels: int
    train: int
    rows: npt.NDArray[np.void]
    names: tuple[bytes, ...]
    table: npt.NDArray[np.uint8] | None = None

    @property
    def labels(self) -> Labels:
        """The labels of all images: int64 [images]; or the table."""
        return self.rows["label"].astype(np.int64) if self.table is None else self.table

    def describe(self, index: int) -> str:
        """`image 7 (cat/7.jpg)`."""
        name = self.names[index].decode("utf-8", "surrogateescape") if index < len(self.names) else ""
        return f"image {index} ({one_line(name)[:_MAX_NAME_CHARACTERS]})"


class Level(NamedTuple):
    """A form in which an image is kept: by which factor it is reduced, and its size in pixels."""

    factor: int
    height: int
    width: int


def list_levels(height: int, width: int) -> list[Level]:
    """The forms in which an image of this size is kept."""
    return [
        Level(factor, -(-height // factor), -(-width // factor))
        for factor in LEVELS
        if factor == 1 or min(height, width) >= factor * MIN_REDUCED_SIDE
    ]


def format_index(index: PackIndex) -> bytes:
    """The index as `parse_index` reads it."""
    counts = {"channels": index.channels, "images": len(index.rows), "train": index.train}
    kind = {"classes": list(index.class_names), "multi_label": index.table is not None}
    about = json.dumps(counts | kind).encode()
    bits = b"" if index.table is None else np.packbits(index.table, axis=1).tobytes()
    return len(about).to_bytes(8, "little") + about + index.rows.tobytes() + bits + b"\0".join(index.names)


def count_label_bytes(images: int, classes: int) -> int:
    """The bytes of the bits of all images."""
    return images * -(-classes // 8)


def parse_index(content: memoryview, end: int, path: Path) -> PackIndex:
    """The index of the pack `path`, whose pixels end at byte `end`; RunError for what cannot be right."""
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= min(_MAX_TEXT_BYTES, len(content) - 8):
        raise _describe_fault(path, "damaged: its index has no description")
    try:
        about: object = json.loads(bytes(content[8 : 8 + length]))
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or not all(is_count(about.get(key)) for key in ("channels", "images", "train")):
        raise _describe_fault(path, "damaged: its description has no numbers of channels and images")
    channels, count, train, class_names = about["channels"], about["images"], about["train"], about.get("classes")
    if channels not in (1, 3):
        raise _describe_fault(path, f"{channels} channels; expected 1 or 3")
    if not 0 < train <= count <= MAX_IMAGES:
        raise _describe_fault(path, f"{count:,} images, {train:,} of them for training; the limit is {MAX_IMAGES:,}")
    if not isinstance(class_names, list) or not class_names or not all(isinstance(name, str) for name in class_names):
        raise _describe_fault(path, "damaged: its description has no names of classes")
    check_names(one_line(str(path)), tuple(class_names))
    rest, classes = content[8 + length :], len(class_names)
    size = count_label_bytes(count, classes) if about.get("multi_label") is True else 0
    start = count * ROW.itemsize + size
    if size > MAX_LABEL_BYTES or not start <= len(rest) <= start + _MAX_TEXT_BYTES:
        raise _describe_fault(path, f"damaged: its index has no rows for {count:,} images")
    rows = np.frombuffer(rest, ROW, count)
    table = None
    if size:
        bits = np.frombuffer(rest, np.uint8, size, count * ROW.itemsize).reshape(count, -1)
        table = np.unpackbits(bits, axis=1, count=classes)
    index = PackIndex(
        tuple(class_names), channels, train=train, rows=rows, names=tuple(bytes(rest[start:]).split(b"\0")), table=table
    )
    wrong = _find_wrong_rows(index, end)
    if len(wrong):
        what = index.describe(int(wrong[0]))
        raise _describe_fault(path, f"damaged: {what}: invalid size, class or position")
    return index


def _find_wrong_rows(index: PackIndex, end: int) -> npt.NDArray[np.intp]:
    """The images that have no class, no pixels, too many, or some outside the file."""
    height, width = index.rows["height"].astype(np.int64), index.rows["width"].astype(np.int64)
    wrong = (height < 1) | (width < 1) | (height > MAX_PIXELS // np.maximum(width, 1))
    wrong |= index.rows["label"] >= len(index.class_names)
    height, width = np.where(wrong, 1, height), np.where(wrong, 1, width)
    room = np.zeros(len(wrong), np.int64)
    for factor in LEVELS:
        is_there = (np.minimum(height, width) >= factor * MIN_REDUCED_SIDE) | (factor == 1)
        room += np.where(is_there, (-(-height // factor)) * (-(-width // factor)) * index.channels, 0)
    wrong |= (room > end) | (index.rows["offset"] < HEAD.size)
    wrong |= index.rows["offset"] > (end - np.minimum(room, end)).astype(np.uint64)
    return np.flatnonzero(wrong)


def _describe_fault(path: Path, text: str) -> RunError:
    return RunError(f"{one_line(str(path))}: {text}")
