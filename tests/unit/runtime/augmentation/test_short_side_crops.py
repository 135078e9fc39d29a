"""The paper's scale augmentation against a statement of its own: resize the whole photograph, then cut a crop out."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resnetc.runtime.augmentation.short_side_crops import ScaledCrops
from resnetc.runtime.data.decode import MemoryImage, Pixels, choose_factor, crop_and_resize


def state_paper(image: Image.Image, numbers: tuple[int, ...], sides: tuple[int, int], size: tuple[int, int]) -> Pixels:
    """He et al. 2015, section 3.4, stated again: resize the whole image, then cut a crop out of it."""
    short, top, left = (number / 2**32 for number in numbers)
    length = sides[0] + math.floor(short * (sides[1] - sides[0] + 1))
    if image.width < image.height:
        new = length, round(image.height * length / image.width)
    else:
        new = round(image.width * length / image.height), length
    whole = np.asarray(image.resize(new, Image.Resampling.BILINEAR))
    y, x = math.floor(top * (new[1] - size[0] + 1)), math.floor(left * (new[0] - size[1] + 1))
    return whole[y : y + size[0], x : x + size[1]]


@given(
    height=st.integers(20, 47),  # less than twice the least length: a photograph that is larger is reduced first
    width=st.integers(20, 47),
    low=st.integers(24, 60),
    more=st.integers(0, 30),
    size=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    index=st.integers(0, 1_000_000),
)
def test_a_scaled_crop_is_the_papers(
    height: int, width: int, low: int, more: int, size: tuple[int, int], index: int
) -> None:
    crops = ScaledCrops(4, (low, low + more), size)
    (draw,) = crops.draw(2, [index])
    image = Image.fromarray(np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8))
    picture, box = MemoryImage(image), crops.choose_box(draw, height, width)
    assert -1e-9 < box[0] < box[2] <= width and -1e-9 < box[1] < box[3] <= height
    expected = state_paper(image, draw, crops.short_side, size).astype(int)
    assert choose_factor(picture, box, size) == 1
    off = np.abs(crop_and_resize(picture, box, size, "bilinear") - expected)
    assert off.max() <= 2  # of noise: Pillow rounds once along each axis, and has edges in float32


def test_a_photograph_that_has_the_length_is_cut_and_not_resampled() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 64, 3), dtype=np.uint8)
    crops = ScaledCrops(0, (50, 50), (20, 30))
    for draw in crops.draw(0, range(50)):
        left, top, right, bottom = crops.choose_box(draw, 50, 64)
        assert (right - left, bottom - top) == (30, 20) and left == int(left) and top == int(top)
        crop = crop_and_resize(MemoryImage(Image.fromarray(pixels)), (left, top, right, bottom), (20, 30), "bilinear")
        assert np.array_equal(crop, pixels[int(top) : int(bottom), int(left) : int(right)])


def test_lengths_and_places_are_drawn_equally_often_to_both_ends() -> None:
    crops = ScaledCrops(1, (10, 14), (10, 10))
    boxes = [crops.choose_box(draw, 100, 200) for draw in crops.draw(0, range(15_000))]
    lengths = Counter(round(10 * 100 / (bottom - top)) for _, top, _, bottom in boxes)
    assert sorted(lengths) == [10, 11, 12, 13, 14] and min(lengths.values()) > 2_700
    smallest = [box for box in boxes if round(box[3] - box[1]) == 100]
    places = Counter(round(box[0] / 10) for box in smallest)
    assert sorted(places) == list(range(11)) and min(places.values()) > 180
    assert {box[1] for box in smallest} == {0.0} and {round(box[2] - box[0], 6) for box in smallest} == {100.0}


def test_scaled_crops_are_a_function_of_seed_epoch_and_index() -> None:
    crops = ScaledCrops(5, (256, 480), (224, 224))
    whole = crops.draw(3, range(40))
    assert crops.draw(3, [7, 39, 0]) == [whole[7], whole[39], whole[0]]
    assert crops.draw(4, [7]) != [whole[7]] and ScaledCrops(6, (256, 480), (1, 1)).draw(3, [7]) != [whole[7]]
    assert len(set(whole)) == 40


@pytest.mark.parametrize("shape", [(640, 1000), (1000, 640)])
def test_a_large_photograph_is_reduced_first_and_its_crop_lies_where_the_paper_cuts_it(shape: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = Image.fromarray(
        np.stack([128 + 100 * np.sin(x / 90), 128 + 100 * np.cos(y / 70), x * 0 + 9], -1).astype("u1")
    )
    crops = ScaledCrops(0, (40, 80), (32, 32))
    for draw in crops.draw(0, range(20)):
        box = crops.choose_box(draw, *shape)
        assert choose_factor(MemoryImage(image), box, (32, 32)) == 8
        expected = state_paper(image, draw, crops.short_side, (32, 32)).astype(int)
        assert np.abs(crop_and_resize(MemoryImage(image), box, (32, 32), "bilinear") - expected).max() <= 4
