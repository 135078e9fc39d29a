"""110 layers need a warm-up."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

SUMMARY = (("end_loss", "training loss at the end"), ("top1", "test accuracy, %"), ("diverged", "diverged"))
TAKES_DIVERGED = True
KINDS = ("with warm-up", "without")
RATES = (0.03, 0.1, 0.3)
PAPERS_RATE = 0.1


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Losses and accuracies; the training loss over the last tenth of the last epoch, as in a short run the mean over
    an epoch tells of its beginning. That of a run that diverged is infinite."""
    ends = []
    for arm in arms:
        ends += [
            Figure(arm.label, run.seed, quantity="end_loss", value=run.last_record["curve"][-1]) for run in arm.runs
        ]
        ends += [Figure(arm.label, seed, quantity="end_loss", value=math.inf) for seed in arm.diverged]
    ends.sort(key=lambda one: one.seed or 0)
    return Table([*take_figures(arms), *ends])


def compute_statistics(table: Table) -> Statistics:
    """At the paper's rate: the training loss without a warm-up over that with one."""
    pairs = zip(
        table.values(f"{KINDS[1]}, rate {PAPERS_RATE}", "end_loss"),
        table.values(f"{KINDS[0]}, rate {PAPERS_RATE}", "end_loss"),
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
        axes.set(title=f"learning rate {rate}", xlabel="epochs", ylabel="training loss, nats")
        figure.use_log_scale(axes.yaxis)
        figure.label_lines(axes)
    return picture
