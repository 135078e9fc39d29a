"""Opens regular files, and reads them up to a limit of bytes; pipes, devices and endless files are refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegular(OSError):
    """A pipe, a socket or a device."""


class TooLarge(OSError):
    """A file with more bytes than the limit, whatever size the system reports."""


def contents(path: Path, most: int) -> bytes:
    """All bytes of a file. Raises OSError; IsADirectoryError, `NotRegular` and `TooLarge` among others."""
    with open_regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise TooLarge(f"larger than {most} bytes")
    return data


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading bytes. Raises OSError, as `contents` does."""
    _regular(os.stat(path))  # before it is opened, which a device may notice
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)), "rb")
    try:
        _regular(os.fstat(stream.fileno()))  # what was opened may be another file by now
    except OSError:
        stream.close()
        raise
    return stream


def read_small(path: Path, most: int) -> bytes | None:
    """All bytes of a file, quickly; None where it has more than `most`, or grows. Raises OSError, as `contents`
    does."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
        _regular(status)
        if status.st_size > most:
            return None
        data = os.read(handle, status.st_size + 1)
    finally:
        os.close(handle)
    return data if len(data) <= status.st_size else None


def _regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular("not a regular file")
