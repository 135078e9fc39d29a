"""Augmentation: against a slow loop over single images, and pure in (seed, epoch, index)."""

import numpy as np
import pytest
import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.input_pipeline.statistics import measure_statistics
from resnetc.runtime.recipe.recipe import Recipe


def normaliser(images: Tensor, kind: str) -> Normaliser:
    """That of a run on these training images."""
    return Normaliser(*measure_statistics(images, kind))


@pytest.fixture(scope="module")
def images() -> Tensor:
    """Fifty colour images of 6x9."""
    return torch.randint(0, 256, (50, 3, 6, 9), generator=torch.Generator().manual_seed(3)).to(torch.uint8)


def one_by_one(images: Tensor, recipe: Recipe, epoch: int, index: Tensor) -> Tensor:
    """The same in numpy, image by image, as a per-image pipeline would."""
    pixels = images.numpy().astype(np.float64)
    deviation = pixels.std((0, 2, 3))[:, None, None]
    mean = pixels.mean(0) if recipe.normalise == "pixel" else pixels.mean((0, 2, 3))[:, None, None] + 0 * pixels[0]
    pad, (height, width), out = recipe.random_crop_padding, pixels.shape[2:], []
    for i in index.tolist():
        one = torch.tensor([i])
        black = -mean if recipe.normalise == "channel" else 0 * mean
        framed = np.empty((3, height + 2 * pad, width + 2 * pad))
        framed[:] = black.mean((1, 2))[:, None, None]
        framed[:, pad : pad + height, pad : pad + width] = pixels[i] - mean
        top = int(counter_rng.randint(2 * pad + 1, recipe.seed, epoch, one, counter_rng.ROW)) if pad else 0
        left = int(counter_rng.randint(2 * pad + 1, recipe.seed, epoch, one, counter_rng.COLUMN)) if pad else 0
        window = framed[:, top : top + height, left : left + width]
        mirrored = recipe.horizontal_flip and bool(counter_rng.randint(2, recipe.seed, epoch, one, counter_rng.FLIP))
        out.append((window[:, :, ::-1] if mirrored else window) / deviation)
    return torch.from_numpy(np.stack(out)).float()


@pytest.mark.parametrize("normalise", ["channel", "pixel"])
@pytest.mark.parametrize(("crop", "flip"), [(0, False), (2, False), (0, True), (3, True)])
def test_a_batch_equals_its_images_one_by_one(images: Tensor, normalise: str, crop: int, flip: bool) -> None:
    recipe = Recipe(seed=5, random_crop_padding=crop, horizontal_flip=flip, normalise=normalise)
    index = torch.tensor([4, 49, 0, 4, 17, 30, 31, 32])
    batch = Augmenter(images, recipe, normaliser(images, normalise))(2, index)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch, one_by_one(images, recipe, 2, index), atol=1e-5, rtol=1e-5)


def test_an_image_looks_the_same_in_any_batch_and_different_in_another_epoch(images: Tensor) -> None:
    augment = Augmenter(images, Recipe(random_crop_padding=2, horizontal_flip=True), normaliser(images, "channel"))
    whole = augment(3, torch.arange(50))
    some = torch.tensor([40, 2, 11])
    assert torch.equal(augment(3, some), whole[some])
    differing = (augment(4, torch.arange(50)) != whole).flatten(1).any(1)
    assert int(differing.sum()) > 40


def test_every_crop_and_both_mirrors_occur(images: Tensor) -> None:
    one = images[:1]
    augment = Augmenter(one, Recipe(random_crop_padding=1, horizontal_flip=True), normaliser(images, "channel"))
    seen = {bytes(augment(epoch, torch.tensor([0])).numpy()) for epoch in range(400)}
    assert len(seen) == 3 * 3 * 2


@pytest.mark.parametrize("kind", ["channel", "pixel"])
def test_normalised_training_images_have_mean_0_and_deviation_1(images: Tensor, kind: str) -> None:
    normalised = normaliser(images, kind)(images)
    assert normalised.mean((0, 2, 3)).abs().max() < 1e-5
    if kind == "channel":
        assert (normalised.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    else:
        assert normalised.mean(0).abs().max() < 1e-5


def test_a_constant_channel_becomes_nothing() -> None:
    grey = torch.full((4, 1, 2, 2), 7, dtype=torch.uint8)
    assert torch.equal(normaliser(grey, "channel")(grey), torch.zeros(4, 1, 2, 2))
