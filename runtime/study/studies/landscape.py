"""The loss around the weights: smooth or rough."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements.landscape import draw_direction, measure_along_gradient, measure_plane
from resnetc.runtime.study.measurements.probe import take_training_images
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("train_loss", "training loss"),
    ("rise", "rise of the loss at the rim"),
    ("range", "range along the gradient"),
)
PLAIN, RESIDUAL = "plain-56", "ResNet-56"
_IMAGES = 256
_STEPS = [round(-1 + number / 6, 4) for number in range(13)]  # of a filter's own length
_GRADIENT_STEPS = [number / 200 for number in range(21)]  # of the length of all weights


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Of the first run of both nets, the plane of two random directions and the loss along the gradient."""
    assert data is not None
    figures = take_figures(arms)
    for arm in arms:
        run = arm.runs[0]
        model, probe = arm.load_model(run), take_training_images(data, run.folder, _IMAGES)
        directions = draw_direction(model, 0), draw_direction(model, 1)
        plane = np.array(measure_plane(model, directions, _STEPS, probe))
        for row, values in enumerate(plane):
            for column, loss in enumerate(values):
                figures.append(Figure(arm.label, run.seed, quantity=f"plane {row}", value=float(loss), place=column))
        line = measure_along_gradient(arm.build_initial_model(run), _GRADIENT_STEPS, probe)
        figures += [
            Figure(arm.label, run.seed, quantity="line", value=y, place=x)
            for x, y in zip(_GRADIENT_STEPS, line, strict=True)
        ]
        rim = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
        figures.append(
            Figure(arm.label, run.seed, quantity="rise", value=float(np.log1p(rim).mean() - np.log1p(plane.min())))
        )
        figures.append(Figure(arm.label, run.seed, quantity="range", value=max(line) - min(line)))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """By how much the loss rises more around the plain net: the difference of the mean logarithms on the rim."""
    pairs = zip(table.values(PLAIN, "rise"), table.values(RESIDUAL, "rise"), strict=True)
    ranges = zip(table.values(PLAIN, "range"), table.values(RESIDUAL, "range"), strict=True)
    return {
        "steeper": [plain - residual for plain, residual in pairs],
        "wider_range": [plain / residual for plain, residual in ranges],
    }


def draw(table: Table) -> Picture:
    """Both planes on one scale, and the loss along the gradient."""
    picture, panes = figure.new_figure(3, width=4.2)
    planes = {arm: read_plane(table, arm) for arm in (PLAIN, RESIDUAL)}
    highest = max(float(np.log10(plane + 1).max()) for plane in planes.values())
    levels = np.arange(0, highest + 0.5, 0.5)
    for axes, (arm, plane) in zip(panes, planes.items(), strict=False):
        contours = axes.contourf(_STEPS, _STEPS, np.log10(plane + 1), levels=levels, cmap="cividis")
        axes.set(
            title=f"{arm}, trained",
            xlabel="along the second direction",
            ylabel="along the first direction",
            aspect="equal",
        )
        axes.grid(False)
    picture.colorbar(contours, ax=panes[1], label="log10(1 + training loss in nats)", ticks=np.arange(0, highest + 0.5))
    for number, arm in enumerate((PLAIN, RESIDUAL)):
        figure.draw_line(panes[2], number, arm, *table.mean_curve(arm, "line"), marks=False)
    panes[2].set(
        xlabel="step along the gradient, share of all weights' length",
        ylabel="training loss, nats",
        title="before the first step",
    )
    figure.label_lines(panes[2])
    return picture


def read_plane(table: Table, arm: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The losses of an arm's plane: [rows, columns]."""
    return np.array([table.mean_curve(arm, f"plane {row}")[1] for row in range(len(_STEPS))])
