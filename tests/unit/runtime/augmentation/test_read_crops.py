"""Random crops of photographs as read: those of Pillow, from a folder as from a pack, whatever else is in the batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resnetc.runtime.augmentation import resized_crops
from resnetc.runtime.augmentation.resized_crops import read_crops
from resnetc.runtime.data import decode
from resnetc.runtime.data.image_folder import look_at_folder
from resnetc.runtime.data.pack import Pack, PackPictures
from resnetc.runtime.data.pack_writer import write_pack

Size = tuple[int, int]


@dataclass(frozen=True)
class InMemory:
    """Decoded photographs: uint8 [height, width, channels]."""

    photographs: list[np.ndarray]

    @property
    def channels(self) -> int:
        return self.photographs[0].shape[2]

    def __len__(self) -> int:
        return len(self.photographs)

    @contextmanager
    def open(self, index: int) -> Iterator[decode.Picture]:
        yield decode.wrap_pixels(self.photographs[index])


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, channels), dtype=np.uint8)


def by_hand(photograph: np.ndarray, box: decode.Region, size: Size, factor: int) -> np.ndarray:
    """What anyone would write, of an image that is reduced as a decoder reduces it."""
    image = Image.fromarray(photograph[:, :, 0] if photograph.shape[2] == 1 else photograph)
    edges = tuple(int(edge / factor + 0.5) for edge in box)
    whole = image.reduce(factor) if factor > 1 else image
    crop = whole.crop(edges).resize((size[1], size[0]), Image.Resampling.BILINEAR)  # type: ignore[arg-type]
    return np.asarray(crop).reshape(*size, -1).astype(int)


@st.composite
def crops(draw: st.DrawFn) -> tuple[np.ndarray, decode.Region, Size]:
    """A photograph, a box in it, and the size of the result."""
    height, width = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    size = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    return noise(height, width, draw(st.sampled_from([1, 3]))), (left, top, right, bottom), size


@given(crops())
def test_a_crop_is_that_of_pillow_within_one_grey_level(crop: tuple[np.ndarray, decode.Region, Size]) -> None:
    photograph, box, size = crop
    (ours,) = read_crops(InMemory([photograph]), [0], lambda row, height, width: box, size)
    factor = decode.choose_factor(decode.wrap_pixels(photograph), box, size)
    assert np.abs(ours - by_hand(photograph, box, size, factor)).max() <= 1


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_edges_of_a_reduced_photograph_move_by_less_than_a_pixel_of_the_result(factor: int) -> None:
    x, y = np.meshgrid(np.arange(400), np.arange(360))
    photograph = np.stack([x // 2, y // 2, x * 0], -1).astype(np.uint8)  # which says where it was cut
    box, size = (13, 7, 13 + 11 * factor + 3, 7 + 9 * factor + 1), (9, 11)
    (ours,) = read_crops(InMemory([photograph]), [0], lambda row, height, width: box, size)
    exactly = np.asarray(Image.fromarray(photograph).resize((11, 9), Image.Resampling.BILINEAR, box)).astype(int)
    assert np.abs(ours - exactly).max() <= factor / 2 + 2  # half a level to a pixel
    assert not np.array_equal(ours, exactly)


def test_a_crop_of_the_size_that_is_asked_for_is_cut_as_it_is() -> None:
    photographs = [noise(50, 60), noise(70, 40)]
    boxes = [(5, 6, 25, 22), (0, 54, 20, 70)]
    ours = read_crops(InMemory(photographs), [1, 0], lambda row, height, width: boxes[1 - row], (16, 20))
    assert np.array_equal(ours, [photographs[1][54:70, :20], photographs[0][6:22, 5:25]])


def test_the_box_is_chosen_for_the_row_and_the_size_of_the_photograph() -> None:
    asked = []

    def choose_box(row: int, height: int, width: int) -> decode.Region:
        asked.append((row, height, width))
        return 0, 0, width, height

    read_crops(InMemory([noise(9, 8), noise(7, 6)]), [1, 0, 1], choose_box, (4, 4))
    assert asked == [(0, 7, 6), (1, 9, 8), (2, 7, 6)]


@pytest.mark.parametrize("limit", [0, 5000, 1 << 20])
def test_no_crop_depends_on_those_that_it_waits_for(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    photographs = InMemory([noise(40 + number, 50 - number) for number in range(12)])

    def choose_box(row: int, height: int, width: int) -> decode.Region:
        alike = 3, height - 30, 28, height - 11  # of one shape, more than are resampled at once with a limit of 2
        return ((0, 0, 16, 16), alike, (1, 2, width - 3, height - 1), alike)[height % 4]

    alone = [read_crops(photographs, [index], choose_box, (16, 16))[0] for index in range(12)]
    monkeypatch.setattr(resized_crops, "_MAX_BYTES_THAT_WAIT", limit)
    monkeypatch.setattr(resized_crops, "_MAX_TOGETHER", 2)
    together = read_crops(photographs, range(11, -1, -1), choose_box, (16, 16))
    assert np.array_equal(together[::-1], alone)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_pack_gives_the_crops_of_the_folder(tmp_path: Path, mode: str, ending: str) -> None:
    (tmp_path / "f" / "a").mkdir(parents=True)
    for number in range(6):
        photograph = Image.fromarray(noise(150 + 31 * number, 260 - 23 * number)).convert(mode)
        photograph.save(tmp_path / "f" / "a" / f"{number}.{ending}")
    write_pack(tmp_path / "f", tmp_path / "a.pack")
    folder = look_at_folder(tmp_path / "f")[1].train.pictures
    pack = PackPictures(Pack(tmp_path / "a.pack"), 0, 6)
    draws = resized_crops.RandomCrops(1, (0.08, 1.0), (0.75, 1.333)).draw(0, range(6))
    seen = set()
    for size in ((16, 16), (40, 30), (97, 130)):

        def choose_box(row: int, height: int, width: int, size: Size = size) -> decode.Region:
            box = resized_crops.RandomCrops(1, (0.08, 1.0), (0.75, 1.333)).choose_box(draws[row], height, width)
            with folder.open(row) as picture:
                seen.add(decode.choose_factor(picture, box, size))
            return box

        from_folder, from_pack = (read_crops(part, range(6), choose_box, size) for part in (folder, pack))
        assert from_folder.shape == (6, *size, len(mode))
        assert np.array_equal(from_folder, from_pack)
    assert seen == {1, 2, 4, 8}


def test_an_array_from_a_pack_holds_until_the_next_is_read_and_an_image_for_good(tmp_path: Path) -> None:
    (tmp_path / "f" / "a").mkdir(parents=True)
    for number in range(2):
        Image.fromarray(noise(20 + number, 30, 1)[:, :, 0]).save(tmp_path / "f" / "a" / f"{number}.png")
    write_pack(tmp_path / "f", tmp_path / "a.pack")
    pack = PackPictures(Pack(tmp_path / "a.pack"), 0, 2)
    with pack.open(0) as picture:
        image, pixels = picture.read(1, (0, 0, 30, 20)), picture.cut(1, (0, 0, 30, 20))
        assert np.array_equal(pixels, noise(20, 30, 1))
    with pack.open(1) as picture:
        picture.cut(1, (0, 0, 30, 20))
    assert np.array_equal(np.asarray(image), noise(20, 30, 1)[:, :, 0])
