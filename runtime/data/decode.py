"""Opens one image file and cuts from it what a network is given: the only place where photographs are decoded.

Training, `eval`, `predict` and `pack` all see the same pixels: upright (EXIF), transparency laid over white, 8 bits a
channel, one channel (grey) or three (RGB). A stranger's file ends in one message that names it.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

import numpy as np
import numpy.typing as npt

from resnetc.bounded_read import open_regular, read_small
from resnetc.runtime.data.jpeg_decoder import decode_jpeg
from resnetc.runtime.data.jpeg_header import JPEG_MARK, ORIENTATION, read_frame
from resnetc.runtime.errors import RunError
from resnetc.terminal import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]  # [height, width, channels]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the upright image
Region = tuple[int, int, int, int]  # the same of whole pixels

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no EPS: Pillow starts Ghostscript for it
MAX_PIXELS = 1 << 26  # of one image
_MAX_BYTES_AT_ONCE = 1 << 21
MIN_REDUCED_SIDE = 16  # pixels of a reduced image's short side
FACTORS = (8, 4, 2)  # by which an image may be reduced before it is resampled; those of a JPEG decoder
MODES = {1: "L", 3: "RGB"}  # Pillow's name of so many channels
_FILTERS = {"nearest": 0, "box": 4, "bilinear": 2, "hamming": 5, "bicubic": 3, "lanczos": 1}  # Pillow's numbers
INTERPOLATIONS = tuple(_FILTERS)

_SUPPORT = 3  # pixels of the result that the widest filter, Lanczos's, sees to each side
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")
_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")


class Picture(Protocol):
    """An image of which parts can be read, from a file of its own or from a pack."""

    @property
    def height(self) -> int:
        """Pixels from top to bottom, upright."""

    @property
    def width(self) -> int:
        """Pixels from left to right, upright."""

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, L or RGB, after it was reduced by 1 or a factor of `FACTORS`: its sides are divided,
        and rounded up."""

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array, not to be written to, which holds until the next image is read."""


@dataclass(slots=True)  # not frozen, which takes three times as long to make
class ImageFile(ABC):
    """An image file of which the header was read; its pixels are decoded by `read`. A context, which closes it."""

    path: Path
    place: str  # that names the file, `labels.csv:3`; empty where none does
    height: int
    width: int
    is_grey: bool
    channels: int
    turn: int  # the EXIF orientation; 1: upright

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """Closes the file."""

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, all of which is decoded: a JPEG at a reduced size, which takes less time. Call it, or
        `cut`, once."""
        image = self._decode(factor)
        return image if region == (0, 0, *image.size) else image.crop(region)

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array."""
        return to_array(self._decode(factor), region)

    @abstractmethod
    def _decode(self, factor: int) -> Image:
        """The whole image, reduced by `factor`."""


@dataclass(slots=True)
class _AnyFile(ImageFile):
    """A file of any format, as Pillow opens it."""

    image: Image
    stream: BinaryIO

    def __exit__(self, *error: object) -> None:
        self.stream.close()

    def _decode(self, factor: int) -> Image:
        image = self.image
        try:
            if factor > 1:
                image.draft(None, (image.width // factor, image.height // factor))  # at least so large
            is_whole = image.width * image.height == self.width * self.height
            if image.format == "JPEG":
                image.load()  # without a warning, which to catch would take some time
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    image.load()
            image = _turn_upright(_convert_pixels(image, self.channels, self.path), self.turn)
            image = image.reduce(factor) if factor > 1 and is_whole else image
            if image.size != (-(-self.width // factor), -(-self.height // factor)):
                raise ValueError(f"its pixels are {image.width}x{image.height}, unlike its header")
        except Exception as fault:  # a decoder may raise anything about a stranger's bytes
            raise _describe_fault(self.path, fault, self.place) from None
        return image


@dataclass(slots=True)
class _JpegFile(ImageFile):
    """An ordinary JPEG, of which the decoder is all that is needed of Pillow."""

    content: bytes

    def __exit__(self, *error: object) -> None:
        pass  # it was closed when it was read

    def _decode(self, factor: int) -> Image:
        size = (self.height, self.width) if self.turn >= 5 else (self.width, self.height)
        mode = MODES[1 if self.is_grey else 3]
        try:
            image = decode_jpeg(self.content, mode, size, factor)
        except Exception:  # Pillow's own way of reading says more about what is wrong
            with _open_stream(self.path, BytesIO(self.content), self.content, self.channels, self.place) as file:
                return file._decode(factor)
        image = image if mode == MODES[self.channels] else image.convert(MODES[self.channels])
        return _turn_upright(image, self.turn)


def open_image(path: Path, channels: int = 3, place: str = "") -> ImageFile:
    """The image file `path`, to be read with `channels` (1 or 3); RunError, naming it, for what is no image.

    place: the line that names the file, if one does: FILE:LINE, for messages. Only the header is looked at here, so
    that a file with too many pixels takes no memory.
    """
    try:
        content = read_small(path, _MAX_BYTES_AT_ONCE)
        if content is None:
            return _open_stream(path, open_regular(path), b"", channels, place)
    except OSError as fault:
        unreadable = RunError(f"{_name(path)}: cannot read it: {fault.strerror or fault}")
        raise _describe_fault(path, unreadable, place) from None
    frame = read_frame(content) if content.startswith(JPEG_MARK) else None
    if frame is None or frame.height * frame.width > MAX_PIXELS:
        return _open_stream(path, BytesIO(content), content, channels, place)
    height, width = (frame.width, frame.height) if frame.turn >= 5 else (frame.height, frame.width)
    return _JpegFile(
        path,
        place,
        height=height,
        width=width,
        is_grey=frame.channels == 1,
        channels=channels,
        turn=frame.turn,
        content=content,
    )


def _open_stream(path: Path, stream: BinaryIO, content: bytes, channels: int, place: str) -> ImageFile:
    """An image of any format; `content`: all of the stream, of a small file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = _read_header(stream, content)
        if not 0 < image.width * image.height <= MAX_PIXELS:
            raise RunError(f"{_name(path)}: {image.width}x{image.height} pixels; the limit is {MAX_PIXELS:,}")
    except Exception as fault:  # see above
        stream.close()
        raise _describe_fault(path, fault, place) from None
    turn = _read_orientation(image)
    height, width = (image.width, image.height) if turn >= 5 else (image.height, image.width)
    return _AnyFile(
        path,
        place,
        height=height,
        width=width,
        is_grey=image.mode in _GREY,
        channels=channels,
        turn=turn,
        image=image,
        stream=stream,
    )


