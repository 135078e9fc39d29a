"""RandAugment: every operation and the policy against a statement of their own in NumPy and plain integers."""

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.image_operations import OPERATIONS, Draw, Filling, list_operations
from resnetc.runtime.augmentation.image_policy import choose_policy
from resnetc.runtime.augmentation.rand_augment import RandAugment
from resnetc.runtime.augmentation.trivial_augment import TrivialAugment
from resnetc.runtime.data.decode import Pixels
from resnetc.runtime.recipe.recipe import Recipe

Values = npt.NDArray[np.float64]
COLOUR = (120, 60, 200)
WEIGHTS = np.array([19595, 38470, 7471])  # of red, green and blue in 2**16 parts of grey: 0.299, 0.587, 0.114
MASK = 0xFFFFFFFF
PAPER = (
    "identity shear_x shear_y translate_x translate_y rotate brightness color contrast sharpness posterize solarize "
    "autocontrast equalize"
).split()
TIMM = [name for name in PAPER if name != "identity"] + ["invert", "solarize_add"]


def build(**keys: object) -> RandAugment:
    policy = choose_policy(Recipe(**{"rand_augment": "timm", **keys}), COLOUR)  # type: ignore[arg-type]
    assert isinstance(policy, RandAugment)
    return policy


@pytest.fixture(params=[1, 3])
def pixels(request: pytest.FixtureRequest) -> Pixels:
    """Smooth, so that rounding to a neighbouring place would be small, with a few edges."""
    y, x = np.mgrid[:40, :48]
    waves = [128 + 100 * np.sin(x / (5 + band) + y / (9 - band)) for band in range(request.param)]
    image: Pixels = np.stack(waves, -1).astype(np.uint8)
    image[10:20, 15:30] = 250
    return image


# What each operation does, stated again: pixel by pixel, in floating point, from the papers' ranges.


def move(image: Values, a: float, b: float, c: float, d: float, e: float, f: float) -> Values:
    """Bilinear values at (a x + b y + c, d x + e y + f) of the centres of pixels; the mean colour outside."""
    height, width, bands = image.shape
    result = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            u, v = a * (x + 0.5) + b * (y + 0.5) + c, d * (x + 0.5) + e * (y + 0.5) + f
            if not (0 <= u < width and 0 <= v < height):
                result[y, x] = COLOUR[:bands]
                continue
            left, top = math.floor(u - 0.5), math.floor(v - 0.5)
            right_share, low_share = u - 0.5 - left, v - 0.5 - top
            corners = [
                [image[min(max(j, 0), height - 1), min(max(i, 0), width - 1)] for i in (left, left + 1)]
                for j in (top, top + 1)
            ]
            upper, lower = ((1 - right_share) * one + right_share * two for one, two in corners)
            result[y, x] = (1 - low_share) * upper + low_share * lower
    return result


def turn(image: Values, degrees: float) -> Values:
    """Anticlockwise about the centre."""
    angle, (height, width) = math.radians(degrees), image.shape[:2]
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = width / 2, height / 2
    return move(image, cosine, -sine, x - cosine * x + sine * y, sine, cosine, y - sine * x - cosine * y)


def to_grey(image: Values) -> Values:
    return image if image.shape[2] == 1 else np.floor(image @ WEIGHTS / 2**16 + 0.5)[:, :, None]


def blur(image: Values) -> Values:
    """The mean of a pixel, five times, and its eight neighbours; the border stays."""
    result = image.copy()
    height, width = image.shape[:2]
    total = 4 * image[1:-1, 1:-1]
    for y in range(3):
        for x in range(3):
            total = total + image[y : height - 2 + y, x : width - 2 + x]
    result[1:-1, 1:-1] = np.round(total / 13)
    return result


def stretch(image: Values) -> Values:
    """Every band from 0 to 255."""
    low, high = image.min((0, 1)), image.max((0, 1))
    return np.floor((image - low) * 255 / np.maximum(high - low, 1) + 1e-9)


