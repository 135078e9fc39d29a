"""What the nets of the papers cost."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

TAKES_DIVERGED = False
SUMMARY = (
    ("parameters", "parameters"),
    ("multiply_adds", "multiply-adds"),
    ("published", "published"),
    ("deviation", "away, in units of the last digit"),
)
_VGG19 = 19.6e9  # multiply-adds, as He et al. 2015 give them in section 3.3
_BASELINE = "plain-34"
_CIFAR_DEPTHS = (20, 32, 44, 56, 110, 1202)


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """The counts of every net, and beside them what was published, where something was."""
    figures = take_figures(arms)
    for arm in arms:
        values = arm.compiled.text.values
        if "published" not in values:
            continue
        published, unit = arm.number("published"), arm.number("unit")
        count = arm.compiled.parameters if values["counts"] == "parameters" else arm.compiled.multiply_adds
        figures.append(Figure(arm.label, None, quantity="published", value=published))
        figures.append(Figure(arm.label, None, quantity="deviation", value=abs(count - published) / unit))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """The largest deviation from a published figure, and the cost of the 34-layer baseline as a share of VGG-19's."""
    deviations = [one.value for one in table.figures if one.quantity == "deviation"]
    baseline = table.values(_BASELINE, "multiply_adds")[0]
    return {"largest_deviation": [max(deviations)], "share_of_vgg": [100 * baseline / _VGG19]}


def draw(table: Table) -> Picture:
    """Multiply-adds against parameters, both logarithmic; and how far each count is from the published figure."""
    picture, (costs, deviations) = figure.new_figure(2, width=5.6, height=4.6)
    for number, (name, arms) in enumerate(_group(table.arms).items()):
        x = [table.values(arm, "parameters")[0] / 1e6 for arm in arms]
        y = [table.values(arm, "multiply_adds")[0] / 1e9 for arm in arms]
        figure.draw_line(costs, number, name, x, y, joined=False)
    costs.set(xlabel="parameters, millions", ylabel="multiply-adds, thousands of millions")
    costs.legend(loc="upper left", frameon=False)
    for axis in (costs.xaxis, costs.yaxis):
        figure.use_log_scale(axis)
    published = [
        arm for arm in table.arms if any(one.arm == arm and one.quantity == "published" for one in table.figures)
    ]
    away = [table.values(arm, "deviation")[0] for arm in reversed(published)]
    figure.draw_line(deviations, 0, "count", away, range(len(away)), joined=False)
    deviations.axvline(1, color="black", linewidth=0.8, linestyle="--")
    deviations.set(
        xlabel="away from the published figure, units of its last digit",
        xlim=(0, 1.1),
        ylim=(-0.7, len(published) - 0.3),
    )
    deviations.set_yticks(range(len(published)), list(reversed(published)))
    return picture


def _group(arms: Sequence[str]) -> dict[str, list[str]]:
    """The arms of each kind of mark."""
    lines: dict[str, list[str]] = {}
    for arm in arms:
        depth = int(arm.partition(",")[0].rpartition("-")[2])
        if depth in _CIFAR_DEPTHS:
            name = "CIFAR (table 6)"
        else:
            name = "ImageNet, stride on the 3x3" if "3x3" in arm else "ImageNet (table 1)"
        lines.setdefault(name, []).append(arm)
    return lines
