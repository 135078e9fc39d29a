"""What each process of a group does in `test_distributed.py`; started by torchrun.

    worker.py MODULE.py DATA.npz OUT

Writes OUT/<rank>.json: for every case how it ended in this process.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import Dataset

from resnetc.runtime import data, progress
from resnetc.runtime.data import Data, ImageSet
from resnetc.runtime.distributed import process_group as distributed
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.train import Result, train

QUICK = [
    "epochs=3",
    "batch_size=20",
    "eval_batch_size=7",
    "random_crop_padding=1",
    "horizontal_flip=true",
    "ema_decay=0.9",
    "max_grad_norm=5",
    "threads=1",
    "seed=7",
]
MIXED = {
    "mixup": 0.4,
    "cutmix": 1.0,
    "random_erasing": 0.3,
    "color_jitter": 0.2,
    "loss": "bce",
    "optimizer": "lamb",
    "epsilon": 1e-2,  # a smaller one divides gradients that are nothing but rounding by themselves, to whole steps
}
ALIKE: dict[str, dict[str, object]] = {  # what is exact: recipes, each with the set of `choose_set`
    "validated": {"validation": 0.2, "noise": 0.3},
    "held_out": {"holdout": 0.3, "validation": 0.2, "epochs": 2},
    "balanced": {"sampling": "balanced", "epochs": 2},
    "weighted": {"class_weights": "balanced", "epochs": 2},
    "labelled": {"class_weights": "balanced", "epochs": 2},
    "repeated": {"aug_repeats": 3, "mixup": 0.3, "epochs": 2},
    "own": {"noise": 0.1, "workers": 1, "epochs": 2, "aug_repeats": 2},
}
FIRST = "x = self.relu(self.bn1(self.conv1(x)))"


class Shaken(Dataset[tuple[torch.Tensor, int]]):
    """Items that draw from torch's generator."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.rand(1, 8, 8) + index % 10 / 5, index % 10


def load_own() -> tuple[Shaken, Shaken]:
    """A set of a user's own."""
    return Shaken(60), Shaken(21)


def choose_set(name: str, images: ImageSet, chosen: Recipe, place: str) -> ImageSet:
    """The set of a case of `ALIKE`; place: the module that has `load_own`."""
    assert isinstance(images, Data)
    if name == "own":
        images = data.read_outline(f"{place}:load_own").read()  # type: ignore[union-attr]
    elif name == "held_out":
        images = replace(images, test_images=images.test_images[:0], test_labels=images.test_labels[:0])
    elif name in ("balanced", "weighted"):
        numbers = torch.arange(len(images.train_labels))
        images = replace(images, train_labels=torch.where(numbers < 70, images.train_labels % 2, images.train_labels))
    elif name == "labelled":
        tables = [
            (labels[:, None] % 5 == torch.arange(10) % 5).to(torch.uint8)
            for labels in (images.train_labels, images.test_labels)
        ]
        images = replace(images, train_labels=tables[0], test_labels=tables[1])
    return Split.from_recipe(chosen).split(images)


def ended(action: Callable[[], Result]) -> list[object]:
    """How a call of `train` ended, in JSON's terms."""
    try:
        result = action()
    except (RunError, Stopped) as fault:
        return [type(fault).__name__, str(fault), fault.status]
    return ["Result", result.step if hasattr(result, "step") else result.steps, result.top1, result.test_loss]


def main(module: Path, archive: Path, out: Path) -> None:
    source, images, quick = module.read_text(), data.load("npz", archive), recipe_file.load("digits", QUICK)
    dropout = source.replace("x.mean((2, 3))", "torch.dropout(x.mean((2, 3)), 0.3, self.training)")
    with distributed.join_group("cpu") as own:  # one group for all of the cases: each `train` finds it

        def go(text: str, name: str, **settings: object) -> list[object]:
            resume = bool(settings.pop("resume", False))
            init = settings.pop("init", None)
            chosen = replace(quick, **settings)
            return ended(lambda: train(text, "small", images, chosen, out / name, init=init, resume=resume, quiet=True))

        def alike(name: str) -> list[object]:
            chosen = replace(quick, **ALIKE[name])
            chosen_set = choose_set(name, images, chosen, "worker")
            text = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ")
            return ended(lambda: train(text, "small", chosen_set, chosen, out / name, quiet=True))

        def photograph(folder: str) -> list[object]:
            text = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ").replace("nn.Conv2d(1, 16,", "nn.Conv2d(3, 16,")
            text = text.replace("nn.Linear(64, 10)", "nn.Linear(64, 4)")
            shapes = data.read_outline("folder", out / folder).at(data.Fit((16, 16), 18)).read()
            chosen = replace(quick, batch_size=8, epochs=2, workers=1)
            return ended(lambda: train(text, "small", shapes, chosen, out / f"{folder}-run", quiet=True))

        def stop(self: progress.Progress, step: int, epoch: int) -> None:
            if step == 7 and own.rank == 1:
                signal.raise_signal(signal.SIGTERM)

        gate = source.replace("self.fc = ", "self.norm = nn.BatchNorm2d(64)\n        self.fc = ")
        gate = gate.replace("x.mean((2, 3))", "self.norm(x.mean((2, 3), keepdim=True))")
        found = {
            "grouped": go(source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, "), "grouped"),
            "divided": go(source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, "), "divided", accumulate=2),
            "float16": go(source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, "), "float16", precision="float16"),
            "whole": go(dropout, "whole"),
            "again": go(dropout, "whole"),
            "batch": go(source, "batch", batch_size=25),
            "alone": go(gate, "alone", batch_size=2),
            "pairs": go(gate, "pairs", batch_size=4, epochs=1),
            "synced": go(source, "synced", sync_batch_norm=True, **MIXED),
            "single": go(gate, "single", batch_size=2, sync_batch_norm=True, epochs=1),
            "photographs": photograph("shapes"),
            "damaged": photograph("damaged"),
            **{name: alike(name) for name in ALIKE},
            "different": go(source, "different", learning_rate=0.1 * (1 + own.rank)),
        }
        found["frozen"] = go(source, "frozen", init=out / "whole", freeze=("stem", "layer2", "norms"), epochs=1)
        poison = f"{FIRST} * (float('nan') if torch.distributed.get_rank() == 1 and self.training else 1.0)"
        found["poisoned"] = go(source.replace(FIRST, poison), "poisoned")
        progress.Silent.step = stop  # type: ignore[method-assign]
        found["stopped"] = go(dropout, "stopped")
        del progress.Silent.step
        progress.Silent.step = lambda self, step, epoch: None  # type: ignore[method-assign]
        found["resumed"] = go(dropout, "stopped", resume=True)
        (out / f"{own.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(Path, sys.argv[1:]))
    os._exit(0)  # as `python -m resnetc` under torchrun
