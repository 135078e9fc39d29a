"""110 layers need a warm-up."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import Data
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Table
from resnetc.runtime.study.training import TrainedArm

SUMMARY = (("train_loss", "training loss"), ("top1", "test accuracy, %"), ("diverged", "diverged"))
KINDS = ("with warm-up", "without")
RATES = (0.03, 0.1, 0.3)
PAPERS_RATE = 0.1


def measure(arms: Sequence[TrainedArm], data: Data | None) -> Table:
    """Losses and accuracies."""
    return Table(take_figures(arms))


def compute_statistics(table: Table) -> Statistics:
    """At the paper's rate: the training loss without a warm-up over that with one."""
    pairs = zip(
        table.values(f"{KINDS[1]}, rate {PAPERS_RATE}", "train_loss"),
        table.values(f"{KINDS[0]}, rate {PAPERS_RATE}", "train_loss"),
        strict=True,
    )
    return {"loss_ratio": [without / with_warmup for without, with_warmup in pairs]}


def draw(table: Table) -> Picture:
    """The training loss of every rate, with and without."""
    picture, panes = figure.new_figure(len(RATES), width=4)
    for axes, rate in zip(panes, RATES, strict=True):
        for number, kind in enumerate(KINDS):
            arm = f"{kind}, rate {rate}"
            if table.curves(arm, "loss"):
                figure.draw_line(axes, number, kind, *table.mean_curve(arm, "loss"), marks=False)
        axes.set(title=f"learning rate {rate}", xlabel="epochs", ylabel="training loss, nats", ylim=(0, None))
        figure.label_lines(axes)
    return picture
