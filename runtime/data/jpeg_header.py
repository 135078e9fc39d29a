"""What a JPEG says before its pixels begin, read as its decoder reads it (ITU-T T.81, annex B): for small photographs,
to look at a header in Pillow's general way takes as long as to decode them."""

from __future__ import annotations

import struct
from typing import NamedTuple

JPEG_MARK = b"\xff\xd8\xff"
_SEGMENT = struct.Struct(">HH")  # the marker; the length of what follows it, these two bytes included
_FRAME = struct.Struct(">BHHB")  # bits a channel; height; width; channels
_FRAMES = {0xFFC0, 0xFFC1, 0xFFC2}  # baseline, extended, progressive: Huffman codes all
_TABLES = {0xFFC4, 0xFFDB, 0xFFDD, 0xFFFE}  # Huffman codes, quantisation, restarts; and comments
_NOTES = range(0xFFE0, 0xFFF0)  # of applications
_SCAN = 0xFFDA
_EXIF = b"Exif\0\0"
_PICTURES = b"MPF\0"  # several in one file

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}  # of the bytes in a TIFF, which EXIF is
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # of a TIFF's types
_SHORT = 3
ORIENTATION = 0x0112  # the EXIF tag


class Frame(NamedTuple):
    """Size of the image as it is stored; its channels: 1 (grey) or 3; the EXIF orientation; 1: upright."""

    height: int
    width: int
    channels: int
    turn: int


def read_frame(content: bytes) -> Frame | None:
    """The frame of a JPEG in memory; None for one that is damaged or in any way unusual: more than 8 bits, four
    channels, several pictures, EXIF that does not say which way is up. Segment by segment, none skipped, so that no
    decoder sees another size."""
    position, size, turn = 2, None, None
    try:
        while True:
            marker, length = _SEGMENT.unpack_from(content, position)
            start, position = position + 4, position + 2 + length
            if marker == _SCAN:
                return Frame(*size, turn or 1) if size else None
            if length < 2:
                return None
            if marker in _FRAMES:
                bits, height, width, channels = _FRAME.unpack_from(content, start)
                if size or bits != 8 or not height or not width or channels not in (1, 3):
                    return None
                size = height, width, channels
            elif marker in _NOTES:
                if content.startswith(_EXIF, start):
                    if turn or not (turn := _read_orientation(content[start + len(_EXIF) : position])):
                        return None
                elif content.startswith(_PICTURES, start):
                    return None
            elif marker not in _TABLES:
                return None
    except struct.error:  # it ends before its pixels
        return None


def _read_orientation(tiff: bytes) -> int | None:
    """1 to 8; None where it is not there once, or an entry, of which Pillow reads all, is not as it should be."""
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return None
    (start,) = struct.unpack_from(order + "L", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    entries = tiff[start + 2 : start + 2 + 12 * count]
    turn, room = None, len(tiff)
    if len(entries) < 12 * count:
        return None
    for tag, kind, number, value in struct.iter_unpack(order + "HHL4s", entries):
        size = number * _SIZES.get(kind, 0)
        if size > len(value):
            (offset,) = struct.unpack(order + "L", value)
            room -= size
            if room < 0 or offset + size > len(tiff):
                return None
        if tag == ORIENTATION:
            if turn or kind != _SHORT or number != 1:
                return None
            (turn,) = struct.unpack(order + "H", value[:2])
    return turn if turn and turn <= 8 else None
