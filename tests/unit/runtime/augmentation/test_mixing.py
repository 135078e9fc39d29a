"""Mixup and cutmix: shares by their distribution, images and labels as the papers say them, alike in any batch."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.mixing import PairMixer, tabulate_quantiles

CPU = torch.device("cpu")


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.8, 1.0, 2.5, 20.0])
def test_the_quantiles_are_those_of_beta(alpha: float) -> None:
    table = tabulate_quantiles(alpha)
    exact = stats.beta.ppf(np.linspace(0, 1, len(table)), alpha, alpha)
    np.testing.assert_allclose(table.numpy(), exact, atol=2e-4)


def mix(mixup: float, cutmix: float, images: Tensor, labels: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    mixed: tuple[Tensor, Tensor] = PairMixer(3, mixup, cutmix, 5, CPU)(images, labels, 2, index)
    return mixed


def test_mixup_adds_two_images_and_their_labels_with_one_share() -> None:
    torch.manual_seed(0)
    images, labels, index = torch.randn(8, 3, 4, 6), torch.tensor([0, 1, 2, 3, 4, 0, 2, 2]), torch.arange(8) * 13
    mixed, targets = mix(0.4, 0, images, labels, index)
    uniform = counter_rng.uniform(3, 2, index, counter_rng.MIX_SHARE).numpy()
    for row in range(8):
        other = row + 1 if row % 2 == 0 else row - 1
        share = float(stats.beta.ppf(uniform[row], 0.4, 0.4))
        expected = share * images[row] + (1 - share) * images[other]
        torch.testing.assert_close(mixed[row], expected, rtol=0, atol=2e-3)
        wanted = np.zeros(5)
        wanted[labels[row]] += share
        wanted[labels[other]] += 1 - share
        np.testing.assert_allclose(targets[row].numpy(), wanted, atol=1e-3)


@pytest.mark.parametrize("size", [(7, 9), (16,), (9, 10, 14)])
def test_cutmix_labels_are_the_areas_that_are_there(size: tuple[int, ...]) -> None:
    count = 200
    images = (torch.arange(count) + 1.0).view(-1, 1, *[1] * len(size)).expand(count, 1, *size).contiguous()
    labels = torch.arange(count) % 5
    mixed, targets = mix(0, 1.0, images, labels, torch.arange(count))
    shares = []
    for row in range(count):
        other = row ^ 1
        own = (mixed[row, 0] == row + 1).numpy()
        pasted = (mixed[row, 0] == other + 1).numpy()
        assert (own | pasted).all()
        places = np.argwhere(pasted)  # they fill the box around them
        if len(places):
            assert len(places) == np.prod(places.max(0) - places.min(0) + 1)
        wanted = np.zeros(5)
        wanted[labels[row]] += own.mean()
        wanted[labels[other]] += pasted.mean()
        np.testing.assert_allclose(targets[row].numpy(), wanted, atol=1e-6)
        shares.append(pasted.mean())
    assert 0.15 < np.mean(shares) < 0.5 and max(shares) > 0.6  # half, but for what is cut off at the edges


def test_a_box_has_the_side_of_its_share_and_its_centre_anywhere() -> None:
    count, length = 400, 20
    images = torch.zeros(count, 1, length, length)
    images[::2] = 1
    mixed, _ = mix(0, 1.0, images, torch.zeros(count, dtype=torch.int64), torch.arange(count))
    uniform = counter_rng.uniform(3, 2, torch.arange(count), counter_rng.MIX_SHARE)
    heights = counter_rng.randint(length, 3, 2, torch.arange(count), counter_rng.CUT_ROW)
    widths = counter_rng.randint(length, 3, 2, torch.arange(count), counter_rng.CUT_COLUMN)
    assert heights.unique().numel() == widths.unique().numel() == length
    for row in range(count):  # CutMix's own text: rand_bbox
        side = int(length * np.sqrt(1 - float(uniform[row])))
        box = np.zeros((length, length), bool)
        y, x = int(heights[row]), int(widths[row])
        box[
            np.clip(y - side // 2, 0, length) : np.clip(y + side // 2, 0, length),
            np.clip(x - side // 2, 0, length) : np.clip(x + side // 2, 0, length),
        ] = True
        changed = (mixed[row, 0] != images[row, 0]).numpy()
        assert abs(int(changed.sum()) - int(box.sum())) <= 2 * length and not (changed & ~box).sum() > 2 * length


def test_where_both_are_done_a_coin_decides() -> None:
    count = 300
    images = (torch.arange(count) % 2).float().view(-1, 1, 1, 1).expand(count, 1, 6, 6).contiguous()
    mixed, _ = mix(0.5, 1.0, images, torch.zeros(count, dtype=torch.int64), torch.arange(count))
    is_cut = ((mixed == 0) | (mixed == 1)).flatten(1).all(1)
    assert 0.4 < float(is_cut.float().mean()) < 0.6


def test_a_share_of_a_batch_is_mixed_as_in_the_whole_batch() -> None:
    torch.manual_seed(1)
    images, labels, index = torch.randn(12, 2, 5, 5), torch.arange(12) % 5, torch.randperm(12)
    whole = mix(0.3, 1.0, images, labels, index)
    parts = [mix(0.3, 1.0, images[a:b], labels[a:b], index[a:b]) for a, b in ((0, 4), (4, 12))]
    for number in range(2):
        assert torch.equal(whole[number], torch.cat([part[number] for part in parts]))


def test_an_odd_batch_and_shares_of_classes_are_mixed_too() -> None:
    images, several = torch.randn(3, 1, 2, 2), torch.tensor([[1.0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]])
    mixed, targets = mix(1.0, 0, images, several, torch.arange(3))
    assert mixed.shape == images.shape
    torch.testing.assert_close(targets.sum(1)[0], targets[0, 0] * 2 + targets[0, 2])
    alone, targets = mix(1.0, 0, images[:1], several[:1], torch.arange(1))
    assert torch.equal(alone, images[:1]) and torch.equal(targets, several[:1])
