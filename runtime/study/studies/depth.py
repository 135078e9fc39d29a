"""Returns diminish, and 1202 layers can be trained."""

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, list_depths, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("top1", "test accuracy, %"),
    ("train_loss", "training loss"),
    ("multiply_adds", "multiply-adds"),
    ("seconds", "training time, seconds"),
)
KIND, DEPTH_1202 = "ResNet", 1202
NET_1202 = f"{KIND}-{DEPTH_1202}"
_NAMED = (20, 32, 56, 110)  # the depths that the criteria for CIFAR name


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses, accuracies, costs and seconds; and the loss of who gives all classes the same probability."""
    assert data is not None
    figures = take_figures(arms)
    if any(arm.label == NET_1202 for arm in arms):
        figures.append(Figure(NET_1202, None, quantity="constant_guess", value=math.log(data.classes)))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """The least that a deeper net brings; of CIFAR's nets also what depth brings first and last, and the deepest net's
    last training loss as a share of that of a constant guess."""
    depths = [depth for depth in list_depths(table, KIND) if depth != DEPTH_1202]
    tops = {depth: table.values(f"{KIND}-{depth}", "top1") for depth in depths}
    rows = zip(*tops.values(), strict=True)
    statistics = {"least_step": [min(b - a for a, b in pairwise(row)) for row in rows]}
    if set(tops) >= set(_NAMED):
        shallow, middle, deep, deepest = (tops[depth] for depth in _NAMED)
        first = [(b - a) / 12 for a, b in zip(shallow, middle, strict=True)]
        last = [(b - a) / 54 for a, b in zip(deep, deepest, strict=True)]
        statistics["gain_to_56"] = [b - a for a, b in zip(shallow, deep, strict=True)]
        statistics["fading_gain"] = [a - b for a, b in zip(first, last, strict=True)]
    if NET_1202 in table.arms:
        (guess,) = table.values(NET_1202, "constant_guess")
        statistics["loss_of_1202"] = [curve[-1][1] / guess for curve in table.curves(NET_1202, "loss").values()]
    return statistics


def draw(table: Table) -> Picture:
    """Accuracy against layers, multiply-adds and seconds; the loss of 1202 layers, where they were trained."""
    has_1202 = NET_1202 in table.arms
    picture, panes = figure.new_figure(4 if has_1202 else 3, width=3.6)
    layers = [float(depth) for depth in list_depths(table, KIND) if depth != DEPTH_1202]
    arms = [f"{KIND}-{depth:g}" for depth in layers]
    values = [table.values(arm, "top1") for arm in arms]
    means = [sum(row) / len(row) for row in values]
    costs = [table.values(arm, "multiply_adds")[0] / 1e6 for arm in arms]
    seconds = [sum(table.values(arm, "seconds")) / len(row) for arm, row in zip(arms, values, strict=True)]
    x_axes: tuple[tuple[str, list[float]], ...] = (
        ("layers", layers),
        ("multiply-adds, millions", costs),
        ("training time, seconds", seconds),
    )
    for axes, (name, x) in zip(panes, x_axes, strict=False):
        figure.draw_line(axes, 0, KIND, x, means)
        for place, row in zip(x, values, strict=True):
            figure.draw_points(axes, 0, place, row)
        axes.set(xlabel=name, ylabel="test accuracy, %", xscale="log")
        if x is not seconds:
            figure.label_ticks(axes, x)
    figure.use_log_scale(panes[2].xaxis)  # times may lie close together
    if has_1202:
        steps, losses = table.mean_curve(NET_1202, "loss")
        (guess,) = table.values(NET_1202, "constant_guess")
        figure.draw_line(panes[3], 1, NET_1202, steps, losses, marks=False)
        figure.draw_line(panes[3], 2, "a constant guess", [steps[0], steps[-1]], [guess, guess], marks=False)
        panes[3].set(xlabel="epochs", ylabel="training loss, nats")
        figure.use_log_scale(panes[3].yaxis)
        figure.label_lines(panes[3])
    return picture