def equalise(image: Values) -> Values:
    """Every band by the number of its pixels that are darker, in steps of a 255th of all but the brightest."""
    result = np.empty_like(image)
    for band in range(image.shape[2]):
        values = image[:, :, band]
        step = int((values != values.max()).sum()) // 255
        result[:, :, band] = np.vectorize(lambda value, v=values, s=step: (s // 2 + (v < value).sum()) // s)(values)
    return result.clip(0, 255)


def mix_with(other: Values, image: Values, strength: float) -> Values:
    return (other + (1 + 0.9 * strength) * (image - other)).clip(0, 255)


EXPECTED: dict[str, Callable[[Values, float], Values]] = {
    "identity": lambda image, s: image,
    "shear_x": lambda image, s: move(image, 1, 0.3 * s, 0, 0, 1, 0),
    "shear_y": lambda image, s: move(image, 1, 0, 0, 0.3 * s, 1, 0),
    "translate_x": lambda image, s: move(image, 1, 0, 0.45 * s * image.shape[1], 0, 1, 0),
    "translate_y": lambda image, s: move(image, 1, 0, 0, 0, 1, 0.45 * s * image.shape[0]),
    "rotate": lambda image, s: turn(image, 30 * s),
    "brightness": lambda image, s: mix_with(np.zeros_like(image), image, s),
    "color": lambda image, s: mix_with(to_grey(image), image, s),
    "contrast": lambda image, s: mix_with(np.full_like(image, int(to_grey(image).mean() + 0.5)), image, s),
    "sharpness": lambda image, s: mix_with(blur(image), image, s),
    "solarize": lambda image, s: np.where(image < 256 - math.floor(256 * s), image, 255 - image),
    "autocontrast": lambda image, s: stretch(image),
    "equalize": lambda image, s: equalise(image),
    "invert": lambda image, s: 255 - image,
    "solarize_add": lambda image, s: np.where(image < 128, np.minimum(image + math.floor(110 * s), 255), image),
}


def keep_bits(image: Values, bits: int) -> Values:
    return np.floor(image / 2 ** (8 - bits)) * 2 ** (8 - bits)


@pytest.mark.parametrize("name", TIMM)
@pytest.mark.parametrize("strength", [0.0, 0.3, 0.7, 1.0, -0.45, -1.0])
def test_an_operation_is_what_its_statement_says(pixels: Pixels, name: str, strength: float) -> None:
    policy = build()
    number = [operation.name for operation in policy.operations].index(name)
    if strength < 0 and not policy.operations[number].is_signed:
        strength = -strength
    changed = policy.change(pixels, [Draw(number, strength)])
    assert changed.shape == pixels.shape and changed.dtype == np.uint8
    if name == "posterize":
        assert np.array_equal(changed, keep_bits(pixels.astype(float), 4 - math.floor(4 * strength)))
        return
    expected = EXPECTED[name](pixels.astype(float), strength)
    off = np.abs(changed - expected)
    if name == "rotate" or name.startswith(("shear", "translate")):  # an edge may fall to either side of a pixel
        assert (off > 1.5).mean() < 0.002
    else:
        assert off.max() <= 1
    if name in ("solarize", "autocontrast", "equalize", "invert", "solarize_add"):
        assert off.max() == 0


def test_the_papers_operations_are_timms_but_for_the_bits_and_what_changes_nothing(pixels: Pixels) -> None:
    paper, timm, filling = (*map(list_operations, ("paper", "timm")), Filling(Image.Resampling.BILINEAR, COLOUR))
    assert [operation.name for operation in paper] == PAPER and [operation.name for operation in timm] == TIMM
    policy = build(rand_augment="paper")
    assert policy.operations == paper and policy.filling == filling
    for number, name in enumerate(PAPER):
        for strength in (0.25, 1.0):
            changed = policy.change(pixels, [Draw(number, strength)])
            if name == "posterize":
                assert np.array_equal(changed, keep_bits(pixels.astype(float), 8 - round(4 * strength)))
            elif name != "identity":
                other = build().change(pixels, [Draw(TIMM.index(name), strength)])
                assert np.array_equal(changed, other), name
            else:
                assert np.array_equal(changed, pixels)
    with pytest.raises(ValueError, match="paper has no operation invert"):
        OPERATIONS[-2].apply(Image.new("L", (2, 2)), "paper", 0.5, filling)


def test_one_table_serves_both_policies() -> None:
    assert [operation.name for operation in list_operations("trivial")] == PAPER
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS) == 16
    assert {id(one) for one in list_operations("trivial")} | {id(one) for one in list_operations("timm")} == {
        id(one) for one in OPERATIONS
    }
    signed = {operation.name for operation in OPERATIONS if operation.is_signed}
    assert signed == set(PAPER[1:10])
    assert isinstance(choose_policy(Recipe(trivial_augment=True), COLOUR), TrivialAugment)
    assert choose_policy(Recipe(), COLOUR) is None


# The draws, stated again in plain integers.


def mix(word: int) -> int:
    word = (word ^ word >> 16) * 0x7FEB352D & MASK
    word = (word ^ word >> 15) * 0x846CA68B & MASK
    return word ^ word >> 16


def bits(seed: int, epoch: int, index: int, stream: int) -> int:
    key = mix((mix((mix(seed) + epoch) & MASK) + stream) & MASK)
    return mix((mix(index ^ key) + mix(key ^ MASK)) & MASK)


def expect_draws(policy: RandAugment, epoch: int, index: int) -> list[tuple[str, float]]:
    names, draws = (TIMM if policy.variant == "timm" else PAPER), []
    for turn_number in range(policy.num_ops):
        place = index * policy.num_ops + turn_number

        def draw(stream: int, place: int = place) -> float:
            return bits(policy.seed, epoch, place, stream) / 2**32

        if policy.variant == "timm" and draw(counter_rng.IS_SKIPPED) >= 0.5:
            continue
        name = names[int(draw(counter_rng.OPERATION) * len(names))]
        radius = draw(counter_rng.MAGNITUDE_RADIUS) + 2**-33
        angle = draw(counter_rng.MAGNITUDE_ANGLE) + 2**-33
        gauss = math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle)
        strength = min(max(policy.magnitude + policy.deviation * gauss, 0), 10) / 10
        is_negative = name in PAPER[1:10] and draw(counter_rng.SIGN) >= 0.5
        draws.append((name, -strength if is_negative else strength))
    return draws


