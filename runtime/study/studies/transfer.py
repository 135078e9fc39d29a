"""The gain carries over to other classes."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements.features import measure_linear_probe
from resnetc.runtime.study.measurements.probe import take_test_images, take_training_images
from resnetc.runtime.study.small_data import read_data
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (("probe", "linear probe, %"), ("top1", "test accuracy, %"), ("train_loss", "training loss"))
KINDS = ("plain", "ResNet")
_TRAIN, _TEST = 500, 1000


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses and accuracies; of the features that the first half of the classes has left, a linear probe on the other
    half."""
    figures = take_figures(arms)
    by_label = {arm.label: arm for arm in arms}
    for kind in KINDS:
        first, second = by_label[f"{kind}, first half"], by_label[f"{kind}, fine-tuned"]
        for start, tuned in zip(first.runs, second.runs, strict=True):
            other = read_data(tuned.data, tuned.recipe)
            train = take_training_images(other, start.folder, _TRAIN)
            test = take_test_images(other, start.folder, _TEST)
            accuracy = measure_linear_probe(first.load_model(start), train, test)
            figures.append(Figure(first.label, start.seed, quantity="probe", value=accuracy))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """What the residual net's features and its fine-tuning are ahead of the plain net's, in points."""
    plain, residual = KINDS

    def subtract(part: str, quantity: str) -> list[float]:
        pairs = zip(
            table.values(f"{residual}, {part}", quantity), table.values(f"{plain}, {part}", quantity), strict=True
        )
        return [a - b for a, b in pairs]

    return {"probe_gain": subtract("first half", "probe"), "fine_tuned_gain": subtract("fine-tuned", "top1")}


def draw(table: Table) -> Picture:
    """Accuracy of both nets on the classes they began with, of the probe, and after fine-tuning."""
    picture, (axes,) = figure.new_figure(1, width=6.4, height=4)
    for number, kind in enumerate(KINDS):
        values = [
            table.values(f"{kind}, first half", "top1"),
            table.values(f"{kind}, first half", "probe"),
            table.values(f"{kind}, fine-tuned", "top1"),
            table.values(f"{kind}, from random", "top1"),
        ]
        means = [sum(row) / len(row) for row in values]
        figure.draw_line(axes, number, kind, range(4), means, joined=False)  # four tasks, and nothing between them
        for x, row in enumerate(values):
            figure.draw_points(axes, number, x, row)
    names = ["first half", "other half,\nlinear probe", "other half,\nfine-tuned", "other half,\nfrom random"]
    axes.set(ylabel="test accuracy, %", xticks=range(4), xticklabels=names, xlim=(-0.3, 3.3))
    figure.label_lines(axes)
    return picture
