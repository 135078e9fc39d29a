"""Sets images aside: a test part for a set that has none, and a validation part to choose the best epoch by.

Each takes its share of every class, and depends on the labels and a seed alone, not on that of the run: runs of several
seeds are judged by the same images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from resnetc.runtime.data.dataset import Data, Fit, ImageSet, Outline
from resnetc.runtime.data.photographs import Photographs, SomePictures
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe.places import Places, fault_at
from resnetc.runtime.recipe.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from resnetc.runtime.data.user_datasets import UserDatasets

_Set = TypeVar("_Set", Data, Photographs, "UserDatasets")
_HOLDOUT, _VALIDATION = range(2)  # of each seed, different numbers for either use


@dataclass(frozen=True, slots=True)
class Split:
    """What is set aside of the training images: `holdout`, the share that tests a set without a test part, then
    `validation`, the share of the rest that chooses the best epoch; 0: none. places: where the recipe says so."""

    holdout: float
    validation: float
    seed: int
    places: Places = field(default_factory=dict, compare=False)

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Split:
        """What a recipe asks for."""
        return cls(recipe.holdout, recipe.validation, recipe.split_seed, recipe.places)

    def count(self, outline: Outline) -> tuple[int, int]:
        """How many images of a set are held out, and how many validate; RunError where that leaves none."""
        if outline.test and self.holdout:
            raise fault_at(
                self.places,
                f"{outline.name} has {outline.test:,} test images: --holdout is for sets without them; use "
                "--validation to choose the best epoch",
                "holdout",
            )
        if not outline.test and not self.holdout:
            raise RunError(f"{outline.name} has no test images: hold some images out, e.g. --holdout 0.2")
        held_out = self._count(outline.name, "holdout", self.holdout, outline.train)
        return held_out, self._count(outline.name, "validation", self.validation, outline.train - held_out)

    def _count(self, name: str, key: str, share: float, images: int) -> int:
        """The share of so many images."""
        count = round(share * images)
        if share and not 0 < count < images:
            message = f"`{key}` is {share:g}: {count} of the {images:,} training images of {name}"
            raise fault_at(self.places, f"{message} would be set aside; at least 1, and not all, must be", key)
        return count

    @classmethod
    def for_evaluation(cls, recipe: Recipe, outline: Outline) -> Split | None:
        """What a run with that recipe sets aside of a set to be judged; None where that is a set without a test part
        and the run held nothing out, so that it cannot be its own: all of it is judged."""
        if not outline.test and not recipe.holdout:
            return None
        return cls(0 if outline.test else recipe.holdout, recipe.validation, recipe.split_seed)

    def apply(self, outline: Outline) -> Outline:
        """The outline of the set with images set aside."""
        held_out, validating = self.count(outline)
        if not held_out and not validating:
            return outline
        change = outline.fit

        def refit(fit: Fit) -> Outline:
            assert change is not None
            return self.apply(change(fit))

        uses = {"to test": held_out, "to choose the best epoch": validating}
        listed = " and ".join(f"{count:,} {use}" for use, count in uses.items() if count)
        aside = f"of {outline.train:,} training images, {listed} are set aside, by class (split_seed {self.seed})"
        return replace(
            outline,
            train=outline.train - held_out - validating,
            test=outline.test + held_out,
            read=lambda: self.split(outline.read()),
            fit=None if change is None else refit,
            note="; ".join(filter(None, (outline.note, aside))),
        )

    def split(self, data: ImageSet) -> ImageSet:
        """The set with images set aside."""
        if isinstance(data, Data):
            return self._split(data, _take_data)
        if isinstance(data, Photographs):
            return self._split(data, _take_photographs)
        from resnetc.runtime.data.user_datasets import UserDatasets

        assert isinstance(data, UserDatasets)
        return self._split(data, UserDatasets.split)

    def _split(self, data: _Set, take: Callable[[_Set, Tensor, Tensor | None], _Set]) -> _Set:
        if self.holdout:
            data = take(data, *_choose(data.train_labels, self.holdout, self.seed, _HOLDOUT))
        if self.validation:
            if data.validation is not None:
                own = f"{data.name} already has validation images: remove --validation"
                raise fault_at(self.places, own, "validation")
            rest, chosen = _choose(data.train_labels, self.validation, self.seed, _VALIDATION)
            validation = take(data, rest, chosen)
            data = replace(take(data, rest, None), validation=validation)
        return data


def use_to_test(data: ImageSet) -> ImageSet:
    """The set with its training images as its test images as well."""
    import torch

    rows = torch.arange(len(data.train_labels))
    if isinstance(data, Data):
        return _take_data(data, rows, rows)
    if isinstance(data, Photographs):
        return _take_photographs(data, rows, rows)
    from resnetc.runtime.data.user_datasets import UserDatasets

    assert isinstance(data, UserDatasets)
    return data.split(rows, rows)


def _choose(labels: Tensor, share: float, seed: int, use: int) -> tuple[Tensor, Tensor]:
    """The rows that stay, and those that are set aside, each in the order of the set: of every class the same share."""
    import torch

    from resnetc.runtime import counter_rng

    if labels.ndim == 2:  # images of the same classes belong together
        labels = torch.unique(labels, dim=0, return_inverse=True)[1]
    count = len(labels)
    bits = counter_rng.random_bits(seed, use, torch.arange(count), counter_rng.SPLIT)
    order = torch.argsort(bits, stable=True)
    order = order[torch.argsort(labels[order], stable=True)]  # by class, within one at random
    sizes = torch.bincount(labels)
    starts = sizes.cumsum(0) - sizes
    ordered_labels = labels[order]
    quantiles = (torch.arange(count) - starts[ordered_labels] + 0.5).double() / sizes[ordered_labels]
    chosen = order[torch.argsort(quantiles, stable=True)[: round(share * count)]]
    is_chosen = torch.zeros(count, dtype=torch.bool)
    is_chosen[chosen] = True
    return torch.nonzero(~is_chosen).flatten(), torch.nonzero(is_chosen).flatten()


def _take_data(data: Data, train: Tensor, test: Tensor | None) -> Data:
    """The set whose training part are the rows `train` of it; its test part, unless `test` is None, the rows `test`."""
    part = replace(data, train_images=data.train_images[train], train_labels=data.train_labels[train])
    if test is None:
        return part
    return replace(part, test_images=data.train_images[test], test_labels=data.train_labels[test])


def _take_photographs(data: Photographs, train: Tensor, test: Tensor | None) -> Photographs:
    """The same of photographs."""
    part = replace(data, train=SomePictures(data.train, train.tolist()), train_labels=data.train_labels[train])
    if test is None:
        return part
    return replace(part, test=SomePictures(data.train, test.tolist()), test_labels=data.train_labels[test])
