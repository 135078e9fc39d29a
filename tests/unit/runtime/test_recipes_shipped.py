"""The recipes that come along: one for every data name, and the paper's numbers."""

from pathlib import Path

import pytest

from resnetc.runtime import data, recipe_file
from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.recipe import Recipe


@pytest.mark.parametrize("name", data.NAMES)
def test_every_data_name_has_a_recipe(name: str) -> None:
    assert name in recipe_file.list_shipped()


def test_cifar_is_the_papers() -> None:
    read = recipe_file.load("cifar10")
    steps = read.epochs * (50_000 // read.batch_size)
    assert abs(steps - 64_000) < 50
    rates = [
        compute_learning_rate(read, step, steps) for step in (0, steps // 2 - 1, steps // 2, 3 * steps // 4, steps - 1)
    ]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001, 0.001])
    assert (read.batch_size, read.momentum, read.nesterov, read.weight_decay, read.decay_norms) == (
        128,
        0.9,
        False,
        1e-4,
        True,
    )
    assert (read.random_crop_padding, read.horizontal_flip, read.normalise, read.label_smoothing) == (
        4,
        True,
        "pixel",
        0.0,
    )
    assert recipe_file.load("cifar100") == read


def test_110_layers_warm_up_for_about_400_steps() -> None:
    read = recipe_file.load("cifar10-110")
    steps = read.epochs * (50_000 // read.batch_size)
    slow = [step for step in range(2000) if compute_learning_rate(read, step, steps) == pytest.approx(0.01)]
    assert slow == list(range(len(slow)))
    assert abs(len(slow) - 400) <= 2
    assert compute_learning_rate(read, 500, steps) == 0.1


def test_the_manual_lists_every_key_with_its_default_and_meaning() -> None:
    manual = Path(__file__).parents[3] / "docs" / "training.md"
    rows = [line.split(" | ") for line in manual.read_text("utf-8").splitlines() if line.startswith("| `")]
    listed = {row[0].strip("|` "): (row[1].strip("`"), row[-1].removesuffix(" |")) for row in rows if len(row) == 4}
    written = dict(line.split("  # ") for line in Recipe().to_yaml().splitlines())
    assert listed == {line.split(":")[0]: (line.split(": ")[1].strip(), meaning) for line, meaning in written.items()}


def test_the_manual_lists_every_data_name() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "training.md").read_text("utf-8")
    assert [name for name in data.NAMES if f"| `{name}` |" not in manual] == []
