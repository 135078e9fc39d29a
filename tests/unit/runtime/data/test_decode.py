"""One image file: upright, opaque, 8 bits, reduced before it is resampled; and every way in which it can be none."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnetc.runtime.data import decode
from resnetc.runtime.errors import RunError


def read(path: Path, channels: int = 3, factor: int = 1) -> np.ndarray:
    with decode.open_image(path, channels) as image:
        height, width = image.height, image.width
        pixels = np.asarray(image.read(factor, (0, 0, -(-width // factor), -(-height // factor))))
    assert pixels.shape[:2] == (-(-height // factor), -(-width // factor))
    return pixels


def gradient(width: int = 60, height: int = 44) -> Image.Image:
    """Smooth, and other in every corner."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_an_image_is_upright_whatever_its_exif_says(tmp_path: Path, ending: str, turn: int) -> None:
    path = tmp_path / f"a.{ending}"
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"lossless": True} if ending == "webp" else {}
    gradient().save(path, exif=exif, **options)
    by_hand = np.asarray(gradient())
    if turn in (2, 3, 7, 8):
        by_hand = by_hand[:, ::-1]
    if turn in (3, 4, 6, 7):
        by_hand = by_hand[::-1]
    if turn >= 5:
        by_hand = by_hand.swapaxes(0, 1)
    assert np.abs(read(path).astype(int) - by_hand).max() <= (16 if ending == "jpg" else 0)


def test_what_is_transparent_is_laid_over_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (4, 3), (0, 0, 0, 0)).save(path)
    assert read(path).min() == 255
    Image.new("LA", (4, 3), (100, 51)).save(path)  # a fifth
    assert read(path, 1).tolist() == [[224] * 4] * 3
    palette = Image.new("P", (4, 3), 1)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(path)
    assert read(path)[0, 0].tolist() == [40, 50, 60]
    palette.save(path, transparency=1)
    assert read(path)[0, 0].tolist() == [255, 255, 255]
    Image.new("RGB", (4, 3), (1, 2, 3)).save(path, transparency=(1, 2, 3))
    assert read(path)[0, 0].tolist() == [255, 255, 255]


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    path, deep = tmp_path / "a.png", np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    for path in (tmp_path / "a.png", tmp_path / "a.tiff"):
        Image.fromarray(deep).save(path)
        with decode.open_image(path) as image:
            assert image.is_grey
        assert read(path, 1).tolist() == [[0, 0, 1, 1, 128, 255]]
    assert read(path)[0, 5].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "L", "1", "RGB"])
def test_every_kind_of_colour_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode != "1" else "a.png")
    gradient().convert(mode).save(path)
    assert np.abs(read(path).astype(int) - gradient().convert(mode).convert("RGB")).max() <= 24
    assert read(path).shape == (44, 60, 3)


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("size", [(64, 48), (61, 37), (129, 160)])
def test_a_reduced_image_shows_the_same(tmp_path: Path, ending: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a.{ending}"
    gradient(*size).save(path, quality=95)
    for factor in decode.FACTORS:
        if min(size) < factor * decode.MIN_REDUCED_SIDE:
            continue
        width, height = -(-size[0] // factor), -(-size[1] // factor)
        resized = gradient(*size).resize((width, height), Image.Resampling.BOX)
        assert np.abs(read(path, factor=factor).astype(int) - np.asarray(resized)).max() <= 16


def cropped(path: Path, resize: int | None, size: tuple[int, int]) -> np.ndarray:
    with decode.open_image(path) as image:
        return decode.resize_and_crop(image, resize, size, "bilinear")


def test_the_centre_of_the_resized_image_is_cropped(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    gradient(120, 80).save(path)
    by_hand = gradient(120, 80).resize((48, 32), Image.Resampling.BILINEAR).crop((10, 2, 38, 30))
    assert np.abs(cropped(path, 32, (28, 28)).astype(int) - np.asarray(by_hand)).max() <= 2
    assert np.array_equal(cropped(path, None, (80, 120)), np.asarray(gradient(120, 80)))  # as it is
    assert np.array_equal(cropped(path, 80, (20, 20)), np.asarray(gradient(120, 80))[30:50, 50:70])
    assert cropped(path, None, (300, 20)).shape == (300, 20, 3)  # larger than it is, and of another shape
    gradient(300, 1).save(path)
    assert cropped(path, 146, (128, 128)).shape == (128, 128, 3)


@pytest.mark.parametrize("interpolation", [name for name in decode.INTERPOLATIONS if name != "nearest"])
@pytest.mark.parametrize("box", [(3, 5, 50, 41), (10.25, 7.5, 90.75, 66.125), (0, 0, 99, 79), (100, 60, 120, 80)])
def test_a_box_is_resampled_as_if_the_whole_image_were_there(
    tmp_path: Path, interpolation: str, box: decode.Box
) -> None:
    path = tmp_path / "a.png"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8))
    noise.save(path)
    size = (40, 50)  # less than a halving, and an enlargement
    with decode.open_image(path) as image:
        ours = decode.crop_and_resize(image, box, size, interpolation)
    how = Image.Resampling[interpolation.upper()]
    theirs = np.asarray(noise.resize((50, 40), how, box))
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_the_numbers_of_the_filters_are_pillows() -> None:
    assert decode._FILTERS == {name: int(Image.Resampling[name.upper()]) for name in decode.INTERPOLATIONS}


def refused(path: Path, *parts: str) -> None:
    with pytest.raises(RunError) as caught:
        read(path)
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "\n" not in message


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    refused(path, "a.jpg: cannot read it: No such file")
    path.write_bytes(b"")
    refused(path, "a.jpg: not an image that Pillow can read")
    gradient().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    refused(path, "a.jpg: damaged image: image file is truncated")
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "a.jpg: damaged image: ")
    path.unlink()
    path.mkdir()
    refused(path, "a.jpg: cannot read it: Is a directory")
    Image.new("F", (4, 3)).save(tmp_path / "a.tiff")
    refused(tmp_path / "a.tiff", "a.tiff: floating-point pixels")
    Image.fromarray(np.array([[70_000]], np.int32)).save(tmp_path / "a.tiff")
    refused(tmp_path / "a.tiff", "a.tiff: 32-bit pixels")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    refused(tmp_path / "a.png", "a.png: cannot read it: not a regular file")


def test_a_name_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a\n\x1b[2J.png"
    path.write_bytes(b"no image")
    refused(path, r"a\n\x1b[2J.png: not an image")


@pytest.mark.parametrize("size", [(65_536, 65_536), (9000, 9000)])
def test_too_many_pixels_are_refused_before_any_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 %d %d 255\n" % size)
    refused(path, "a.pgm: ", "pixels; the limit is 67,108,864")


def test_postscript_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) run\n%%EOF\n")
    refused(path, "a.png: not an image")


def test_exif_that_is_damaged_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    gradient().save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40)
    assert read(path).shape == (44, 60, 3)


def test_no_damage_of_a_byte_is_more_than_a_message(tmp_path: Path) -> None:
    for ending in ("jpg", "png", "gif", "bmp", "webp", "tiff"):
        path = tmp_path / f"a.{ending}"
        gradient(20, 12).save(path)
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 60)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                read(path)
            except RunError as fault:
                assert f"a.{ending}" in str(fault)
