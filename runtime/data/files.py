"""Reads files that users name, plain or gzipped, up to a limit of bytes; each kind of damage has one message."""

import gzip
import zlib
from pathlib import Path

from resnetc.runtime.errors import RunError

MAX_CLASSES = 10_000
MAX_NAME_CHARACTERS = 1_000  # characters of a class's name
MAX_SIDE = 1 << 14  # values along an axis of an input
MAX_VALUES = 1 << 26  # values of an input, all channels


def read_content(path: Path, max_bytes: int) -> bytes:
    """The bytes of `path`, unpacked if its name ends in `.gz`; at most `most + 1`, so that a decompression bomb stays
    small.

    Raises RunError if the file is missing, unreadable or damaged.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as packed:
                return packed.read(max_bytes + 1)
        with open(path, "rb") as file:
            return file.read(max_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise RunError(f"{path}: damaged gzip file: {fault}; download it again") from None
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror}") from None


def find_first(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first of `names` that is a file in `folder`."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def check_labels(path: Path, labels: bytes, classes: int, start: int, stride: int = 1) -> None:
    """Raise RunError for the first label that is not below `classes`; label i is byte `start + i * stride` of the
    file."""
    for index, label in enumerate(labels):
        if label >= classes:
            raise RunError(
                f"{path}: byte {start + index * stride}: label {label} at image {index}; "
                f"expected labels from 0 to {classes - 1}"
            )


def check_names(where: object, names: tuple[str, ...]) -> None:
    """Raise RunError for too many classes, and for a name that is too long; otherwise a name may be any text."""
    if len(names) > MAX_CLASSES:
        raise RunError(f"{where}: {len(names):,} classes; the limit is {MAX_CLASSES:,}")
    for number, name in enumerate(names):
        if len(name) > MAX_NAME_CHARACTERS:
            raise RunError(
                f"{where}: the name of class {number} has {len(name):,} characters ({name[:20]}...); "
                f"the limit is {MAX_NAME_CHARACTERS:,}"
            )
