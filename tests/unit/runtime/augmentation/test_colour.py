"""Colours: the jitter is Pillow's enhancement with the same factors, the light the paper's principal components."""

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.colour import ColourChanger

MEAN, SCALE = torch.tensor([120.0, 110, 100]).view(1, 1, 3), torch.tensor([1 / 60, 1 / 55, 1 / 50])


def change(pixels: Tensor, jitter: float, light: float, epoch: int = 0) -> Tensor:
    """Bytes [N, 3, height, width] that are normalised, changed, and made bytes again."""
    mean, scale = MEAN.permute(2, 0, 1), SCALE.view(3, 1, 1)
    changer = ColourChanger(5, jitter, light, (0.0, 255.0), MEAN, SCALE)
    changed = changer((pixels.float() - mean) * scale, epoch, torch.arange(len(pixels)))
    return changed / scale + mean


def test_the_jitter_is_pillow_s_with_the_same_factors() -> None:
    generator = np.random.default_rng(0)
    pixels = torch.from_numpy(generator.integers(0, 256, (6, 3, 9, 8), dtype=np.uint8))
    changed = change(pixels, 0.4, 0)
    streams = (counter_rng.BRIGHTNESS, counter_rng.CONTRAST, counter_rng.SATURATION)
    factors = [0.6 + 0.8 * counter_rng.uniform(5, 0, torch.arange(6), stream) for stream in streams]
    for row in range(6):
        picture = Image.fromarray(pixels[row].permute(1, 2, 0).numpy(), "RGB")
        kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
        for kind, factor in zip(kinds, factors, strict=True):
            picture = kind(picture).enhance(float(factor[row]))
        expected = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float()
        assert float((changed[row] - expected).abs().max()) < 3.5  # Pillow rounds three times


def test_grey_images_have_no_saturation_and_stay_in_range() -> None:
    mean, scale = torch.tensor([128.0]).view(1, 1, 1), torch.tensor([1 / 64])
    images = (torch.linspace(0, 255, 4 * 64).view(4, 1, 8, 8) - 128) / 64
    changed = ColourChanger(0, 0.8, 0, (0.0, 255.0), mean, scale)(images, 1, torch.arange(4)) * 64 + 128
    assert float(changed.min()) >= -1e-3 and float(changed.max()) <= 255.001
    assert not torch.equal(changed, images)


def test_the_light_adds_one_colour_to_an_image_along_the_components() -> None:
    count = 4000
    pixels = torch.full((count, 3, 2, 2), 100, dtype=torch.uint8)
    added = (change(pixels, 0, 0.1) - 100) / 255
    assert float((added - added[:, :, :1, :1]).abs().max()) < 1e-5
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    values = np.array([0.2175, 0.0188, 0.0045])
    expected = vectors @ np.diag((0.1 * values) ** 2) @ vectors.T
    measured = np.cov(added[:, :, 0, 0].numpy().T)
    np.testing.assert_allclose(measured, expected, rtol=0.1)
    assert abs(float(added.mean())) < 1e-3


def test_an_image_changes_in_the_same_way_in_any_batch() -> None:
    images, index = torch.randn(6, 3, 4, 4), torch.arange(6)
    changer = ColourChanger(1, 0.3, 0.1, (0.0, 255.0), MEAN, SCALE)
    whole = changer(images, 4, index)
    torch.testing.assert_close(whole[2:4], changer(images[2:4], 4, index[2:4]), rtol=0, atol=0)
    assert not torch.equal(whole, changer(images, 5, index))
