"""Returns diminish, and 1202 layers can be trained."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import Data
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

SUMMARY = (
    ("top1", "test accuracy, %"),
    ("train_loss", "training loss"),
    ("multiply_adds", "multiply-adds"),
    ("seconds", "seconds"),
)
NET_1202 = "ResNet-1202"


def measure(arms: Sequence[TrainedArm], data: Data | None) -> Table:
    """Losses, accuracies, costs and seconds; the loss of who gives all classes the same probability."""
    assert data is not None
    return Table([*take_figures(arms), Figure(NET_1202, None, "constant_guess", math.log(len(data.class_names)))])


def compute_statistics(table: Table) -> Statistics:
    """What depth brings first and last, and the deepest net's last training loss over that of a constant guess."""
    shallow, middle, deep, deepest = (table.values(f"ResNet-{depth}", "top1") for depth in (20, 32, 56, 110))
    first = [(b - a) / 12 for a, b in zip(shallow, middle, strict=True)]
    last = [(b - a) / 54 for a, b in zip(deep, deepest, strict=True)]
    curves = table.curves(NET_1202, "loss").values()
    (guess,) = table.values(NET_1202, "constant_guess")
    return {
        "gain_to_56": [b - a for a, b in zip(shallow, deep, strict=True)],
        "fading_gain": [a - b for a, b in zip(first, last, strict=True)],
        "loss_of_1202": [curve[-1][1] / guess for curve in curves],
    }


def draw(table: Table) -> Picture:
    """Accuracy against layers, multiply-adds and seconds; the loss of 1202 layers."""
    picture, panes = figure.new_figure(4, width=3.6)
    arms = [arm for arm in table.arms if arm != NET_1202]
    values = [table.values(arm, "top1") for arm in arms]
    means = [sum(row) / len(row) for row in values]
    x_axes = (
        ("layers", [float(arm.rpartition("-")[2]) for arm in arms]),
        ("multiply-adds, millions", [table.values(arm, "multiply_adds")[0] / 1e6 for arm in arms]),
        ("seconds of training", [sum(table.values(arm, "seconds")) / len(values[0]) for arm in arms]),
    )
    for axes, (name, x) in zip(panes, x_axes, strict=False):
        figure.draw_line(axes, 0, "ResNet", x, means)
        axes.set(xlabel=name, ylabel="test accuracy, %", xscale="log")
        figure.label_ticks(axes, x)
    steps, losses = table.mean_curve(NET_1202, "loss")
    figure.draw_line(panes[3], 1, NET_1202, steps, losses, marks=False)
    guess = list(table.values(NET_1202, "constant_guess")) * len(steps)
    figure.draw_line(panes[3], 2, "a constant guess", steps, guess, marks=False)
    panes[3].set(xlabel="epochs", ylabel="training loss, nats", ylim=(0, None))
    for axes in panes:
        figure.label_lines(axes)
    return picture
