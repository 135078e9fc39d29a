"""The runtime's step and augmentation against a plain loop, in CPU seconds: one process, arms interleaved.

    python benchmarks/runtime.py [--rounds 9] [--threads 1]

`plain` is the loop most people write first: every image padded, cropped, mirrored and normalised on its own by Pillow
and NumPy, memory in torch's default order, SGD as torch builds it, `loss.item()` after every step. `ours` is the
runtime: one gather a batch from bytes in memory, channels-last, fused SGD. Both train ResNet-20 from equal weights on
images of 28x28 and use equal batches. Each round runs all arms in turn, every second one backwards; the ratios are
plain / ours, the median of the rounds' ratios with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

import resnetc
from resnetc.runtime import counter_rng
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser
from resnetc.runtime.input_pipeline.statistics import measure_statistics
from resnetc.runtime.model import loader
from resnetc.runtime.optim import optimizer
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import environment

IMAGES, BATCH, CROP = 4096, 128, 2
RECIPE = Recipe(batch_size=BATCH, random_crop_padding=CROP, horizontal_flip=True, weight_decay=5e-4)
CPU = torch.device("cpu")
Arm = Callable[[], None]


def plain_images(images: numpy.ndarray, mean: float, deviation: float) -> Iterator[Tensor]:
    """Endless batches, float32 [BATCH, 1, 28, 28]: a random order, every image on its own."""
    size = images.shape[1]
    while True:
        order = list(range(len(images)))
        random.shuffle(order)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            made = []
            for index in order[start : start + BATCH]:
                image = ImageOps.expand(Image.fromarray(images[index]), CROP)
                left, top = random.randint(0, 2 * CROP), random.randint(0, 2 * CROP)
                image = image.crop((left, top, left + size, top + size))
                if random.random() < 0.5:
                    image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                made.append(torch.from_numpy(numpy.array(image)).float().div(255).sub(mean).div(deviation).unsqueeze(0))
            yield torch.stack(made)


def our_images(images: Tensor) -> Iterator[Tensor]:
    """Endless batches of the runtime: float32 [BATCH, 1, 28, 28], channels-last."""
    augment = Augmenter(images, RECIPE, Normaliser(*measure_statistics(images, RECIPE.normalise)))
    epoch = 0
    while True:
        order = counter_rng.permutation(RECIPE.seed, epoch, len(images), CPU)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            yield augment(epoch, order[start : start + BATCH])
        epoch += 1


def network(source: str) -> nn.Module:
    """ResNet-20 for one channel, from the same seed every time, as the runtime builds it."""
    torch.manual_seed(0)
    return loader.build_network(source, Path("resnet20.py"), CPU).train()


def plain_step(source: str, batches: Callable[[], Tensor], labels: Tensor) -> Arm:
    """One step of the plain loop."""
    model = network(source).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    update = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loss_of, total = nn.CrossEntropyLoss(), [0.0]

    def step() -> None:
        update.zero_grad()
        loss = loss_of(model(batches()), labels)
        loss.backward()
        update.step()
        total[0] += loss.item()

    return step


def our_step(source: str, batches: Callable[[], Tensor], labels: Tensor) -> Arm:
    """One step of the runtime's loop, its look at the loss included."""
    model = network(source)
    update = optimizer.build_optimizer(model, RECIPE)
    loss_of = nn.CrossEntropyLoss()
    total = torch.zeros((), dtype=torch.float64)

    def step() -> None:
        nonlocal total
        loss = loss_of(model(batches()), labels)
        total += loss.detach()
        assert bool(loss.detach().isfinite())
        update.zero_grad()
        loss.backward()
        update.step()

    return step


def seconds(arm: Arm, repeats: int) -> float:
    """CPU seconds of one call, all threads together."""
    began = time.process_time()
    for _ in range(repeats):
        arm()
    return (time.process_time() - began) / repeats


def interval(ratios: list[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--threads", type=int, default=1)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    random.seed(0)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 1, 28, 28), generator=generator).to(torch.uint8)
    labels = torch.randint(0, 10, (BATCH,), generator=generator)
    source = resnetc.compile("cifar/resnet", depth=20, channels=1).source

    mean, deviation = images.float().mean().item() / 255, images.float().std().item() / 255
    plain, ours = plain_images(images[:, 0].numpy(), mean, deviation), our_images(images)
    fixed = next(ours)
    standard = torch.empty(fixed.shape).copy_(fixed)  # in torch's default order, which `contiguous` may skip
    pairs: dict[str, tuple[Arm, Arm]] = {
        "augmentation": (lambda: void(next(plain)), lambda: void(next(ours))),
        "step": (plain_step(source, lambda: standard, labels), our_step(source, lambda: fixed, labels)),
        "both": (
            plain_step(source, lambda: next(plain), labels),
            our_step(source, lambda: next(ours), labels),
        ),
        "same arm twice": (
            our_step(source, lambda: fixed, labels),
            our_step(source, lambda: fixed, labels),
        ),
    }
    repeats = {name: 8 if name == "augmentation" else 2 for name in pairs}
    arms = [(name, side) for name in pairs for side in (0, 1)]
    for name, side in arms:
        seconds(pairs[name][side], 2)  # the first steps allocate
    samples: dict[tuple[str, int], list[float]] = {arm: [] for arm in arms}
    for number in range(options.rounds):
        for name, side in arms if number % 2 == 0 else arms[::-1]:
            samples[name, side].append(seconds(pairs[name][side], repeats[name]))

    where = environment.describe(CPU)
    print(f"{where['processor']}; {where['python']}, torch {where['torch']}; n = {options.rounds} rounds")
    print(f"{'batch of 128, 1x28x28':<22} {'plain CPU ms':>14} {'ours CPU ms':>14} {'plain / ours':>14}  95 % interval")
    for name in pairs:
        ratios = [a / b for a, b in zip(samples[name, 0], samples[name, 1], strict=True)]
        low, high = interval(ratios)
        first, second = (1000 * statistics.median(samples[name, side]) for side in (0, 1))
        print(f"{name:<22} {first:14.2f} {second:14.2f} {statistics.median(ratios):14.2f}  {low:.2f} to {high:.2f}")


def void(batch: Tensor) -> None:
    """A batch that nobody uses."""
    assert batch.shape == (BATCH, 1, 28, 28)


if __name__ == "__main__":
    main()
