"""Random resized crops: inside the image, of the areas and shapes that are asked for, a function of the counter."""

import math

import torch

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.resized_crops import RandomCrops

CROPS = RandomCrops(5, (0.08, 1.0), (3 / 4, 4 / 3))


def boxes(height: int, width: int, count: int = 4000) -> torch.Tensor:
    """Crops of `count` images of one size: left, top, right, bottom."""
    draws = CROPS.draw(1, range(count))
    return torch.tensor([CROPS.choose_box(one, height, width) for one in draws], dtype=torch.float64)


def test_a_crop_lies_inside_and_has_the_area_and_the_shape_that_are_asked_for() -> None:
    for height, width in ((400, 500), (300, 300), (41, 40), (1, 1), (1, 400), (500, 3)):
        left, top, right, bottom = boxes(height, width).T
        assert left.min() >= 0 and top.min() >= 0 and right.max() <= width and bottom.max() <= height
        assert ((right > left) & (bottom > top)).all()
        if min(height, width) < 100:
            continue
        share = (right - left) * (bottom - top) / (height * width)
        ratio = (right - left) / (bottom - top)
        assert share.min() > 0.075 and ratio.min() > 0.74 and ratio.max() < 1.35
        drawn = share[share < 0.7]  # above, some shapes do not fit
        assert abs(drawn.mean() - 0.39) < 0.02 and abs((drawn < 0.235).double().mean() - 0.25) < 0.03
        assert abs(ratio.log().mean()) < 0.03
        middle = (left + right) / 2 / width
        assert abs(middle.mean() - 0.5) < 0.02


def test_the_widest_shapes_that_fit_are_taken_where_none_was_drawn() -> None:
    left, top, right, bottom = boxes(20, 400, 50).T
    assert bottom.max() == 20 and right.max() - left.min() <= 400
    whole = RandomCrops(0, (1.0, 1.0), (1.0, 1.0))
    assert [whole.choose_box(one, 30, 50) for one in whole.draw(0, [0, 1])] == [(10, 0, 40, 30)] * 2
    assert [whole.choose_box(one, 30, 30) for one in whole.draw(0, [0, 1])] == [(0, 0, 30, 30)] * 2


def test_a_crop_is_the_same_in_any_batch_and_another_in_any_epoch() -> None:
    whole = CROPS.draw(3, range(40))
    assert CROPS.draw(3, [7, 39, 0]) == [whole[7], whole[39], whole[0]]
    assert CROPS.draw(4, [7]) != [whole[7]]
    assert RandomCrops(6, (0.08, 1.0), (0.75, 1.0)).draw(3, [7]) != [whole[7]]
    first, second = (
        torch.tensor([draws[0][stream] for draws in CROPS.draw(0, range(4000))]).double() for stream in (0, 1)
    )
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1]) < 0.05
    assert first.mean() / 2**32 - 0.5 < 0.02


def test_no_stream_of_the_crops_is_one_of_the_processes_models() -> None:
    assert min(counter_rng.AREA, counter_rng.ASPECT, counter_rng.TOP, counter_rng.LEFT) > counter_rng.MODEL + 10_000
    assert math.isclose(CROPS.ratio[0] * CROPS.ratio[1], 1)
