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

from resnetc.runtime import data, progress, recipe_file
from resnetc.runtime.distributed import process_group as distributed
from resnetc.runtime.errors import RunError, Stopped
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
MIXED = {"mixup": 0.4, "cutmix": 1.0, "random_erasing": 0.3, "color_jitter": 0.2, "loss": "bce", "optimizer": "lamb"}
FIRST = "x = self.relu(self.bn1(self.conv1(x)))"


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
            "whole": go(dropout, "whole"),
            "again": go(dropout, "whole"),
            "batch": go(source, "batch", batch_size=25),
            "alone": go(gate, "alone", batch_size=2),
            "pairs": go(gate, "pairs", batch_size=4, epochs=1),
            "synced": go(source, "synced", sync_batch_norm=True, **MIXED),
            "single": go(gate, "single", batch_size=2, sync_batch_norm=True, epochs=1),
            "photographs": photograph("shapes"),
            "damaged": photograph("damaged"),
            "different": go(source, "different", learning_rate=0.1 * (1 + own.rank)),
        }
        found["frozen"] = go(source, "frozen", init=out / "whole", freeze=("stem", "layer2", "norms"), epochs=1)
        poison = f"{FIRST} * (float('nan') if torch.distributed.get_rank() == 1 and self.training else 1.0)"
        found["poisoned"] = go(source.replace(FIRST, poison), "poisoned")
        progress.Progress.step = stop  # type: ignore[method-assign]
        found["stopped"] = go(dropout, "stopped")
        del progress.Progress.step
        progress.Progress.step = lambda self, step, epoch: None  # type: ignore[method-assign]
        found["resumed"] = go(dropout, "stopped", resume=True)
        (out / f"{own.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*map(Path, sys.argv[1:]))
    os._exit(0)  # as `python -m resnetc` under torchrun
