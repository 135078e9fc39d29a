"""The order of an epoch in which classes are drawn equally often, and what a class counts in the loss."""

import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from resnetc.runtime import counter_rng
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.input_pipeline.sampling import (
    BalancedOrder,
    RepeatedLabels,
    RepeatedOrder,
    build_order,
    may_repeat,
)
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.train import train
from resnetc.runtime.training.class_weights import compute_class_weights
from resnetc.runtime.training.loss import build_criterion
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

CPU = torch.device("cpu")
LABELS = torch.tensor([3] * 50 + [0] * 7 + [5] * 30 + [1] * 2)[
    torch.randperm(89, generator=torch.Generator().manual_seed(0))
]


def test_classes_are_drawn_equally_often_and_their_images_too() -> None:
    order, images = BalancedOrder(LABELS, 1), Counter[int]()
    for epoch in range(40):
        numbers = order(epoch)
        assert numbers.shape == (89,) and len(set(numbers.tolist())) == 89  # one that is seen again has another number
        counts = torch.bincount(LABELS[numbers % 89])[[0, 1, 3, 5]]
        assert counts.sum() == 89 and 19 <= int(counts.min()) <= int(counts.max()) <= 23
        images.update((numbers % 89).tolist())
    for label in (0, 1, 3, 5):
        rows = torch.nonzero(LABELS == label).flatten().tolist()
        assert max(images[row] for row in rows) - min(images[row] for row in rows) <= 3 + 40 * 3 // len(rows)


def test_an_order_goes_through_a_class_before_it_begins_again() -> None:
    """In successive epochs of 2 x 3 images, a class of 9 is seen once in three epochs."""
    labels = torch.tensor([0] * 9 + [1] * 3)
    order = BalancedOrder(labels, 0)
    assert order.quota == 6
    for start in range(0, 6, 3):
        images = [image for epoch in range(start, start + 3) for image in (order(epoch) % 12).tolist() if image < 9]
        assert sorted(images) == sorted([*range(9)] * 2)


