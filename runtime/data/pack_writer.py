"""Writes a pack: decodes every photograph of a folder once, and puts the file in its place when it is whole."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from resnetc.runtime.data.decode import Pixels, crop_and_resize, to_array
from resnetc.runtime.data.image_folder import look_at_folder
from resnetc.runtime.data.pack import Pack
from resnetc.runtime.data.pack_index import (
    HEAD,
    MARK,
    MAX_IMAGES,
    MAX_LABEL_BYTES,
    ROW,
    PackIndex,
    count_label_bytes,
    format_index,
    list_levels,
)
from resnetc.runtime.data.photographs import INTERPOLATION, Pictures
from resnetc.runtime.errors import RunError
from resnetc.terminal import one_line


@dataclass(frozen=True, slots=True)
class PackReport:
    """What was written: numbers of images and classes, of channels, and of the file's bytes.

    note: what the folder's labels were taken for and what was left out, empty where nothing is to be said.
    """

    train: int
    test: int
    classes: int
    channels: int
    size: int
    note: str


def write_pack(
    path: Path, out: Path, side: int | None = None, report_progress: Callable[[int, int], None] | None = None
) -> PackReport:
    """Write the photographs in the folder `path` into the new file `out`.

    side: photographs whose short side is longer are resized to it; None: all are kept as they are. `report_progress`
    is told how many images of how many are done. RunError, and nothing is left behind, where a photograph is damaged,
    `out` exists or cannot be written.
    """
    if os.path.lexists(out):
        raise RunError(f"{out}: already exists: remove it, or choose another name", status=2)
    folder, source = look_at_folder(path)
    train, images = len(source.train.labels), len(source.train.labels) + len(source.test.labels)
    if images > MAX_IMAGES:
        raise RunError(f"{path}: {images:,} images; the limit is {MAX_IMAGES:,}")
    labels = np.concatenate(folder.labels)
    table = labels.astype(np.uint8) if labels.ndim == 2 else None
    if table is not None and count_label_bytes(*table.shape) > MAX_LABEL_BYTES:
        count, classes = table.shape
        raise RunError(f"{path}: {count:,} images of {classes:,} classes; the limit is {8 * MAX_LABEL_BYTES:,} labels")
    with _write_atomically(out) as stream:
        rows = np.zeros(images, ROW)
        if table is None:
            rows["label"] = labels
        stream.write(bytes(HEAD.size))
        for number in range(images):
            part, first = (source.train, 0) if number < train else (source.test, train)
            levels = _list_pixels(part.pictures, number - first, side)
            rows[number]["offset"], rows[number]["height"], rows[number]["width"] = stream.tell(), *levels[0].shape[:2]
            for level, pixels in enumerate(levels):
                content = pixels.tobytes()
                rows[number]["digests"][level] = np.frombuffer(hashlib.sha256(content).digest(), np.uint8)
                stream.write(content)
            if report_progress is not None:
                report_progress(number + 1, images)
        names = [name.encode("utf-8", "surrogateescape") for part in folder.names for name in part]
        index = format_index(
            PackIndex(folder.class_names, source.channels, train=train, rows=rows, names=tuple(names), table=table)
        )
        start = stream.tell()
        stream.write(index)
        stream.seek(0)
        stream.write(HEAD.pack(MARK, start, len(index), hashlib.sha256(index).digest()))
    size = start + len(index)
    return PackReport(
        train, images - train, classes=len(folder.class_names), channels=source.channels, size=size, note=folder.note
    )


def _list_pixels(pictures: Pictures, index: int, side: int | None) -> list[Pixels]:
    """The forms in which an image is kept, the largest first."""
    with pictures.open(index) as image:
        height, width = image.height, image.width
        if side is not None and min(height, width) > side:
            scale = side / min(height, width)
            size = max(1, round(height * scale)), max(1, round(width * scale))
            return _reduce(crop_and_resize(image, (0, 0, width, height), size, INTERPOLATION))
    forms = []
    for factor, level_height, level_width in list_levels(height, width):
        with pictures.open(index) as image:
            forms.append(image.cut(factor, (0, 0, level_width, level_height)))
    return forms


def _reduce(pixels: Pixels) -> list[Pixels]:
    """An image that was resized, and what is kept of it besides."""
    from PIL import Image

    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    factors = [level.factor for level in list_levels(*pixels.shape[:2])]
    return [to_array(image.reduce(factor) if factor > 1 else image) for factor in factors]


@contextmanager
def _write_atomically(out: Path) -> Iterator[BinaryIO]:
    """A stream into a file that gets its name when all was written, and was read back; else nothing is left of it."""
    temporary = out.with_name(f"{out.name}.tmp")
    try:
        if temporary.is_symlink() or temporary.is_file():  # what a crash has left; no link is followed
            temporary.unlink()
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as fault:
        raise RunError(f"{one_line(str(out))}: cannot write it: {fault.strerror}") from None
    try:
        with open(handle, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Pack(temporary)
        os.replace(temporary, out)
    except OSError as fault:
        temporary.unlink(missing_ok=True)
        raise RunError(f"{one_line(str(out))}: cannot write it: {fault.strerror or fault}") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
