"""Residual functions are small."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.measurements.probe import take_training_images
from resnetc.runtime.study.measurements.responses import measure_responses
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (("mean_response", "mean response"), ("top1", "test accuracy, %"))
_IMAGES = 500


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Of every run, the standard deviation of every layer's response, in the order of the layers; and their mean."""
    assert data is not None
    figures = take_figures(arms)
    for arm in arms:
        for run in arm.runs:
            probe = take_training_images(data, run.folder, _IMAGES)
            responses = measure_responses(arm.load_model(run), probe)
            for layer, (name, deviation) in enumerate(responses, 1):
                figures.append(
                    Figure(arm.label, run.seed, quantity="response", value=deviation, place=layer, label=name)
                )
            mean = sum(deviation for _, deviation in responses) / len(responses)
            figures.append(Figure(arm.label, run.seed, quantity="mean_response", value=mean))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """Mean responses: of residual nets over plain ones of their depth, of the deep residual net over the shallow."""

    def divide(one: str, other: str) -> list[float]:
        pairs = zip(table.values(one, "mean_response"), table.values(other, "mean_response"), strict=True)
        return [a / b for a, b in pairs]

    return {
        "residual_over_plain_20": divide("ResNet-20", "plain-20"),
        "residual_over_plain_56": divide("ResNet-56", "plain-56"),
        "deep_over_shallow": divide("ResNet-56", "ResNet-20"),
    }


def draw(table: Table) -> Picture:
    """The responses in the order of the layers, and sorted, as in figure 7."""
    picture, (by_layer, by_size) = figure.new_figure(2, width=5.2)
    for number, arm in enumerate(table.arms):
        layers, values = table.mean_curve(arm, "response")
        figure.draw_line(by_layer, number, arm, layers, values, marks=False)
        figure.draw_line(by_size, number, arm, layers, sorted(values, reverse=True), marks=False)
    by_layer.set(xlabel="layer, from the image on", ylabel="standard deviation of the response", ylim=(0, None))
    by_size.set(xlabel="layer, the largest response first", ylabel="standard deviation of the response", ylim=(0, None))
    by_layer.legend(frameon=False)  # the lines end in the midst of each other: names beside them could not be read
    return picture