def _read_header(stream: BinaryIO, content: bytes) -> Image:
    """The image, of which nothing is decoded. `content`, the bytes of a small file, is in memory already: a decoder
    reads in small pieces, which takes longer from a file; and to look for the format of a JPEG takes long for a small
    one."""
    if content.startswith(JPEG_MARK):
        from PIL.JpegImagePlugin import jpeg_factory

        return jpeg_factory(stream, "")
    from PIL import Image

    return Image.open(stream, formats=_FORMATS)


def _describe_fault(path: Path, fault: Exception, place: str = "") -> RunError:
    """Whatever Pillow raises about a file, as a message; it begins with the place that names the file, if any does."""
    from PIL import Image, UnidentifiedImageError

    if place:
        text = str(_describe_fault(path, fault))
        return RunError(f"{one_line(place)}: {text}; put an image there, or remove the line")
    if isinstance(fault, RunError):
        return fault
    if isinstance(fault, UnidentifiedImageError):
        return RunError(f"{_name(path)}: not an image that Pillow can read")
    if isinstance(fault, Image.DecompressionBombError):
        return RunError(f"{_name(path)}: too many pixels; the limit is {MAX_PIXELS:,}")
    reason = getattr(fault, "strerror", None)  # the system's; Pillow's own errors have none
    words = f"cannot read it: {reason}" if reason else f"damaged image: {one_line(str(fault))}"
    return RunError(f"{_name(path)}: {words}")


def _name(path: Path) -> str:
    return one_line(str(path))


