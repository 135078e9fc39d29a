"""Decodes a JPEG in memory by Pillow's decoder alone, with its line where libjpeg-turbo is fast.

The decoder writes one line after the other to a buffer, and Pillow reads each back at once. On x86, libjpeg-turbo
stores past the caches if a line begins at a multiple of 32 bytes (jdcolext-avx2.asm: `vmovntdq`), and every line comes
back from memory: a tenth to a fifth more time for a photograph. Where the buffer lies is chance, but mostly the same
one for a whole process. glibc begins blocks at multiples of 16, so that other places are easily found. None of this
changes a pixel.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

_SLOW = 32  # bytes, of which a place is a multiple
_UNIT = 16  # bytes, of which the size of glibc's blocks is a multiple
_HEAD = 8  # bytes of a block that are not its user's
_MIN_SIZE = 1033  # bytes; smaller blocks are kept for `malloc` when they are freed, and `calloc` gets others
_MAX_TRIES = 6


class Allocator(NamedTuple):
    """calloc: number and size to the address of a block of zeros, or None; free: releases it."""

    calloc: Callable[[int, int], int | None]
    free: Callable[[int], object]


@cache
def find_allocator() -> Allocator | None:
    """The one that Pillow uses; None where the place of a line makes no difference."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    library = ctypes.CDLL(None)
    calloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)(("calloc", library))
    free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(("free", library))
    return Allocator(calloc, free)


def hold_slow_places(allocator: Allocator, size: int) -> list[int]:
    """Blocks to be freed later: while they are held, the next block of `size` bytes, if there is one that is not slow,
    begins between two multiples of 32."""
    blocks: list[int] = []
    if size < _MIN_SIZE:
        return blocks
    units = -(-(size + _HEAD) // _UNIT)
    for number in range(_MAX_TRIES):
        place = allocator.calloc(1, size)
        if place is None:
            break
        if place % _SLOW:
            allocator.free(place)
            break
        blocks.append(place)
        if number % 2 and (step := allocator.calloc(1, size if units % 2 else size + _UNIT)):
            blocks.append(step)  # of an odd number of units, so that what follows lies otherwise
    return blocks


def decode_jpeg(content: bytes, mode: str, size: tuple[int, int], factor: int) -> Image:
    """A whole JPEG of this mode (L or RGB) and size (width, height), at a size reduced by 1, 2, 4 or 8. ValueError, or
    what else Pillow raises, for one that is damaged or cut off."""
    from PIL import Image

    image = Image.new(mode, (-(-size[0] // factor), -(-size[1] // factor)), None)
    decoder = Image._getdecoder(mode, "jpeg", (mode, "", factor, 0))
    allocator = find_allocator() if mode == "RGB" else None  # grey lines are copied
    blocks = hold_slow_places(allocator, 4 * image.width) if allocator else []
    try:
        decoder.setimage(image.im, (0, 0, *image.size))
        size_read, fault = decoder.decode(content)
    finally:
        decoder.cleanup()  # of one that waits for more
        if allocator:
            for place in blocks:
                allocator.free(place)
    if size_read >= 0 or fault:
        raise ValueError("damaged or cut off")
    return image
