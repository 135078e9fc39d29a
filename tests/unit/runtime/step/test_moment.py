"""What differs from step to step may be a tensor on the device: the step computes the same with it as with a number."""

import pytest
import torch
from torch import Tensor, nn

from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.step.epoch_losses import NO_STEP, EpochLosses

CPU = torch.device("cpu")


def whole(number: int) -> Tensor:
    """The number on the device."""
    return torch.tensor(number)


@pytest.mark.parametrize("epoch", [0, 1, 163, 999_999])
def test_an_epoch_on_the_device_draws_the_same_numbers(epoch: int) -> None:
    index = torch.arange(1000)
    for seed in (0, 7, 2**32 - 1):
        expected = counter_rng.random_bits(seed, epoch, index, counter_rng.FLIP)
        assert torch.equal(counter_rng.random_bits(seed, whole(epoch), index, counter_rng.FLIP), expected)


def test_a_batch_is_the_same_for_an_epoch_on_the_device() -> None:
    images = torch.randint(0, 256, (20, 3, 9, 8)).to(torch.uint8)
    recipe = Recipe(random_crop_padding=2, horizontal_flip=True, noise=0.1, seed=5)
    augment = Augmenter(images, recipe, Normaliser(torch.zeros(1, 1, 3), torch.full((3,), 0.01)))
    index = torch.tensor([3, 17, 4])
    assert torch.equal(augment(whole(6), index), augment(6, index))


@pytest.mark.parametrize("step", [1, 5, 89, 90, 10_000])
def test_an_average_takes_the_same_share_for_a_step_on_the_device(step: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    averages = [ExponentialMovingAverage(model, 0.91) for _ in range(2)]
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    averages[0].update(step)
    averages[1].update(whole(step))
    for one, other in zip(*(average.model.state_dict().values() for average in averages), strict=True):
        torch.testing.assert_close(one, other)
    assert int(averages[1].model[1].num_batches_tracked) == 1


@pytest.mark.parametrize("kind", [int, whole])
def test_losses_are_summed_by_parts_and_the_first_bad_step_is_kept(kind: type[int]) -> None:
    losses = EpochLosses(3, CPU)
    for step, (part, loss) in enumerate([(0, 1.5), (0, 0.25), (1, 2.0), (2, 0.125)], 1):
        losses.record(torch.tensor(loss), kind(step), kind(part))
    assert (losses.total.item(), losses.curve.tolist()) == (3.875, [1.75, 2.0, 0.125])
    assert int(losses.first_bad_step) == NO_STEP
    for step, loss in ((5, "nan"), (6, "1"), (7, "inf")):
        losses.record(torch.tensor(float(loss)), kind(step), kind(2))
    assert int(losses.first_bad_step) == 5
    losses.start_epoch()
    assert (losses.total.item(), losses.curve.tolist(), int(losses.first_bad_step)) == (0.0, [0.0, 0.0, 0.0], 5)
