"""Shortcut options A, B and C."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, list_depths, take_figures
from resnetc.runtime.study.table import Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("top1", "test accuracy, %"),
    ("train_loss", "training loss"),
    ("parameters", "parameters"),
    ("multiply_adds", "multiply-adds"),
)
KINDS = ("plain", "option A", "option B", "option C")


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses, accuracies and costs."""
    return Table(take_figures(arms))


def compute_statistics(table: Table) -> Statistics:
    """Of the deepest nets: how far the worst option is ahead of the plain net, and the best option of the worst."""
    deep = list_depths(table, KINDS[0])[-1]
    plain = table.values(f"plain-{deep}", "top1")
    options = list(zip(*(table.values(f"{kind}-{deep}", "top1") for kind in KINDS[1:]), strict=True))
    return {
        "least_gain": [min(row) - alone for row, alone in zip(options, plain, strict=True)],
        "spread": [max(row) - min(row) for row in options],
    }


def draw(table: Table) -> Picture:
    """Accuracy against depth, and against multiply-adds."""
    picture, (depths, costs) = figure.new_figure(2)
    for number, kind in enumerate(KINDS):
        layers = list_depths(table, kind)
        arms = [f"{kind}-{depth}" for depth in layers]
        counts = [table.values(arm, "multiply_adds")[0] / 1e6 for arm in arms]
        values = [table.values(arm, "top1") for arm in arms]
        for axes, x in ((depths, layers), (costs, counts)):
            figure.draw_line(axes, number, kind, x, [sum(row) / len(row) for row in values])
            for place, row in zip(x, values, strict=True):
                figure.draw_points(axes, number, place, row)
    depths.set(xlabel="layers", ylabel="test accuracy, %")
    costs.set(xlabel="multiply-adds, millions", ylabel="test accuracy, %")
    for axes in (depths, costs):
        figure.label_lines(axes)
    return picture