def _read_orientation(image: Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or the EXIF is damaged. Pillow turns a TIFF by itself."""
    if not image.info.get("exif") or image.format == "TIFF":
        return 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turn = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a photograph is one whatever its EXIF says
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _turn_upright(image: Image, turn: int) -> Image:
    if turn == 1:
        return image
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }[turn]
    return image.transpose(method)


def _convert_pixels(image: Image, channels: int, path: Path) -> Image:
    """The decoded image with 8 bits in each of its channels, transparency laid over white."""
    from PIL import Image

    mode = MODES[channels]
    if image.mode == mode and "transparency" not in image.info:
        return image
    if image.mode.startswith("F"):
        raise RunError(f"{_name(path)}: floating-point pixels; expected 8 or 16 bits per channel")
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 0xFFFF:
            raise RunError(f"{_name(path)}: 32-bit pixels; expected 8 or 16 bits per channel")
        image = Image.fromarray(((deep * 255 + 0x7FFF) // 0xFFFF).astype(np.uint8))
    elif image.mode in _ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def choose_factor(picture: Picture, box: Box, size: tuple[int, int]) -> int:
    """By how much the whole image is reduced before `box` is resampled to `size` (height, width): never below it."""
    shrinkage = min((box[2] - box[0]) / size[1], (box[3] - box[1]) / size[0])
    if shrinkage < FACTORS[-1]:
        return 1
    shrinkage = min(shrinkage, picture.height / MIN_REDUCED_SIDE, picture.width / MIN_REDUCED_SIDE)
    return next((factor for factor in FACTORS if factor <= shrinkage), 1)


def crop_and_resize(picture: Picture, box: Box, size: tuple[int, int], interpolation: str) -> Pixels:
    """The part `box` of an image, resampled to `size` (height, width)."""
    factor = choose_factor(picture, box, size)
    left, top, right, bottom = (edge / factor for edge in box) if factor > 1 else box
    if (right - left, bottom - top) == (size[1], size[0]) and left == int(left) and top == int(top):
        return picture.cut(factor, (int(left), int(top), int(right), int(bottom)))
    # The pixels that the filter sees, some of them around the box; whoever has the whole image gives the same ones.
    margins = [_SUPPORT * max(1.0, (right - left) / size[1]) + 1, _SUPPORT * max(1.0, (bottom - top) / size[0]) + 1]
    region = (
        max(0, math.floor(left - margins[0])),
        max(0, math.floor(top - margins[1])),
        min(-(-picture.width // factor), math.ceil(right + margins[0])),
        min(-(-picture.height // factor), math.ceil(bottom + margins[1])),
    )
    image = picture.read(factor, region)
    inner = (left - region[0], top - region[1], right - region[0], bottom - region[1])
    return to_array(image.resize((size[1], size[0]), _FILTERS[interpolation], inner))


def to_array(image: Image, region: Region | None = None) -> Pixels:
    """The pixels of an L or RGB image, or of a region of it; not to be written to. What `crop` and `tobytes` give,
    which make two copies more, and take as long for a small region as to decode a small JPEG."""
    from PIL.Image import _getencoder

    left, top, right, bottom = region or (0, 0, *image.size)
    height, width, channels = bottom - top, right - left, len(image.mode)
    encoder = _getencoder(image.mode, "raw", image.mode)
    encoder.setimage(image.im, (left, top, right, bottom))
    content = encoder.encode(height * width * channels)[2]
    return np.frombuffer(content, np.uint8).reshape(height, width, channels)


def resize_and_crop(picture: Picture, resize: int | None, size: tuple[int, int], interpolation: str) -> Pixels:
    """What evaluation and prediction see of an image: its short side resized to `resize`, then its centre cropped.

    The resized image always covers `size` (height, width); without `resize` it just does.
    """
    scale = max(size[0] / picture.height, size[1] / picture.width, (resize or 0) / min(picture.height, picture.width))
    height, width = size[0] / scale, size[1] / scale
    left, top = max(0.0, (picture.width - width) / 2), max(0.0, (picture.height - height) / 2)
    box = (left, top, min(left + width, picture.width), min(top + height, picture.height))
    return crop_and_resize(picture, box, size, interpolation)


@dataclass(frozen=True, slots=True)
class MemoryImage:
    """An image that is decoded already: L or RGB."""

    image: Image

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.image.height

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.image.width

    def read(self, factor: int, region: Region) -> Image:
        """A region of the image, which is reduced like that of a file."""
        return (self.image.reduce(factor) if factor > 1 else self.image).crop(region)

    def cut(self, factor: int, region: Region) -> Pixels:
        """The same as an array."""
        return to_array(self.image.reduce(factor) if factor > 1 else self.image, region)


def convert_image(image: Image, channels: int) -> MemoryImage:
    """An image of Pillow as one that was read from a file: upright, opaque, with `channels` (1 or 3) of 8 bits."""
    path = Path(getattr(image, "filename", "") or "a Pillow image")
    try:
        turn = _read_orientation(image)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
        return MemoryImage(_turn_upright(_convert_pixels(image, channels, path), turn))
    except Exception as fault:  # a decoder may raise anything about a stranger's bytes
        raise _describe_fault(path, fault) from None


def wrap_pixels(pixels: Pixels) -> MemoryImage:
    """uint8 [height, width, 1 or 3] as an image."""
    from PIL import Image

    return MemoryImage(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
