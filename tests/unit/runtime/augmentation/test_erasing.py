"""Random erasing: how often, which areas and shapes, and that nothing else changes."""

import numpy as np
import pytest
import torch

from resnetc.runtime.augmentation.erasing import erase_boxes


def test_areas_shapes_and_frequency_are_those_of_the_paper() -> None:
    count, length = 600, 40
    images = torch.ones(count, 2, length, length)
    erased = erase_boxes(images, 0.25, 7, 1, torch.arange(count))
    boxes = []
    for image in erased:
        gone = (image == 0).numpy()
        assert (gone[0] == gone[1]).all() and set(image.unique().tolist()) <= {0.0, 1.0}
        places = np.argwhere(gone[0])
        if len(places):
            sides = places.max(0) - places.min(0) + 1
            assert len(places) == np.prod(sides)
            boxes.append(sides)
    assert 0.2 < len(boxes) / count < 0.3
    areas = np.array([np.prod(sides) / length**2 for sides in boxes])
    ratios = np.array([sides[0] / sides[1] for sides in boxes])
    assert 0.015 < areas.min() < 0.05 and 0.28 < areas.max() < 0.36
    assert 1 / 4 < ratios.min() < 1 / 2 and 2 < ratios.max() < 4
    assert abs(np.log(ratios).mean()) < 0.2


@pytest.mark.parametrize("size", [(30,), (6, 7, 8)])
def test_signals_and_volumes_lose_a_part_too(size: tuple[int, ...]) -> None:
    images = torch.ones(100, 1, *size)
    erased = erase_boxes(images, 1.0, 0, 0, torch.arange(100))
    shares = (erased == 0).flatten(1).float().mean(1)
    assert 0 < float(shares.min()) and float(shares.max()) < 0.5


def test_an_image_is_erased_in_the_same_way_in_any_batch() -> None:
    images, index = torch.randn(10, 3, 8, 8), torch.randperm(10)
    whole = erase_boxes(images, 0.5, 1, 2, index)
    assert torch.equal(whole[3:7], erase_boxes(images[3:7], 0.5, 1, 2, index[3:7]))
    assert not torch.equal(whole, erase_boxes(images, 0.5, 1, 3, index))
    assert torch.equal(images, erase_boxes(images, 0.0, 1, 2, index))
