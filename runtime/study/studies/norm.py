"""How much of it is batch norm?"""

from collections.abc import Sequence

from matplotlib.figure import Figure as Picture

from resnetc.runtime.data import ImageSet
from resnetc.runtime.study import figure
from resnetc.runtime.study.study_code import Statistics, take_figures
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm

SUMMARY = (
    ("best_rate", "best learning rate"),
    ("best_train_loss", "training loss"),
    ("best_top1", "test accuracy, %"),
    ("diverged_share", "of its rates diverged, %"),
)
TAKES_DIVERGED = True
NORMS = ("batch norm", "group norm", "scaled residuals", "no norm")
SHORTCUTS = {"identity": "identity shortcuts", "no shortcut": "no shortcuts"}


def measure(arms: Sequence[TrainedArm], data: ImageSet | None) -> Table:
    """Of every cell of the grid the run with the lowest training loss, over the learning rates that all cells tried.
    One all of whose runs diverged is as good as guessing."""
    assert data is not None
    figures = take_figures(arms)
    cells: dict[str, list[TrainedArm]] = {}
    for arm in arms:
        cells.setdefault(arm.label.rpartition(", rate ")[0], []).append(arm)
    for cell, members in cells.items():
        diverged = sum(1 for arm in members if arm.diverged)
        figures.append(Figure(cell, None, quantity="diverged_share", value=100 * diverged / len(members)))
        for seed in sorted({seed for arm in members for seed in (*arm.diverged, *(run.seed for run in arm.runs))}):
            pairs = [(arm, run) for arm in members for run in arm.runs if run.seed == seed]
            if not pairs:
                figures.append(Figure(cell, seed, quantity="best_top1", value=100 / data.classes))
                continue
            arm, run = min(pairs, key=lambda pair: pair[1].last_record["train_loss"])
            figures.append(Figure(cell, seed, quantity="best_rate", value=run.recipe.learning_rate))
            figures.append(Figure(cell, seed, quantity="best_train_loss", value=run.last_record["train_loss"]))
            figures.append(Figure(cell, seed, quantity="best_top1", value=run.last_record["top1"]))
    return Table(figures)


def compute_statistics(table: Table) -> Statistics:
    """What a shortcut brings without any norm, and how far scaled residuals without a norm are behind batch norm."""

    def best(norm: str, shortcut: str) -> tuple[float, ...]:
        return table.values(f"{norm}, {shortcut}", "best_top1")

    batch, scaled = best("batch norm", "identity"), best("scaled residuals", "identity")
    plain, bare = best("batch norm", "no shortcut"), best("no norm", "identity")
    return {
        "behind_batch_norm": [a - b for a, b in zip(batch, scaled, strict=True)],
        "shortcut_without_norm": [a - b for a, b in zip(bare, best("no norm", "no shortcut"), strict=True)],
        "shortcut_with_norm": [a - b for a, b in zip(batch, plain, strict=True)],
    }


def draw(table: Table) -> Picture:
    """Accuracy of every cell against the learning rate."""
    picture, panes = figure.new_figure(2)
    rates = sorted({float(arm.rpartition(" ")[2]) for arm in table.arms if ", rate " in arm})
    for axes, (shortcut, title) in zip(panes, SHORTCUTS.items(), strict=True):
        for number, norm in enumerate(NORMS):
            prefix = f"{norm}, {shortcut}, rate "
            arms = [arm for arm in table.arms if arm.startswith(prefix)]
            points = []
            for arm in arms:
                try:
                    values = table.values(arm, "top1")
                except KeyError:  # it diverged
                    continue
                points.append((float(arm.removeprefix(prefix)), sum(values) / len(values)))
            if points:
                figure.draw_line(axes, number, norm, [x for x, _ in points], [y for _, y in points])
        axes.set(
            title=title, xlabel="learning rate (without a point: diverged)", ylabel="test accuracy, %", ylim=(0, 100)
        )
        axes.set(xscale="log")
        figure.label_ticks(axes, rates)
        figure.label_lines(axes)
    return picture
