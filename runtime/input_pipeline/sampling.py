"""The order in which an epoch sees the training images: each once, some several times, or classes equally often.

It is a pure function of (seed, epoch), so a resumed run, and every process of several, has the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from resnetc.runtime import counter_rng
from resnetc.runtime.data import ImageSet
from resnetc.runtime.recipe.places import fault_at
from resnetc.runtime.recipe.recipe import Recipe

Order = Callable[[int], Tensor]
"""epoch -> int64 [images]: the numbers of the images. A number beyond the last image is that of one that the epoch has
seen before, plus a multiple of their count: so it is augmented in another way."""


def may_repeat(recipe: Recipe) -> bool:
    """Whether an epoch may see an image again: then its order has numbers beyond the last image."""
    return recipe.sampling == "balanced" or recipe.aug_repeats > 1


def build_order(recipe: Recipe, data: ImageSet, device: torch.device) -> Order:
    """The order that a recipe asks for; RunError where there are no classes to draw equally often."""
    count = len(data.train_labels)
    if recipe.sampling == "balanced":
        if data.train_labels.ndim == 2:
            balanced = f"`sampling` is balanced, but an image of {data.name} has any number of classes, not one"
            raise fault_at(recipe.places, f"{balanced}: set sampling: shuffled", "sampling")
        return BalancedOrder(data.train_labels.to(device), recipe.seed)
    if recipe.aug_repeats > 1:
        if recipe.aug_repeats > count:
            raise fault_at(
                recipe.places,
                f"`aug_repeats` is {recipe.aug_repeats}: an epoch would use only one of the {count} training images "
                f"of {data.name}: set aug_repeats to {count} or less",
                "aug_repeats",
            )
        return RepeatedOrder(
            count, recipe.aug_repeats, batch_size=min(recipe.batch_size, count), seed=recipe.seed, device=device
        )
    return lambda epoch: counter_rng.permutation(recipe.seed, epoch, count, device)


class BalancedOrder:
    """Every class that occurs has the same part of each epoch, which is as long as the set.

    The images of a class come one after the other, in rounds: in each round all of them in a random order. An epoch
    goes on where the one before stopped, so of a large class every image is seen, and of a small one none more often
    than the others.

    labels: int64 [N].
    """

    def __init__(self, labels: Tensor, seed: int) -> None:
        self.seed, self.count = seed, len(labels)
        sizes = torch.bincount(labels)
        self.sizes = sizes[sizes > 0]
        self.by_class = torch.argsort(labels, stable=True)  # the images of the first class, of the second, ...
        self.starts = self.sizes.cumsum(0) - self.sizes
        self.quota = -(-self.count // len(self.sizes))  # images of a class in an epoch

    def __call__(self, epoch: int) -> Tensor:
        """The order of an epoch: int64 [N]."""
        device, quota = self.sizes.device, self.quota
        first = epoch * quota // self.sizes  # of each class, the round in which the epoch starts
        rounds = ((epoch + 1) * quota - 1) // self.sizes - first + 1
        owner = torch.repeat_interleave(torch.arange(len(rounds), device=device), rounds)  # of each round, its class
        turn = torch.arange(len(owner), device=device) - (rounds.cumsum(0) - rounds)[owner]  # from 0 in each class
        lengths = self.sizes[owner]
        part = torch.repeat_interleave(torch.arange(len(owner), device=device), lengths)  # of each image, its round
        place = torch.arange(len(part), device=device) - (lengths.cumsum(0) - lengths)[part]
        images = self.by_class[self.starts[owner[part]] + place]
        number = images + (first[owner] + turn)[part] * self.count
        bits = counter_rng.random_bits(self.seed, 0, number, counter_rng.BALANCE)
        shuffled = torch.argsort(bits, stable=True)
        shuffled = shuffled[torch.argsort(part[shuffled], stable=True)]  # round by round, class by class
        total = self.sizes * rounds
        position = torch.arange(len(part), device=device) - (total.cumsum(0) - total)[owner[part]]
        position = position - (epoch * quota - first * self.sizes)[owner[part]]  # 0: the first that is due
        due = shuffled[(position >= 0) & (position < quota)]
        drawn = images[due] + turn[part[due]] * self.count
        order = counter_rng.permutation(self.seed, epoch, len(drawn), device)
        return drawn[order][: self.count]


@dataclass(frozen=True, slots=True)
class RepeatedOrder:
    """Repeated augmentation (Hoffer et al. 2019, Berman et al. 2019): an epoch is as long as the set of `count` images,
    and shows each of a random part of them `repeats` times.

    A step sees what it would of timm's `RepeatAugSampler`: the next `batch_size` of a sequence that has all repeats of
    an image one after the other. Within a step the first repeats of all its images stand before the second ones and
    so on. So no process, which gets a piece of it, sees an image twice in a step, if there are as many processes as
    repeats or more; and neighbours, which mixup mixes, are different images, if a step has room for two or more.
    """

    count: int
    repeats: int
    batch_size: int
    seed: int
    device: torch.device

    def __call__(self, epoch: int) -> Tensor:
        """The order of an epoch: int64 [count]."""
        place = torch.arange(self.count, device=self.device)
        repeat = place % self.repeats
        images = counter_rng.permutation(self.seed, epoch, self.count, self.device)[place // self.repeats]
        sequence = images + repeat * self.count
        return sequence[torch.argsort(place // self.batch_size * self.repeats + repeat, stable=True)]


class RepeatedLabels:
    """The labels of training images by their numbers, as an order has them."""

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels

    def __getitem__(self, index: Tensor) -> Tensor:
        return self.labels[index % len(self.labels)]
