"""What a recipe does to a batch: nothing where it asks for nothing, and everything in its order."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import torch
from torch import nn

from resnetc.runtime.augmentation.batch_transform import build_batch_transform
from resnetc.runtime.augmentation.crop_and_flip import Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.training.loss import build_criterion

RECORD = cast(Preprocessing, SimpleNamespace(range=(0.0, 255.0), classes=tuple("abcde")))
NORMALISER = Normaliser(torch.full((1, 1, 3), 100.0), torch.full((3,), 0.02))


def test_a_recipe_that_asks_for_nothing_costs_nothing(few: Data) -> None:
    assert build_batch_transform(Recipe(), RECORD, NORMALISER) is None
    assert type(build_criterion(Recipe(), few, torch.device("cpu"))) is nn.CrossEntropyLoss


def test_colours_boxes_and_pairs_are_changed_in_this_order() -> None:
    torch.manual_seed(0)
    images, labels, index = torch.randn(6, 3, 8, 8), torch.arange(6) % 5, torch.arange(6)
    parts = [{"color_jitter": 0.3, "lighting": 0.1}, {"random_erasing": 1.0}, {"mixup": 1.0, "cutmix": 1.0}]
    expected, targets = images, labels
    for part in parts:
        alone = build_batch_transform(replace(Recipe(), **part), RECORD, NORMALISER)  # type: ignore[arg-type]
        assert alone is not None
        expected, targets = alone(expected, targets, 3, index)
    together = build_batch_transform(
        replace(Recipe(), **{key: value for part in parts for key, value in part.items()}),  # type: ignore[arg-type]
        RECORD,
        NORMALISER,
    )
    assert together is not None
    results = together(images, labels, 3, index)
    assert torch.equal(results[0], expected) and torch.equal(results[1], targets)
    number, tensor = (together(images, labels, epoch, index)[0] for epoch in (3, torch.tensor(3)))
    assert torch.equal(number, tensor)
