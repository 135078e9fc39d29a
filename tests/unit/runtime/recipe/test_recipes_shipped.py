"""The recipes that come along: one for every data name, and the paper's numbers."""

import math
import re
from pathlib import Path

import pytest

from resnetc.runtime import data
from resnetc.runtime.optim.lr_schedule import compute_learning_rate
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe


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
    manual = Path(__file__).parents[4] / "docs" / "training.md"
    rows = [line.split(" | ") for line in manual.read_text("utf-8").splitlines() if line.startswith("| `")]
    listed = {row[0].strip("|` "): (row[1].strip("`"), row[-1].removesuffix(" |")) for row in rows if len(row) == 4}
    written = dict(line.split("  # ") for line in Recipe().to_yaml().splitlines())
    assert listed == {line.split(":")[0]: (line.split(": ")[1].strip(), meaning) for line, meaning in written.items()}


def test_the_manual_lists_every_recipe() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "training.md").read_text("utf-8")
    table = manual.partition("| recipe | for |")[2].partition("\n\n")[0]
    names = [name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    assert sorted(names) == list(recipe_file.list_shipped())


def test_the_manual_lists_every_data_name() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "training.md").read_text("utf-8")
    assert [name for name in data.NAMES if f"| `{name}` |" not in manual] == []


PUBLISHED = {  # epochs, images a step, rate, weight decay, epochs of warm-up, sizes of training and evaluation
    "imagenet": (90, 256, 0.1, 1e-4, 0, 224, 224 / 0.875),
    "imagenet-v2": (600, 1024, 0.5, 2e-5, 5, 176, 232),
    "rsb-a1": (600, 2048, 5e-3, 0.01, 5, 224, 224 / 0.95),
    "rsb-a2": (300, 2048, 5e-3, 0.02, 5, 224, 224 / 0.95),
    "rsb-a3": (100, 2048, 8e-3, 0.02, 5, 160, 224 / 0.95),
}
IMAGES = 1_281_167  # of ImageNet's training part


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_recipes_of_imagenet_are_the_published_ones(name: str) -> None:
    read = recipe_file.load(name)
    epochs, batch_size, rate, decay, warmup, side, resize = PUBLISHED[name]
    assert (read.epochs, read.batch_size, read.learning_rate, read.weight_decay) == (epochs, batch_size, rate, decay)
    assert read.warmup * epochs == pytest.approx(warmup, abs=0.01)
    assert (read.train_size or (read.image_size,)) == (side,) and read.image_size == 224
    assert read.eval_resize == pytest.approx(resize, abs=0.5)
    steps = IMAGES // batch_size
    rates = [compute_learning_rate(read, epoch * steps, epochs * steps) for epoch in range(epochs)]
    if name == "imagenet":
        assert rates == pytest.approx([0.1] * 30 + [0.01] * 30 + [0.001] * 30)
    else:
        cosine = [rate * (1 + math.cos(math.pi * (e - warmup) / (epochs - warmup))) / 2 for e in range(warmup, epochs)]
        assert rates[warmup:] == pytest.approx(cosine, rel=1e-3, abs=rate * 1e-5)
        assert rates[:warmup] == pytest.approx(
            [rate * (read.warmup_from + (1 - read.warmup_from) * e / warmup) for e in range(warmup)], rel=1e-2
        )


STRIKES_BACK = {  # "ResNet strikes back", table 2: smoothing, stochastic depth, repeats, RandAugment, mixup, cutmix
    "rsb-a1": (0.1, 0.05, 3, 7, 0.5, 0.2, 1.0),
    "rsb-a2": (0.0, 0.05, 3, 7, 0.5, 0.1, 1.0),
    "rsb-a3": (0.0, 0.0, 1, 6, 0.5, 0.1, 1.0),
}


@pytest.mark.parametrize("name", STRIKES_BACK)
def test_the_augmentation_of_resnet_strikes_back_is_the_published_one(name: str) -> None:
    read = recipe_file.load(name)
    assert STRIKES_BACK[name] == (
        read.label_smoothing,
        read.drop_path,
        read.aug_repeats,
        read.magnitude,
        read.magnitude_std,
        read.mixup,
        read.cutmix,
    )
    assert (read.rand_augment, read.num_ops, read.trivial_augment) == ("timm", 2, False)
    assert (read.optimizer, read.loss, read.horizontal_flip) == ("lamb", "bce", True)


def test_the_augmentation_of_imagenet_is_the_papers_and_torchvisions() -> None:
    paper, second = recipe_file.load("imagenet"), recipe_file.load("imagenet-v2")
    assert (paper.train_resize, paper.image_size, paper.normalise) == ((256, 480), 224, "pixel")
    assert (paper.lighting, paper.horizontal_flip, paper.aug_repeats, paper.mixup) == (0.1, True, 1, 0.0)
    assert (second.aug_repeats, second.trivial_augment, second.rand_augment) == (4, True, "none")
    assert (second.mixup, second.cutmix, second.random_erasing, second.label_smoothing) == (0.2, 1.0, 0.1, 0.1)


@pytest.mark.parametrize("name", [name for name in recipe_file.list_shipped() if name.startswith(("rsb", "imagenet"))])
def test_no_recipe_of_the_field_says_that_another_augmentation_stands_in(name: str) -> None:
    text = (Path(recipe_file.__file__).parents[1] / "recipes" / f"{name}.yaml").read_text("utf-8")
    assert "in place of" not in text and "is not repeated" not in text


@pytest.mark.parametrize("name", recipe_file.list_shipped())
def test_a_recipe_says_where_it_comes_from(name: str) -> None:
    text = (Path(recipe_file.__file__).parents[1] / "recipes" / f"{name}.yaml").read_text("utf-8")
    assert text.startswith("# ")
    if name in PUBLISHED:
        head = text.partition("\nepochs:")[0]
        assert "20" in head and "eported there" in head and "%" in head
