"""What weights of other classes are worth: a ResNet-20 that starts from them, and one that starts from random ones.

    python benchmarks/transfer.py [--seeds 0,1,2] [--out runs/transfer]

Fashion-MNIST (Debian: dataset-fashion-mnist), reduced to 14x14, in two halves. A ResNet-20 of width 8 learns classes 0
to 4 from 10,000 images in four epochs. Then two learn classes 5 to 9 from 500 images under one recipe: one with
`--init` of the first, one without. Prints both curves, draws them, and ends with status 1 unless the first is ahead
after every epoch, in the mean over the seeds, and reaches before the end what the other ends with. Finished runs are
not repeated.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy
import torch
from degradation import halved

from resnetc.cli import compare
from resnetc.cli.compare import NetworkArgument
from resnetc.runtime import data, recipe_file
from resnetc.runtime.comparison import plots
from resnetc.runtime.comparison.compare import Row, format_table, read_runs
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.run import environment
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train

TEST_IMAGES = 1_000
FIRST, SECOND = range(5), range(5, 10)
FIRST_IMAGES, SECOND_IMAGES = 10_000, 500
FIRST_RECIPE = ["epochs=4", "learning_rate=0.1", "random_crop_padding=1", "threads=1"]
SECOND_RECIPE = [
    *("epochs=8", "batch_size=50", "learning_rate=0.05", "schedule=cosine", "warmup=0.1", "random_crop_padding=1"),
    "threads=1",
]


def read_half(path: Path, whole: Data, classes: range, count: int) -> Data:
    """The first `count` training images of some classes, and the first test images of them, kept as an .npz file."""
    if not path.is_file():
        arrays = {}
        for part, images, labels, most in (
            ("train", whole.train_images, whole.train_labels, count),
            ("test", whole.test_images, whole.test_labels, TEST_IMAGES),
        ):
            chosen = torch.isin(labels, torch.tensor(list(classes))).nonzero().flatten()[:most]
            arrays[f"{part}_images"] = halved(images[chosen])
            arrays[f"{part}_labels"] = (labels[chosen] - classes.start).numpy()
        path.parent.mkdir(parents=True, exist_ok=True)
        names = numpy.array(whole.class_names[classes.start : classes.stop])
        numpy.savez_compressed(path, class_names=names, **arrays)
    return data.load("npz", path)


def train_once(source: str, network: str, images: Data, chosen: Recipe, out: Path, init: Path | None = None) -> None:
    """Train one run, or go on with it; it is read if it is finished."""
    run = RunFolder(out)
    resume = run.is_resumable
    quiet = resume and len(run.read_records()) >= chosen.epochs
    train(source, network, images, chosen, out, init=None if resume else init, resume=resume, quiet=quiet)


def print_curves(rows: list[Row]) -> bool:
    """The mean top-1 of both after every epoch; whether they are as they must be."""
    accuracies = [[[record["top1"] for record in run.records] for run in row.runs] for row in rows]
    warm, cold = map(plots.compute_mean_curve, accuracies)
    print("             epoch: " + "".join(f"{epoch:>8}" for epoch in range(1, len(warm) + 1)))
    for row, curve in zip(rows, (warm, cold), strict=True):
        print(f"{row.label:>18}: " + "".join(f"{top1:>8.2f}" for top1 in curve) + "  % top-1")
    ahead = all(a > b for a, b in zip(warm, cold, strict=True))
    soon = next((epoch for epoch, top1 in enumerate(warm, 1) if top1 >= cold[-1]), None)
    print(f"ahead after every epoch: {'ok' if ahead else 'NO'}")
    good = soon is not None and soon < len(cold)
    print(f"the last top-1 from random weights, {cold[-1]:.2f} %, is reached in epoch {soon}: {'ok' if good else 'NO'}")
    return ahead and good


def main() -> int:
    """Trains, prints, draws; the exit status."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=compare.parse_seeds, default=[0, 1, 2], metavar="N,N,...")
    arguments.add_argument("--data", metavar="FOLDER", help="of Fashion-MNIST (default: Debian's)")
    arguments.add_argument("--out", type=Path, default=Path("runs", "transfer"), metavar="DIR")
    options = arguments.parse_args()
    out: Path = options.out

    began = time.perf_counter(), time.process_time()
    whole = data.load("fashion-mnist", Path(options.data) if options.data else None)
    first = read_half(out / "first.npz", whole, FIRST, FIRST_IMAGES)
    second = read_half(out / "second.npz", whole, SECOND, SECOND_IMAGES)
    name = NetworkArgument(
        "cifar/resnet", None, (("depth", "20"), ("width", "8"), ("channels", "1"), ("classes", "5")), True
    )
    recipes = [recipe_file.load("fashion-mnist", overrides) for overrides in (FIRST_RECIPE, SECOND_RECIPE)]
    (arm,), _ = compare.compile_arms([name], second.outline, recipes[1])
    train_once(arm.source, arm.network, first, recipes[0], out / "first")
    rows = []
    for label, init in (("from other classes", out / "first"), ("from random", None)):
        folders = [out / label.replace(" ", "-") / f"seed{seed}" for seed in options.seeds]
        for seed, folder in zip(options.seeds, folders, strict=True):
            train_once(arm.source, arm.network, second, replace(recipes[1], seed=seed), folder, init)
        rows.append(read_runs(folders, label))
    sys.stdout.write(format_table(rows))
    good = print_curves(rows)
    pictures = plots.draw(rows, out, "Classes 5 to 9 of Fashion-MNIST from 500 images, ResNet-20")
    print(f"curves: {pictures[0]} and {pictures[1].name}")
    wall, used = time.perf_counter() - began[0], time.process_time() - began[1]
    machine = f"{environment.read_processor_name()}, {os.cpu_count()} cores, one thread; torch {torch.__version__}"
    print(f"{wall:.0f} s, {used:.0f} CPU s; seeds {options.seeds}; {machine}")
    return int(not good)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RunError as fault:
        sys.exit(f"error: {fault}")
