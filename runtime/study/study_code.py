"""What the module of a study must offer, and where it is found."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

Statistics = Mapping[str, Sequence[float]]


class StudyCode(Protocol):
    """The module of a study.

    Statistics and picture are made from the table alone: whoever changes its figures changes the verdict.
    """

    SUMMARY: Sequence[tuple[str, str]]
    """The quantities that the report lists for every arm, each with the head of its column."""

    TAKES_DIVERGED: bool
    """Whether the study has something to say of a run whose loss became no number."""

    def measure(self, arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
        """All figures of the study. data: None where nothing is trained."""

    def compute_statistics(self, table: Table) -> Statistics:
        """What the criteria of the study name: for each statistic its values, one for each seed."""

    def draw(self, table: Table) -> Picture:
        """The figure of the study."""


def load_code(study: str) -> StudyCode:
    """The module of the study of that name."""
    return cast(StudyCode, importlib.import_module(f"resnetc.runtime.study.studies.{study}"))


def list_depths(table: Table, kind: str) -> list[int]:
    """The depths of the nets of a kind, whose arms are called `kind-depth`, in rising order."""
    parts = [arm.rpartition("-") for arm in table.arms]
    return sorted(int(depth) for name, _, depth in parts if name == kind and depth.isdigit())


def take_figures(arms: Sequence[TrainedArm]) -> list[Figure]:
    """Of every arm its costs, and of every run the metrics of its last epoch and its loss curve."""
    figures = []
    for arm in arms:
        costs = arm.compiled
        for quantity, count in (
            ("parameters", costs.parameters),
            ("multiply_adds", costs.multiply_adds),
            ("weighted_layers", costs.weighted_layers),
        ):
            figures.append(Figure(arm.label, None, quantity=quantity, value=count))
        figures += [Figure(arm.label, seed, quantity="diverged", value=1) for seed in arm.diverged]
        for run in arm.runs:
            last = run.last_record
            for key in ("train_loss", "test_loss", "top1", "seconds"):
                figures.append(Figure(arm.label, run.seed, quantity=key, value=float(last[key])))
            for record in run.records:
                for part, loss in enumerate(record["curve"]):
                    epoch = record["epoch"] - 1 + (part + 0.5) / len(record["curve"])
                    figures.append(Figure(arm.label, run.seed, quantity="loss", value=loss, place=epoch))
    return figures
