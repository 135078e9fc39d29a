"""Several networks under one recipe and the same seeds: trains what is not there yet, and reads what is.

rows = run([Arm("plain-20", "cifar_plain20", source), ...], data, recipe, [0, 1, 2], Path("runs/degradation"))
print(table(rows))
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from resnetc.runtime import progress
from resnetc.runtime.arm import Arm
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader, summary
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.run import train_state
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from resnetc.terminal import brief, drawn, one_line

_WIDTH = 200  # of a table, in characters; it takes what it needs
_LONGEST_LABEL = 100  # characters of a network's name


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, as its folder tells: the seed, the metrics of every epoch, the recipe and the data."""

    seed: int
    records: tuple[dict[str, Any], ...]
    recipe: dict[str, Any]
    data: str

    @property
    def last(self) -> dict[str, Any]:
        """The metrics of the last epoch."""
        return self.records[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """A network in the comparison, with its runs, at least one. Accuracies in percent, of the last epochs."""

    label: str
    parameters: int
    multiply_adds: int
    runs: tuple[Trained, ...]

    def mean(self, key: str) -> float:
        """The mean over the seeds of one of the last epoch's metrics."""
        return statistics.fmean(float(run.last[key]) for run in self.runs)

    @property
    def worst_top1(self) -> float:
        """The lowest top-1 of all seeds."""
        return float(min(run.last["top1"] for run in self.runs))


def finished(path: Path, epochs: int) -> bool:
    """Whether the run in the folder `path` has all of its epochs behind it."""
    records = RunFolder(path).records()
    return bool(records) and int(records[-1]["epoch"]) >= epochs


def read(paths: Sequence[Path], label: str | None = None) -> Row:
    """The runs of one network, from their folders; RunError where one is missing, damaged or not finished."""
    runs = []
    for path in paths:
        run = RunFolder(path)
        records, facts = run.records(), train_state.load(run.last)[1]
        epochs = facts["recipe"]["epochs"]
        if not finished(path, epochs):
            done = records[-1]["epoch"] if records else 0
            raise RunError(
                f"{path}: not finished: {done} of {epochs} epochs; continue with `train --resume --out {path}`"
            )
        runs.append(Trained(facts["recipe"]["seed"], tuple(records), facts["recipe"], facts["data"]))
    first = RunFolder(paths[0])
    model = loader.build(first.source(), first.model, torch.device("cpu"))
    seen = summary.look(model, tuple(facts["shape"]))
    name = brief(one_line(label or facts["network"]), _LONGEST_LABEL)
    return Row(name, seen.parameters, seen.multiply_adds, tuple(runs))


def together(folders: Sequence[str]) -> list[list[str]]:
    """The folders of runs, those that differ in the seed alone side by side, where the first of them stands."""
    found: list[tuple[Any, dict[int, str]]] = []
    for path in folders:
        facts = train_state.load(RunFolder(Path(path)).last)[1]
        seed = facts["recipe"].pop("seed")
        what = [facts[key] for key in ("module", "fingerprint", "recipe")]
        for other, seeds in found:
            if other == what and seed not in seeds:
                seeds[seed] = path
                break
        else:
            found.append((what, {seed: path}))
    return [list(seeds.values()) for _, seeds in found]


def run(
    arms: Sequence[Arm],
    data: Data,
    recipe: Recipe,
    seeds: Sequence[int],
    out: Path,
    *,
    device: str | None = None,
    quiet: bool = False,
) -> list[Row]:
    """Train every arm with every seed into `out/<label>/seed<seed>`; a row an arm, in their order.

    A run that stands there finished is read, one that was stopped goes on: the call can be repeated. Raises RunError
    where a folder holds another run than the one due, and Stopped as `train` does.
    """
    for seed in seeds:
        for arm in arms:
            path = out / arm.label / f"seed{seed}"
            chosen = replace(recipe, seed=seed)
            there = RunFolder(path).begun
            told = quiet or (there and finished(path, recipe.epochs))
            train(arm.source, arm.network, data, chosen, path, resume=there, device=device, quiet=told)
    return [read([out / arm.label / f"seed{seed}" for seed in seeds], arm.label) for arm in arms]


def differences(rows: Sequence[Row]) -> list[str]:
    """What makes the rows hard to compare: keys of the recipe in which their runs differ, other data, other seeds."""
    runs = [run for row in rows for run in row.runs]
    found = []
    for key in runs[0].recipe:
        values = dict.fromkeys(str(run.recipe.get(key)) for run in runs)
        if key != "seed" and len(values) > 1:
            found.append(f"`{key}` differs between the runs: {', '.join(values)}")
    places = dict.fromkeys(run.data for run in runs)
    if len(places) > 1:
        found.append(f"the data differs between the runs: {', '.join(places)}")
    seeds = dict.fromkeys(" ".join(str(run.seed) for run in row.runs) for row in rows)
    if len(seeds) > 1:
        found.append(f"the seeds differ between the networks: {'; '.join(seeds)}")
    return found


_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("parameters", lambda row: f"{row.parameters:,}"),
    ("multiply-adds", lambda row: f"{row.multiply_adds:,}"),
    ("train loss", lambda row: progress.figure(row.mean("train_loss"), 3)),
    ("test loss", lambda row: progress.figure(row.mean("test_loss"), 3)),
    ("top-1 mean", lambda row: f"{row.mean('top1'):.2f} %"),
    ("worst", lambda row: f"{row.worst_top1:.2f} %"),
    ("seeds", lambda row: str(len(row.runs))),
    ("seconds", lambda row: f"{row.mean('seconds'):,.1f}"),
)


def table(rows: Sequence[Row], color: bool = False) -> str:
    """The rows side by side: losses, top-1 and seconds (wall time of one run) are means over the seeds."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("network")
    for title, _ in _COLUMNS:
        made.add_column(title, justify="right")
    for row in rows:
        made.add_row(Text(row.label), *(text(row) for _, text in _COLUMNS))
    return drawn(lambda console: console.print(made), _WIDTH, color).lstrip("\n")
