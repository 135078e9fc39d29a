"""The header of a JPEG: unusual ones are left to Pillow, and whatever the bytes, the image is what Pillow makes of
them."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resnetc.runtime.data import decode, jpeg_header
from resnetc.runtime.errors import RunError


def written(mode: str = "RGB", turn: int | None = None, **options: object) -> bytes:
    """A JPEG of noise, 19 high and 26 wide."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (19, 26, 3), dtype=np.uint8))
    if turn is not None:
        exif = Image.Exif()
        exif[jpeg_header.ORIENTATION] = turn
        exif[0x010F], exif[0x011A] = "a maker", 72.0  # text and a fraction, which lie behind the entries
        options["exif"] = exif
    file = io.BytesIO()
    noise.convert(mode).save(file, "jpeg", **options)
    return file.getvalue()


def replaced(whole: bytes, old: bytes, new: bytes) -> bytes:
    assert whole.count(old) == 1
    return whole.replace(old, new)


NOTE = b"\xff\xe1\0\x10Exif\0\0II*\0\x08\0\0\0"  # whose entries are outside it
ENTRY = b"\x01\x12\0\3\0\0\0\1\0\6"
UNUSUAL = {
    "nothing": b"",
    "a mark alone": jpeg_header.JPEG_MARK,
    "four channels": written("CMYK"),
    "12 bits a channel": replaced(written(), b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    "no height": replaced(written(), b"\x08\0\x13\0\x1a", b"\x08\0\0\0\x1a"),
    "two frames": replaced(written(), b"\xff\xc0", written()[written().index(b"\xff\xc0") :][:19] + b"\xff\xc0"),
    "no frame": replaced(written(), b"\xff\xc0", b"\xff\xfe"),
    "arithmetic codes": replaced(written(), b"\xff\xc0", b"\xff\xc9"),
    "a length of 1": replaced(written(), b"\xff\xe0\0\x10", b"\xff\xe0\0\1"),
    "bytes between segments": replaced(written(), b"\xff\xc0", b"\0\xff\xc0"),
    "cut before the scan": written()[: written().index(b"\xff\xda")],
    "several pictures": replaced(written(), b"\xff\xc0", b"\xff\xe2\0\6MPF\0\xff\xc0"),
    "EXIF that is damaged": replaced(written(), b"\xff\xc0", NOTE + b"\xff\xc0"),
    "EXIF twice": replaced(written(turn=6), b"\xff\xc0", NOTE + b"\xff\xc0"),
    "EXIF without an orientation": replaced(written(turn=6), ENTRY, b"\x01\x13" + ENTRY[2:]),
    "an orientation of 9": replaced(written(turn=6), ENTRY, ENTRY[:-1] + b"\x09"),
    "an orientation of 0": replaced(written(turn=6), ENTRY, ENTRY[:-1] + b"\0"),
    "two orientations": replaced(written(turn=6), ENTRY, ENTRY[:7] + b"\2" + ENTRY[8:]),
    "an orientation as text": replaced(written(turn=6), ENTRY, ENTRY[:3] + b"\2" + ENTRY[4:]),
    "a fraction behind the end": replaced(written(turn=6), b"\x01\x1a\0\5\0\0\0\1\0\0", b"\x01\x1a\0\5\0\0\0\1\xff\0"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_header_is_left_to_pillow(name: str) -> None:
    assert jpeg_header.read_frame(UNUSUAL[name]) is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"comment": b"a comment"}], ids=str)
def test_size_and_channels_are_read_from_the_frame(mode: str, options: dict[str, object]) -> None:
    assert jpeg_header.read_frame(written(mode, **options)) == (19, 26, len(mode), 1)


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_is_read_in_both_orders_of_bytes(turn: int) -> None:
    content = written(turn=turn)
    frame = jpeg_header.read_frame(content)
    assert frame is not None and frame.turn == turn
    tiff = b"II*\0\x08\0\0\0" + b"\1\0" + b"\x12\1\3\0\1\0\0\0" + bytes([turn]) + b"\0\0\0" + b"\0\0\0\0"
    note = b"\xff\xe1" + (8 + len(tiff)).to_bytes(2, "big") + b"Exif\0\0" + tiff
    frame = jpeg_header.read_frame(replaced(written(), b"\xff\xc0", note + b"\xff\xc0"))
    assert frame == (19, 26, 3, turn)


def outcome(read: Callable[[], decode.ImageFile]) -> object:
    """What reading gives: size, whether it is grey, and pixels; or the message."""
    try:
        with read() as file:
            if file.height * file.width > 1 << 16:
                return file.height, file.width, file.is_grey
            pixels = np.asarray(file.read(1, (0, 0, file.width, file.height)))
            return file.height, file.width, file.is_grey, pixels.tobytes()
    except RunError as fault:
        return str(fault)


SEEDS = [
    written(mode, turn, **options)
    for mode in ("RGB", "L", "CMYK")
    for turn in (None, 1, 6)
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1})
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A JPEG of which some bytes, most of them of its header, are others, are missing, or are too many."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(3, min(len(content), 700) - 1) | st.integers(3, len(content) - 1))
        size = draw(st.integers(0, 3))
        content[place : place + size] = draw(
            st.sampled_from([b"\xff", b"\0", b"\xff\xe1", b""]) | st.binary(max_size=3)
        )
    return bytes(content)


@given(damaged())
def test_a_damaged_jpeg_is_what_pillow_makes_of_it(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        path.write_bytes(content)
        ours = outcome(lambda: decode.open_image(path))
        assert ours == outcome(lambda: decode._open_stream(path, io.BytesIO(content), content, 3, ""))
