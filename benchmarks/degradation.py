"""The degradation problem: deeper plain nets train worse, and the shortcut is all it takes to mend that.

    python benchmarks/degradation.py [--seeds 0,1] [--out runs/degradation]    four arms: plain and residual, 20 and 56
    python benchmarks/degradation.py --options                                 options A, B and C of the shortcut

10,000 images of Fashion-MNIST (Debian: dataset-fashion-mnist), reduced to 14x14; the CIFAR nets of the paper with width
8; two epochs at a learning rate of 0.1. Between a plain net and its residual twin stands nothing but
`--set shortcut=none`. Prints a row an arm, draws the curves, and ends with status 1 unless plain-56 has at least 1.5
times the training loss of plain-20 and ResNet-56 is at most 2 points behind ResNet-20. Finished runs are not repeated.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from resnetc.cli import compare
from resnetc.cli.compare import NetworkArgument
from resnetc.runtime import data, recipe_file
from resnetc.runtime.comparison import compare as runtime_compare
from resnetc.runtime.comparison import plots
from resnetc.runtime.comparison.compare import Row
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.run import environment

IMAGES = 10_000
WORSE, BEHIND = 1.5, 2.0  # what the nets must show: a ratio of training losses, points of top-1
OVERRIDES = ["epochs=2", "learning_rate=0.1", "label_smoothing=0", "random_crop_padding=1", "threads=1"]
DEPTHS = (20, 56)
SHORTCUTS = {"plain": "none", "ResNet": "shortcuts.pad"}
OPTIONS = {"A": "shortcuts.pad", "B": "shortcuts.project", "C": "shortcuts.project_all"}


def halved(images: Tensor) -> Any:
    """uint8 [N, 1, 28, 28] to an array [N, 14, 14]: the rounded mean of every 2x2 square."""
    return images.view(-1, 14, 2, 14, 2).float().mean((2, 4)).round().byte().numpy()


def small_set(path: Path, folder: str | None) -> Data:
    """The first 10,000 training images and all test images at 14x14, kept as an .npz file at `path`."""
    if not path.is_file():
        whole = data.load("fashion-mnist", Path(folder) if folder else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        numpy.savez_compressed(
            path,
            train_images=halved(whole.train_images[:IMAGES]),
            train_labels=whole.train_labels[:IMAGES].numpy(),
            test_images=halved(whole.test_images),
            test_labels=whole.test_labels.numpy(),
            class_names=numpy.array(whole.class_names),
        )
    return data.load("npz", path)


def named(depth: int, shortcut: str) -> NetworkArgument:
    """The CIFAR net of width 8 with this depth and shortcut, as `--set` binds them."""
    settings = (("depth", str(depth)), ("width", "8"), ("channels", "1"), ("shortcut", shortcut))
    return NetworkArgument("cifar/resnet", None, settings if shortcut != "shortcuts.pad" else settings[:-1], True)


def judged(rows: dict[str, Row]) -> bool:
    """Prints both findings; whether they are as the paper has them."""
    ratio = rows["plain-56"].mean("train_loss") / rows["plain-20"].mean("train_loss")
    behind = rows["ResNet-20"].mean("top1") - rows["ResNet-56"].mean("top1")
    good = ratio >= WORSE, behind <= BEHIND
    print(f"training loss of plain-56 / plain-20: {ratio:.2f} (at least {WORSE}) {'ok' if good[0] else 'NOT REACHED'}")
    print(f"ResNet-56 behind ResNet-20: {behind:.2f} points (at most {BEHIND}) {'ok' if good[1] else 'TOO MUCH'}")
    return all(good)


def main() -> int:
    """Trains, prints, draws; the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--options", action="store_true", help="compare options A, B, C instead")
    arguments.add_argument("--seeds", type=compare.parse_seeds, default=[0], metavar="N,N,...")
    arguments.add_argument("--data", metavar="FOLDER", help="of Fashion-MNIST (default: Debian's)")
    arguments.add_argument("--out", type=Path, metavar="DIR", help="default: runs/degradation or runs/options")
    options = arguments.parse_args()
    out: Path = options.out or Path("runs", "options" if options.options else "degradation")

    began = time.perf_counter(), time.process_time()
    images = small_set(out / "fashion-mnist-14x14.npz", options.data)
    kinds = {f"option {k}": v for k, v in OPTIONS.items()} if options.options else SHORTCUTS
    names = {f"{kind}-{depth}": named(depth, shortcut) for kind, shortcut in kinds.items() for depth in DEPTHS}
    chosen = recipe_file.load("fashion-mnist", OVERRIDES)
    made, _ = compare.compile_arms(list(names.values()), images.outline, chosen)
    arms = [replace(arm, label=label) for label, arm in zip(names, made, strict=True)]
    rows = runtime_compare.train_arms(arms, images, chosen, options.seeds, out)
    sys.stdout.write(runtime_compare.format_table(rows))
    pictures = plots.draw(rows, out, "10,000 Fashion-MNIST images at 14x14, width 8")
    print(f"curves: {pictures[0]} and {pictures[1].name}")
    wall, used = time.perf_counter() - began[0], time.process_time() - began[1]
    machine = f"{environment.read_processor_name()}, {os.cpu_count()} cores, one thread; torch {torch.__version__}"
    print(f"{wall:.0f} s, {used:.0f} CPU s; seeds {options.seeds}; {machine}")
    return 0 if options.options else int(not judged({row.label: row for row in rows}))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RunError as fault:
        sys.exit(f"error: {fault}")
