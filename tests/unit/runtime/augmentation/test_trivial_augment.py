"""TrivialAugment: every operation by what it does to pixels; draws are functions of (seed, epoch, index)."""

from collections import Counter

import numpy as np
import pytest

from resnetc.runtime.augmentation.image_operations import Draw
from resnetc.runtime.augmentation.trivial_augment import OPERATIONS, TrivialAugment
from resnetc.runtime.data.decode import Pixels

NAMES = [operation.name for operation in OPERATIONS]


def change(pixels: Pixels, name: str, strength: float) -> Pixels:
    result: Pixels = TrivialAugment(0).change(pixels, [Draw(NAMES.index(name), strength)])
    assert result.shape == pixels.shape and result.dtype == np.uint8
    return result


@pytest.fixture(params=[1, 3])
def pixels(request: pytest.FixtureRequest) -> Pixels:
    generator = np.random.default_rng(1)
    image: Pixels = generator.integers(0, 256, (40, 48, request.param), dtype=np.uint8)
    return image


def blend(other: np.ndarray, pixels: Pixels, factor: float) -> np.ndarray:
    return np.clip(other + factor * (pixels.astype(float) - other), 0, 255)


def test_places_are_moved_and_what_comes_from_outside_is_black(pixels: Pixels) -> None:
    height, width = pixels.shape[:2]
    assert np.array_equal(change(pixels, "identity", 1), pixels)
    moved = change(pixels, "translate_x", 0.5)  # 16 pixels
    assert np.array_equal(moved[:, : width - 16], pixels[:, 16:]) and not moved[:, width - 16 :].any()
    moved = change(pixels, "translate_y", -0.25)
    assert np.array_equal(moved[8:], pixels[: height - 8]) and not moved[:8].any()
    sheared = change(pixels, "shear_x", 1)
    for row in (0, 10, 25):
        start = round(0.99 * (row + 0.5))
        assert np.array_equal(sheared[row, : width - start - 1], pixels[row, start : width - 1])
    square = pixels[:, :40]
    assert np.array_equal(change(square, "rotate", 90 / 135), np.rot90(square))
    assert np.array_equal(change(square, "rotate", -90 / 135), np.rot90(square, -1))


def test_values_are_changed_by_the_formulas(pixels: Pixels) -> None:
    grey = pixels[:, :, :1] if pixels.shape[2] == 1 else (pixels @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    for strength in (-1.0, -0.3, 0.8):
        factor = 1 + 0.99 * strength
        for name, other in (("brightness", np.zeros(1)), ("contrast", grey.mean()), ("color", grey)):
            expected = blend(np.asarray(other), pixels, factor)
            assert np.abs(change(pixels, name, strength) - expected).max() <= 2, name
    assert np.array_equal(change(pixels, "posterize", 1), pixels & 0b1100_0000)
    assert np.array_equal(change(pixels, "posterize", 0), pixels)
    assert np.array_equal(change(pixels, "solarize", 0.5), np.where(pixels < 128, pixels, 255 - pixels))
    dull = (pixels // 4 + 60).astype(np.uint8)
    wide = change(dull, "autocontrast", 0.3)
    assert (wide.min(), wide.max()) == (0, 255)
    equal = np.sort(change(dull, "equalize", 0).reshape(-1)) / 255
    assert np.abs(equal - np.linspace(0, 1, len(equal))).max() < 0.08
    assert np.array_equal(change(pixels, "sharpness", 0), pixels)
    rough = np.abs(np.diff(pixels.astype(int), axis=0)).mean()
    assert np.abs(np.diff(change(pixels, "sharpness", -1).astype(int), axis=0)).mean() < rough


def test_draws_are_even_and_depend_on_the_image_alone() -> None:
    policy = TrivialAugment(3)
    operations = policy.draw(1, range(14_000))
    assert all(len(one) == 1 for one in operations)
    draws = [one[0] for one in operations]
    counts = Counter(draw.operation for draw in draws)
    assert len(counts) == len(OPERATIONS) == 14 and min(counts.values()) > 850 and max(counts.values()) < 1150
    strengths = Counter(round(abs(draw.strength) * 30) for draw in draws)
    assert sorted(strengths) == list(range(31)) and min(strengths.values()) > 350
    signed = [draw.strength for draw in draws if OPERATIONS[draw.operation].is_signed]
    assert 0.45 < np.mean(np.array(signed) < 0) < 0.52
    assert all(draw.strength >= 0 for draw in draws if not OPERATIONS[draw.operation].is_signed)
    assert policy.draw(1, [77, 5]) == [[draws[77]], [draws[5]]]
    assert policy.draw(2, range(20)) != operations[:20]
