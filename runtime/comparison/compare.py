"""Compares several networks under one recipe and the same seeds: trains the runs that are missing, and reads the
others.

rows = train_arms([Arm("plain-20", "cifar_plain20", source), ...], data, recipe, [0, 1, 2], Path("runs/degradation"))
print(format_table(rows))
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from resnetc.runtime import progress
from resnetc.runtime.comparison.arm import Arm
from resnetc.runtime.data import ImageSet
from resnetc.runtime.errors import RunError
from resnetc.runtime.inference.trained_run import read_sealed_source
from resnetc.runtime.model import loader, summary, user_classes
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.run import train_state
from resnetc.runtime.run.folder import EpochRecord, RunFolder
from resnetc.runtime.run.state_metadata import has_ended
from resnetc.runtime.train import train
from resnetc.terminal import brief, drawn, one_line

_MAX_TABLE_WIDTH = 200  # of a table, in characters; it takes what it needs
_MAX_LABEL_CHARACTERS = 100  # characters of a network's name

Accuracy = Literal["top1", "mean_average_precision"]
ACCURACIES: dict[Accuracy, str] = {"top1": "top-1", "mean_average_precision": "mAP"}  # and what they are called


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run as read from its folder: the seed, the metrics of every epoch, the recipe and the data."""

    folder: Path
    seed: int
    records: tuple[EpochRecord, ...]
    recipe: Recipe
    data: str

    @property
    def last_record(self) -> EpochRecord:
        """The metrics of the last epoch."""
        return self.records[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """A network in the comparison with its runs, at least one. Accuracies are in percent, of the last epoch."""

    label: str
    parameters: int
    multiply_adds: int
    runs: tuple[FinishedRun, ...]

    def mean(self, key: Literal["train_loss", "test_loss", "top1", "mean_average_precision", "seconds"]) -> float:
        """The mean of one metric of the last epoch, over the seeds."""
        return statistics.fmean(float(run.last_record[key]) for run in self.runs)

    def worst(self, key: Accuracy) -> float:
        """The lowest accuracy over the seeds."""
        return float(min(run.last_record[key] for run in self.runs))


def is_finished(path: Path, recipe: Recipe) -> bool:
    """Whether the run in the folder `path` has come to its end."""
    metadata = train_state.load_newest(RunFolder(path)).metadata
    return has_ended(recipe, metadata["epochs"], metadata["best"])


def read_runs(paths: Sequence[Path], label: str | None = None, allow_imports: Iterable[str] = ()) -> Row:
    """The runs of one network, from their folders; RunError if one is missing, damaged or not finished.

    `allow_imports` names the modules of the user's own that the network may import.
    """
    runs = tuple(map(read_run, paths))
    for run in map(RunFolder, paths):
        state = train_state.load_newest(run)
        metadata = state.metadata
        source = read_sealed_source(run, metadata, state.path, allow_imports)  # of any: they differ in the seed alone
    model = loader.build_network(source, run.model_path, torch.device("cpu"))
    architecture = summary.summarize(model, tuple(metadata["shape"]))
    name = brief(one_line(label or metadata["network"]), _MAX_LABEL_CHARACTERS)
    return Row(name, architecture.parameters, architecture.multiply_adds, runs)


def read_run(path: Path) -> FinishedRun:
    """The run in the folder `path`; RunError if it is missing, damaged or not finished."""
    run = RunFolder(path)
    metadata = train_state.load_newest(run).metadata
    recipe, done = metadata["recipe"], metadata["epochs"]
    if not has_ended(recipe, done, metadata["best"]):
        raise RunError(
            f"{path}: not finished: {done} of {recipe.epochs} epochs; continue with `train --resume --out {path}`"
        )
    return FinishedRun(
        path,
        recipe.seed,
        records=tuple(metadata["records"] or run.read_records()),
        recipe=recipe,
        data=metadata["data"],
    )


class _Experiment(NamedTuple):
    """What runs that differ only in the seed have in common: the digests of module and data, the rest of the recipe."""

    module: str
    fingerprint: str
    recipe: Recipe


class _SeedGroup(NamedTuple):
    """The folders of the runs of one experiment, by seed."""

    experiment: _Experiment
    folders: dict[int, str]


def group_by_seed(folders: Sequence[str]) -> list[list[str]]:
    """Groups the folders of runs that differ only in the seed, in the order of each group's first folder."""
    groups: list[_SeedGroup] = []
    for path in folders:
        metadata = train_state.load_newest(RunFolder(Path(path))).metadata
        seed = metadata["recipe"].seed
        experiment = _Experiment(metadata["module"], metadata["fingerprint"], replace(metadata["recipe"], seed=0))
        for group in groups:
            if group.experiment == experiment and seed not in group.folders:
                group.folders[seed] = path
                break
        else:
            groups.append(_SeedGroup(experiment, {seed: path}))
    return [list(group.folders.values()) for group in groups]


def train_arms(
    arms: Sequence[Arm],
    data: ImageSet,
    recipe: Recipe,
    seeds: Sequence[int],
    out: Path,
    *,
    device: str | None = None,
    quiet: bool = False,
) -> list[Row]:
    """Train every arm with every seed into `out/<label>/seed<seed>`; returns one row per arm, in order.

    A finished run is reused and a stopped one is resumed, so the call can be repeated. Raises RunError if a folder
    holds a different run, and Stopped as `train` does.
    """
    for seed in seeds:
        for arm in arms:
            path = out / arm.label / f"seed{seed}"
            seeded_recipe = replace(recipe, seed=seed)
            is_resumable = RunFolder(path).is_resumable
            is_quiet = quiet or (is_resumable and is_finished(path, recipe))
            train(
                arm.source, arm.network, data, seeded_recipe, path, resume=is_resumable, device=device, quiet=is_quiet
            )
    rows = []
    for arm in arms:
        paths = [out / arm.label / f"seed{seed}" for seed in seeds]
        rows.append(read_runs(paths, arm.label, user_classes.list_permissions(arm.source)))
    return rows


def list_splits(rows: Sequence[Row]) -> set[str]:
    """Which images the figures of the runs are of: test or validation."""
    return {run.last_record.get("split", "test") for row in rows for run in row.runs}


def choose_accuracy(rows: Sequence[Row]) -> Accuracy:
    """By which figure the networks are compared: mean average precision, where the images of all runs have any number
    of classes."""
    records = [run.last_record for row in rows for run in row.runs]
    return "mean_average_precision" if all("mean_average_precision" in record for record in records) else "top1"


def list_differences(rows: Sequence[Row]) -> list[str]:
    """What makes the rows hard to compare: recipe keys in which their runs differ, other data, other seeds."""
    runs = [run for row in rows for run in row.runs]
    differences = []
    for key in RULES:
        values = dict.fromkeys(str(getattr(run.recipe, key)) for run in runs)
        if key != "seed" and len(values) > 1:
            differences.append(f"`{key}` differs between the runs: {', '.join(values)}")
    data_names = dict.fromkeys(run.data for run in runs)
    if len(data_names) > 1:
        differences.append(f"the data differs between the runs: {', '.join(data_names)}")
    if len({"mean_average_precision" in run.last_record for run in runs}) > 1:
        differences.append("an image has one class in some runs and any number of classes in others")
    if len(list_splits(rows)) > 1:
        differences.append("the figures are of test images in some runs and of validation images in others")
    seeds = dict.fromkeys(" ".join(str(run.seed) for run in row.runs) for row in rows)
    if len(seeds) > 1:
        differences.append(f"the seeds differ between the networks: {'; '.join(seeds)}")
    return differences


def _list_columns(accuracy: Accuracy, split: str) -> list[tuple[str, Callable[[Row], str]]]:
    """The columns of the table beside the network's name; split: what the images are called that judge."""
    of_split = f"{split} " if split != "test" else ""
    return [
        ("parameters", lambda row: f"{row.parameters:,}"),
        ("multiply-adds", lambda row: f"{row.multiply_adds:,}"),
        ("train loss", lambda row: progress.format_loss(row.mean("train_loss"), 3)),
        (f"{split} loss", lambda row: progress.format_loss(row.mean("test_loss"), 3)),
        (f"{of_split}{ACCURACIES[accuracy]} mean", lambda row: f"{row.mean(accuracy):.2f} %"),
        ("worst", lambda row: f"{row.worst(accuracy):.2f} %"),
        ("seeds", lambda row: str(len(row.runs))),
        ("seconds", lambda row: f"{row.mean('seconds'):,.1f}"),
    ]


def format_table(rows: Sequence[Row], color: bool = False) -> str:
    """The rows as a table: losses, accuracy (`choose_accuracy`) and seconds (wall time per run) are means over the
    seeds."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("network")
    columns = _list_columns(choose_accuracy(rows), "validation" if list_splits(rows) == {"validation"} else "test")
    for title, _ in columns:
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(Text(row.label), *(text(row) for _, text in columns))
    return drawn(lambda console: console.print(table), _MAX_TABLE_WIDTH, color).lstrip("\n")
