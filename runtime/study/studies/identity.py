"""Clean shortcuts matter; blocks are near the identity."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements.probe import take_training_images
from resnetc.runtime.study.measurements.responses import measure_residuals
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("top1", "test accuracy, %"),
    ("train_loss", "training loss"),
    ("mean_change", "mean of |y - x| / |x|"),
)
ORIGINAL, PREACTIVATION, ZERO, SCALED = "original", "pre-activation", "zero gains", "halved shortcuts"
_IMAGES = 256


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses and accuracies; of every run, what each block changes of its input."""
    assert data is not None
    figures = take_figures(arms)
    for arm in arms:
        for run in arm.runs:
            probe = take_training_images(data, run.folder, _IMAGES)
            ratios = measure_residuals(arm.load_model(run), probe)
            for block, (name, ratio) in enumerate(ratios, 1):
                figures.append(Figure(arm.label, run.seed, quantity="change", value=ratio, place=block, label=name))
            figures.append(
                Figure(arm.label, run.seed, quantity="mean_change", value=sum(r for _, r in ratios) / len(ratios))
            )
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """What each variant is worth against the original, and how much its blocks change."""

    def subtract(one: str, other: str) -> list[float]:
        return [a - b for a, b in zip(table.values(one, "top1"), table.values(other, "top1"), strict=True)]

    return {
        "clean_over_halved": subtract(ORIGINAL, SCALED),
        "preactivation_over_original": subtract(PREACTIVATION, ORIGINAL),
        "zero_over_original": subtract(ZERO, ORIGINAL),
        "change": list(table.values(PREACTIVATION, "mean_change")),
    }


def draw(table: Table) -> Picture:
    """Training curves, and what each block changes of its input."""
    picture, (losses, changes) = figure.new_figure(2, width=5)
    for number, arm in enumerate(table.arms):
        figure.draw_line(losses, number, arm, *table.mean_curve(arm, "loss"), marks=False)
        figure.draw_line(changes, number, arm, *table.mean_curve(arm, "change"))
    losses.set(xlabel="epochs", ylabel="training loss, nats")
    changes.set(xlabel="block, from the image on", ylabel="change of the input, |y - x| / |x|", ylim=(0, None))
    for axes in (losses, changes):
        figure.label_lines(axes)
    return picture
