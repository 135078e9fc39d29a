"""An ensemble of shallow nets?"""

import random
from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements import lesions
from resnetc.runtime.study.measurements.probe import take_test_images, take_training_images
from resnetc.runtime.study.measurements.responses import list_named_blocks
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("whole", "whole net, %"),
    ("median_loss", "lost without one block, points (median)"),
    ("top1", "accuracy, %"),
)
PLAIN, RESIDUAL = "plain-20", "ResNet-56"
_IMAGES, _GRADIENT_IMAGES = 1000, 32
_DRAWS, _PATH_DRAWS = 5, 20


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Of every run: the accuracy without each block and without several; of the residual net the gradient by paths."""
    assert data is not None
    figures = take_figures(arms)
    for arm in arms:
        has_shortcuts = arm.label != PLAIN
        for run in arm.runs:
            model, probe = arm.load_model(run), take_test_images(data, run.folder, _IMAGES)
            named = list_named_blocks(model)
            blocks = lesions.list_removable(model, [block for _, block in named], has_shortcuts, probe)
            whole = probe.accuracy(model)
            figures.append(Figure(arm.label, run.seed, quantity="whole", value=whole))
            lost = []
            for number, (name, block) in enumerate(named, 1):
                if block in blocks:
                    accuracy = lesions.measure_without(model, [block], has_shortcuts, probe)
                    figures.append(
                        Figure(arm.label, run.seed, quantity="without one", value=accuracy, place=number, label=name)
                    )
                    lost.append(whole - accuracy)
            figures.append(Figure(arm.label, run.seed, quantity="median_loss", value=median(lost)))
            generator = random.Random(run.seed)
            for count in (1, 2, 4, 8, 12, 16):
                if count <= len(blocks):
                    draws = [generator.sample(blocks, count) for _ in range(_DRAWS)]
                    mean = sum(lesions.measure_without(model, one, has_shortcuts, probe) for one in draws) / _DRAWS
                    figures.append(Figure(arm.label, run.seed, quantity="without several", value=mean, place=count))
            if has_shortcuts:
                few = take_training_images(data, run.folder, _GRADIENT_IMAGES)
                shares = lesions.measure_path_gradients(model, blocks, few, _PATH_DRAWS, run.seed)
                figures += [
                    Figure(arm.label, run.seed, quantity="path", value=share, place=length)
                    for length, share in enumerate(shares)
                ]
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """What both nets lose without one block, and how much of the gradient comes through at most half of the blocks."""
    short = []
    for curve in table.curves(RESIDUAL, "path").values():
        longest = max(length for length, _ in curve)
        short.append(100 * sum(share for length, share in curve if length <= longest / 2))
    return {
        "residual_loss": list(table.values(RESIDUAL, "median_loss")),
        "plain_loss": list(table.values(PLAIN, "median_loss")),
        "short_paths": short,
    }


def draw(table: Table) -> Picture:
    """Accuracy without each block, without several, and the gradient by the length of its path."""
    picture, (one, several, paths) = figure.new_figure(3)
    for number, arm in enumerate((PLAIN, RESIDUAL)):
        figure.draw_line(one, number, arm, *table.mean_curve(arm, "without one"))
        figure.draw_line(several, number, arm, *table.mean_curve(arm, "without several"))
    lengths, shares = table.mean_curve(RESIDUAL, "path")
    figure.draw_line(paths, 1, RESIDUAL, lengths, [100 * share for share in shares])
    one.set(xlabel="block taken out, from the image on", ylabel="test accuracy, %", ylim=(0, 100))
    several.set(xlabel="blocks taken out, drawn at random", ylabel="test accuracy, %", ylim=(0, 100))
    paths.set(
        xlabel="blocks whose branch the path takes", ylabel="share of the gradient, %", ylim=(0, None), title=RESIDUAL
    )
    for axes in (one, several):
        figure.label_lines(axes)
    return picture
