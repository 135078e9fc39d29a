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
    _regular(path.stat())  # before it is opened, which a device may notice
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)), "rb")
    try:
        _regular(os.fstat(stream.fileno()))  # what was opened may be another file by now
    except OSError:
        stream.close()
        raise
    return stream


def _regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular("not a regular file")