@given(
    seed=st.integers(0, MASK),
    epoch=st.integers(0, 10_000),
    index=st.integers(0, 4_000_000),
    variant=st.sampled_from(["paper", "timm"]),
    num_ops=st.integers(1, 4),
    magnitude=st.floats(0, 10),
    deviation=st.sampled_from([0.0, 0.5, 3.0]),
)
def test_draws_are_those_of_the_statement(
    seed: int, epoch: int, index: int, variant: str, num_ops: int, magnitude: float, deviation: float
) -> None:
    policy = build(seed=seed, rand_augment=variant, num_ops=num_ops, magnitude=magnitude, magnitude_std=deviation)
    (alone,) = policy.draw(epoch, [index])
    expected = expect_draws(policy, epoch, index)
    assert [policy.operations[draw.operation].name for draw in alone] == [name for name, _ in expected]
    assert [draw.strength for draw in alone] == pytest.approx([strength for _, strength in expected], abs=1e-9)
    assert policy.draw(epoch, [7, index])[1] == alone  # the same in any batch


def test_draws_have_the_frequencies_of_the_policy() -> None:
    images = build(seed=3, magnitude=7, magnitude_std=0.5).draw(1, range(20_000))
    counts = Counter(len(draws) for draws in images)
    assert [abs(counts[count] / 20_000 - share) < 0.015 for count, share in enumerate((0.25, 0.5, 0.25))] == [True] * 3
    draws = [draw for image in images for draw in image]
    operations = Counter(draw.operation for draw in draws)
    assert len(operations) == 15 and max(operations.values()) < 1.2 * min(operations.values())
    strengths = np.abs([draw.strength for draw in draws])
    assert abs(strengths.mean() - 0.7) < 0.002 and abs(strengths.std() - 0.05) < 0.002
    signed = [draw.strength < 0 for draw in draws if OPERATIONS[1 + draw.operation].is_signed]
    assert abs(np.mean(signed) - 0.5) < 0.02
    every = build(rand_augment="paper", magnitude=10, magnitude_std=3).draw(0, range(2_000))
    assert {len(image) for image in every} == {2}
    assert 0 <= min(abs(d.strength) for i in every for d in i) < max(abs(d.strength) for i in every for d in i) == 1


def test_operations_are_done_one_after_the_other(pixels: Pixels) -> None:
    policy = build()
    inverted, moved = TIMM.index("invert"), TIMM.index("translate_x")
    both = policy.change(pixels, [Draw(inverted, 0.3), Draw(moved, 0.5)])
    assert np.array_equal(both, policy.change(policy.change(pixels, [Draw(inverted, 0.3)]), [Draw(moved, 0.5)]))
    assert not np.array_equal(both, policy.change(pixels, [Draw(moved, 0.5), Draw(inverted, 0.3)]))
    assert np.array_equal(policy.change(pixels, []), pixels)
