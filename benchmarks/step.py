"""The training step on the CPU against the loop most people write, and against its own kernels, in CPU seconds.

    python benchmarks/step.py [--rounds 30] [--threads 1] [--out FILE.json]

ResNet-20 on batches of 128 images of 3x32x32 that are ready. `plain` is float32 in torch's default memory order with
SGD as torch builds it and `loss.item()` after every step; `kernels` are channels-last memory and the fused optimizer
and nothing else; `ours` is the runtime's step with every feature of a recipe off, its look at the loss included;
`ours, loop` has the average of the weights too. Every round takes one step of every arm, every second one backwards; a
ratio is the median of the rounds' ratios with its 95 % bootstrap interval. What the step costs besides its kernels is
too little to be seen so: it is measured on tiny batches as well.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from paired import Arm, Results, compare, interleave
from step_arms import MOMENTUM, WEIGHT_DECAY, OurStep, build_network, make_images, plain_step
from torch import Tensor, nn

BATCH, NETWORK = 128, "cifar/cifar_depth20"
CPU = torch.device("cpu")


def kernels_step(model: nn.Module, batch: Tensor, labels: Tensor) -> Callable[[], None]:
    """Forward, loss, backward, update."""
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY, fused=True
    )
    criterion = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(batch), labels).backward()
        optimizer.step()

    return step


def our_step(images: Tensor, labels: Tensor, batch: Tensor, ema_decay: float) -> Callable[[], None]:
    """The runtime's step and its look at the loss."""
    model = build_network(NETWORK, CPU, channels_last=True)
    ours = OurStep(model, images, labels, BATCH, dtype=torch.float32, fixed=batch, ema_decay=ema_decay)

    def step() -> None:
        ours()
        int(ours.losses.first_bad_step)

    return step


def measure_step(rounds: int, results: Results) -> list[Arm]:
    """The arms on batches of 128, one step of each in every round; ours first, then the kernels."""
    images, labels = make_images(BATCH, 32, 10, CPU)
    standard = torch.randn(BATCH, 3, 32, 32)
    fixed = standard.contiguous(memory_format=torch.channels_last)
    ours = our_step(images, labels, fixed, 0.0)
    arms = [
        Arm("ours", ours, BATCH),
        Arm("kernels", kernels_step(build_network(NETWORK, CPU, channels_last=True), fixed, labels), BATCH),
        Arm("plain", plain_step(build_network(NETWORK, CPU, channels_last=False), standard, labels), BATCH),
        Arm("ours, loop", our_step(images, labels, fixed, 0.99), BATCH),
        Arm("ours again", ours, BATCH),
    ]
    for arm in arms:
        arm.step()  # the first step allocates
    interleave(arms, rounds, 1, time.process_time, lambda: True)
    for arm in arms:
        results.add("CPU seconds of a step", arm.name, arm.describe())
    for arm in arms[1:]:
        results.add("ratios", f"{arm.name} / ours", compare(arms[0], arm))
    results.add("ratios", "kernels / ours, loop", compare(arms[3], arms[1]))
    return arms


def measure_overhead(rounds: int, results: Results, arms: list[Arm]) -> None:
    """What ours does besides the kernels, from batches so small that it can be seen, as a share of a step of 128: it
    does not depend on the images."""
    images, labels = make_images(2, 8, 10, CPU)
    fixed = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    small = [
        Arm("kernels, 2 of 8x8", kernels_step(build_network(NETWORK, CPU, channels_last=True), fixed, labels), 2),
        Arm("ours, 2 of 8x8", our_step(images, labels, fixed, 0.0), 2),
        Arm("ours, loop, 2 of 8x8", our_step(images, labels, fixed, 0.99), 2),
    ]
    for arm in small:
        arm.step()
    interleave(small, 2 * rounds, 10, time.process_time, lambda: True)
    for arm in small:
        results.add("CPU seconds of a step", arm.name, arm.describe())
    step = statistics.median(arms[1].seconds)
    for arm in small[1:]:
        differences = [mine - bare for mine, bare in zip(arm.seconds, small[0].seconds, strict=True)]
        share = statistics.median(differences) / step
        results.add("ratios", f"kernels / {arm.name.removesuffix(', 2 of 8x8')}, from its overhead", 1 / (1 + share))


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="the JSON file to write, or to add to")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    where: dict[str, object] = {"torch": torch.__version__, "python": platform.python_version()}
    results = Results(options.out, where | {"threads": options.threads, "load": os.getloadavg()[0]})
    measure_overhead(options.rounds, results, measure_step(options.rounds, results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
