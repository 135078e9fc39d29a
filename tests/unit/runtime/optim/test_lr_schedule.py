"""The learning rate over a run, against torch's own schedulers and the paper."""

from dataclasses import replace

import pytest
import torch

from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.recipe.recipe import Recipe


def rates(recipe: Recipe, steps: int) -> list[float]:
    """The rate of every step of a run."""
    return [compute_learning_rate(recipe, step, steps) for step in range(steps)]


def test_onecycle_is_torchs() -> None:
    steps = 200
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.1,
        total_steps=steps,
        pct_start=0.25,
        div_factor=25,
        final_div_factor=4,
        cycle_momentum=False,
    )
    expected = []
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    # torch counts the rise as pct_start * steps - 1 steps; ours as warmup * (steps - 1)
    recipe = Recipe(schedule="onecycle", learning_rate=0.1, warmup=49 / 199, warmup_from=0.04, final_lr_ratio=0.01)
    assert rates(recipe, steps) == pytest.approx(expected, abs=1e-12)


def test_cosine_is_torchs() -> None:
    steps = 100
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - 1)
    expected = []
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates(Recipe(schedule="cosine", learning_rate=0.4, warmup=0.0), steps) == pytest.approx(expected, abs=1e-12)


def test_the_papers_steps_and_its_warm_up() -> None:
    recipe = Recipe(
        schedule="step",
        learning_rate=0.1,
        milestones=(0.5, 0.75),
        gamma=0.1,
        warmup=400 / 64_000,
        warmup_from=0.1,
        warmup_shape="constant",
    )
    steps = 64_000
    for step, rate in [(0, 0.01), (399, 0.01), (401, 0.1), (31_999, 0.1), (32_000, 0.01), (48_000, 0.001)]:
        assert compute_learning_rate(recipe, step, steps) == pytest.approx(rate)
    assert compute_learning_rate(replace(recipe, warmup=0.0), 0, steps) == 0.1


def test_linear_falls_in_a_straight_line_to_its_end() -> None:
    recipe = Recipe(schedule="linear", learning_rate=1.0, warmup=0.0, final_lr_ratio=0.1)
    assert rates(recipe, 4) == pytest.approx([1.0, 0.7, 0.4, 0.1])


def test_a_linear_warm_up_rises_to_the_peak() -> None:
    recipe = Recipe(schedule="constant", learning_rate=1.0, warmup=0.5, warmup_from=0.0)
    assert rates(recipe, 5) == pytest.approx([0.0, 0.5, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "linear", "onecycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.99])
def test_every_rate_lies_between_nothing_and_the_peak(schedule: str, steps: int, warmup: float) -> None:
    recipe = Recipe(schedule=schedule, learning_rate=0.1, warmup=warmup, milestones=(0.5,))
    assert all(0 <= rate <= 0.1 for rate in rates(recipe, steps))
    assert max(rates(recipe, steps)) > 0