def test_an_order_is_a_function_of_seed_and_epoch() -> None:
    one, same, other = (BalancedOrder(LABELS, seed)(5) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert not torch.equal(one, BalancedOrder(LABELS, 1)(6))
    assert torch.equal(RepeatedLabels(LABELS)[one], LABELS[one % 89])


def state_repeats(seed: int, epoch: int, count: int, repeats: int, batch_size: int) -> list[list[tuple[int, int]]]:
    """What timm's sampler gives to one process, stated again: (image, repeat) of every step, in any order within it."""
    shuffled = counter_rng.permutation(seed, epoch, count, CPU).tolist()
    sequence = [(image, repeat) for image in shuffled for repeat in range(repeats)][:count]
    return [sequence[start : start + batch_size] for start in range(0, count, batch_size)]


@given(
    count=st.integers(1, 120),
    repeats=st.integers(2, 6),
    batch_size=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 1000),
)
def test_repeats_are_those_of_the_statement(count: int, repeats: int, batch_size: int, seed: int, epoch: int) -> None:
    order = RepeatedOrder(count, repeats, batch_size, seed, CPU)(epoch)
    assert order.shape == (count,) and order.dtype == torch.int64
    steps = state_repeats(seed, epoch, count, repeats, batch_size)
    numbers = [[(number % count, number // count) for number in part.tolist()] for part in order.split(batch_size)]
    assert [sorted(step) for step in numbers] == [sorted(step) for step in steps]
    assert len({image for step in numbers for image, _ in step}) == -(-count // repeats)
    for step in numbers:
        assert [repeat for _, repeat in step] == sorted(repeat for _, repeat in step)
        if len(step) >= 2 * repeats:  # neighbours are mixed
            assert all(one[0] != other[0] for one, other in zip(step, step[1:], strict=False))


@given(processes=st.integers(2, 8), share=st.integers(1, 12), repeats=st.integers(2, 8), count=st.integers(100, 300))
def test_repeats_of_an_image_go_to_different_processes(processes: int, share: int, repeats: int, count: int) -> None:
    order = RepeatedOrder(count, repeats, processes * share, 3, CPU)(0)
    for step in order.split(processes * share)[: count // (processes * share)]:
        shares = [(part % count).tolist() for part in step.chunk(processes)]
        assert [len(part) for part in shares] == [share] * processes
        if processes >= repeats:
            assert all(len(set(part)) == share for part in shares)
        else:  # as equally as they can be
            assert max(Counter(part).most_common(1)[0][1] for part in shares) <= -(-repeats // processes) + 1


def test_another_third_is_seen_in_another_epoch(few: Data) -> None:
    order = build_order(Recipe(aug_repeats=3, batch_size=30, seed=1), few, CPU)
    assert isinstance(order, RepeatedOrder) and order == RepeatedOrder(100, 3, 30, 1, CPU)
    thirds = [set((order(epoch) % 100).tolist()) for epoch in range(30)]
    assert {len(third) for third in thirds} == {34} and len(set().union(*thirds)) == 100
    assert thirds[0] != thirds[1] and torch.equal(order(7), order(7))
    assert build_order(Recipe(aug_repeats=3, batch_size=300), few, CPU) == RepeatedOrder(100, 3, 100, 0, CPU)


def test_once_an_epoch_is_the_order_as_ever(few: Data) -> None:
    recipe = Recipe(seed=5)
    assert torch.equal(build_order(recipe, few, CPU)(2), counter_rng.permutation(5, 2, 100, CPU))
    assert [may_repeat(Recipe(**keys)) for keys in ({}, {"aug_repeats": 2}, {"sampling": "balanced"})] == [0, 1, 1]  # type: ignore[arg-type]


def test_more_repeats_than_images_are_refused(source: str, few: Data, tmp_path: Path) -> None:
    data = replace(few, train_images=few.train_images[:3], train_labels=few.train_labels[:3])
    message = (
        "`aug_repeats` is 4: an epoch would use only one of the 3 training images of npz: set aug_repeats to 3 or less"
    )
    with pytest.raises(RunError, match=message):
        train(source, "small", data, recipe_file.load("digits", ["aug_repeats=4"]), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_weights_are_those_of_the_textbook(few: Data, smoothing: float) -> None:
    """Stated again in NumPy: each image's loss times the weight of its class, over the number of images."""
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    data = replace(few, train_labels=labels)
    weights = compute_class_weights(Recipe(class_weights="balanced"), data)
    assert weights is not None
    expected = np.array([100 / 3 / n for n in (70, 20, 10)] + [0.0] * 7)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    scores = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 0, 1, 2, 2, 0])
    criterion = build_criterion(Recipe(class_weights="balanced", label_smoothing=smoothing), data, CPU)
    logs = scores.double().log_softmax(1).numpy()
    wanted = np.eye(10)[targets.numpy()] * (1 - smoothing) + smoothing / 10
    assert float(criterion(scores, targets)) == pytest.approx(-(wanted * logs * expected).sum() / 6, rel=1e-5)
    shares = functional.one_hot(targets, 10).float()
    assert float(criterion(scores, shares)) == pytest.approx(float(criterion(scores, targets)), rel=1e-5)
    halves = [criterion(scores[part], targets[part]) for part in (slice(0, 3), slice(3, 6))]
    assert float(sum(halves)) / 2 == pytest.approx(float(criterion(scores, targets)), rel=1e-5)  # as two processes


def test_weights_of_yes_and_no(few: Data) -> None:
    labels = torch.zeros(100, 3, dtype=torch.uint8)
    labels[:20, 0], labels[:, 1] = 1, 1
    data = replace(few, class_names=("a", "b", "c"), train_labels=labels, test_labels=labels[:40])
    weights = compute_class_weights(Recipe(class_weights="balanced"), data)
    assert weights is not None and weights.tolist() == [4, 1, 1]
    scores, targets = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1, 1, 0]], dtype=torch.uint8)
    loss = build_criterion(Recipe(class_weights=(4.0, 2.0, 9.0)), data, CPU)(scores, targets)
    by_hand = [4 * np.log1p(np.exp(-2)), 2 * np.log1p(np.exp(1)), np.log1p(np.exp(0.5))]
    assert float(loss) == pytest.approx(np.mean(by_hand))


REFUSED = {
    "another word": (["class_weights=equal"], "`class_weights` must be none or balanced, or a list of numbers, not"),
    "a negative weight": (["class_weights=[1, -1]"], "`class_weights`: every item must lie above 0 to 1e+06; it is -1"),
    "twice": (["class_weights=balanced", "sampling=balanced"], "are both balanced, so rare classes would count twice"),
    "another order": (["sampling=random"], "`sampling` cannot be `random`"),
    "repeats and balance": (
        ["aug_repeats=3", "sampling=balanced"],
        "--override aug_repeats=3: `sampling` is balanced, which itself repeats images, and `aug_repeats` is 3: "
        "set sampling: shuffled or aug_repeats: 1",
    ),
    "more repeats than a step": (
        ["batch_size=4", "aug_repeats=5"],
        "--override aug_repeats=5: `aug_repeats` (5) must be at most `batch_size` (4), or a step would use only "
        "one image",
    ),
    "no repeat": (["aug_repeats=0"], "`aug_repeats` must lie from 1 to 64; it is 0"),
    "torch's word": (["class_weight=balanced"], "write `class_weights`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_recipe_is_refused(name: str) -> None:
    overrides, expected = REFUSED[name]
    with pytest.raises(RunError) as refusal:
        recipe_file.load("digits", overrides)
    assert expected in str(refusal.value)


def test_weights_of_other_classes_are_refused_before_anything_is_written(
    source: str, few: Data, tmp_path: Path
) -> None:
    chosen = recipe_file.load("digits", ["class_weights=[1, 2.5]"])
    assert chosen.class_weights == (1, 2.5)
    assert "class_weights: [1.0, 2.5]" in chosen.to_yaml()
    with pytest.raises(RunError, match="`class_weights` has 2 numbers, but npz has 10 classes"):
        train(source, "small", few, chosen, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
    table = torch.zeros(100, 10, dtype=torch.uint8)
    labelled = replace(few, train_labels=table, test_labels=table[:40])
    with pytest.raises(RunError, match="`sampling` is balanced, but an image of npz has any number of classes"):
        build_order(Recipe(sampling="balanced"), labelled, CPU)


def test_a_balanced_run_resumes_to_the_last_bit(
    source: str, quick: Recipe, few: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = torch.where(torch.arange(100) < 80, few.train_labels % 2, few.train_labels)
    rare = replace(few, train_labels=labels)
    for number, settings in enumerate(
        (
            replace(quick, sampling="balanced", horizontal_flip=True, random_crop_padding=1),
            replace(quick, class_weights="balanced"),
        )
    ):
        train(source, "net", rare, settings, tmp_path / f"whole{number}", quiet=True)
        with monkeypatch.context() as patch:
            stopping(patch, [4], signal.SIGTERM)
            with pytest.raises(Stopped):
                train(source, "net", rare, settings, tmp_path / f"cut{number}", quiet=True)
        train(source, "net", rare, settings, tmp_path / f"cut{number}", resume=True, quiet=True)
        assert_equal_runs(tmp_path / f"whole{number}", tmp_path / f"cut{number}")
