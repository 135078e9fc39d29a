"""Counted random numbers: pure, spread, and the same on every machine."""

import torch

from resnetc.runtime import counter_rng

CPU = torch.device("cpu")


def test_the_numbers_are_fixed_for_ever() -> None:
    index = torch.tensor([0, 1, 2, 60_000])
    assert counter_rng.random_bits(0, 0, index, counter_rng.ROW).tolist() == [
        1933922978,
        1429233835,
        1826249047,
        2955410539,
    ]
    assert counter_rng.derive_key(3, 5, counter_rng.MODEL) == 1030523596


def test_the_order_is_fixed_for_ever() -> None:
    assert counter_rng.permutation(1, 2, 8, CPU).tolist() == [0, 7, 1, 5, 4, 2, 6, 3]


def test_a_number_depends_on_its_own_index_alone() -> None:
    whole = counter_rng.random_bits(9, 4, torch.arange(1000), counter_rng.FLIP)
    some = torch.tensor([999, 3, 3, 500])
    assert torch.equal(counter_rng.random_bits(9, 4, some, counter_rng.FLIP), whole[some])


def test_seed_epoch_and_stream_each_change_the_numbers() -> None:
    index = torch.arange(1000)
    arms = [
        (1, 2, counter_rng.ROW),
        (2, 2, counter_rng.ROW),
        (1, 3, counter_rng.ROW),
        (1, 2, counter_rng.COLUMN),
        (2, 1, counter_rng.ROW),
    ]
    drawn = [counter_rng.random_bits(seed, epoch, index, stream) for seed, epoch, stream in arms]
    for i, first in enumerate(drawn):
        for second in drawn[:i]:
            assert int((first == second).sum()) < 3


def test_below_covers_its_range_evenly() -> None:
    drawn = counter_rng.randint(5, 0, 0, torch.arange(50_000), counter_rng.ROW)
    counts = torch.bincount(drawn, minlength=5)
    assert len(counts) == 5
    assert (counts - 10_000).abs().max() < 500  # five standard deviations are 447


def test_neighbouring_images_are_uncorrelated() -> None:
    for epoch in range(5):
        drawn = counter_rng.random_bits(0, epoch, torch.arange(20_000), counter_rng.ROW).double()
        pairs = torch.stack([drawn[:-1], drawn[1:]])
        assert abs(float(torch.corrcoef(pairs)[0, 1])) < 0.04


def test_order_is_a_permutation_that_changes_with_the_epoch() -> None:
    first, second = (counter_rng.permutation(0, epoch, 1437, CPU) for epoch in (0, 1))
    assert torch.equal(first.sort().values, torch.arange(1437))
    assert int((first == second).sum()) < 20
    assert torch.equal(first, counter_rng.permutation(0, 0, 1437, CPU))
