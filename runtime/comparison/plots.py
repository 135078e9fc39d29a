"""Draws the curves of a comparison with matplotlib: training loss and top-1, or mAP, over the epochs."""

from collections.abc import Sequence
from pathlib import Path

from resnetc.runtime.comparison.compare import ACCURACIES, Row, choose_accuracy, list_splits
from resnetc.runtime.errors import RunError, require_packages
from resnetc.runtime.run.folder import EpochRecord

_DASHES = ("-", "--", ":", "-.")


def compute_loss_curve(records: Sequence[EpochRecord]) -> tuple[list[float], list[float]]:
    """Epochs and training losses of one run, with several points per epoch."""
    points = [
        (record["epoch"] - 1 + (part + 0.5) / len(record["curve"]), loss)
        for record in records
        for part, loss in enumerate(record["curve"])
    ]
    return [x for x, _ in points], [y for _, y in points]


def compute_mean_curve(lines: Sequence[Sequence[float]]) -> list[float]:
    """The mean of several curves, up to the end of the shortest."""
    return [sum(values) / len(values) for values in zip(*lines, strict=False)]


def draw(rows: Sequence[Row], out: Path, title: str = "") -> tuple[Path, Path]:
    """Write `curves.png` and `curves.svg` into the folder `out`; returns their paths.

    Each network has one colour and dash: the mean over its seeds, with the single seeds as pale lines.
    """
    require_packages("matplotlib")
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    loss, percent = figure.subplots(1, 2)
    key = choose_accuracy(rows)
    for number, row in enumerate(rows):
        color, dash = f"C{number % 10}", _DASHES[number % len(_DASHES)]
        pairs = [compute_loss_curve(run.records) for run in row.runs]
        accuracies = [[record[key] for record in run.records] for run in row.runs]
        if len(row.runs) > 1:
            for (x, y), accuracy in zip(pairs, accuracies, strict=True):
                loss.plot(x, y, linewidth=0.8, alpha=0.3, color=color, linestyle=dash)
                percent.plot(
                    range(1, len(accuracy) + 1), accuracy, linewidth=0.8, alpha=0.3, color=color, linestyle=dash
                )
        epochs, mean_accuracy = min((x for x, _ in pairs), key=len), compute_mean_curve(accuracies)
        mark = "o" if len(mean_accuracy) <= 30 else None
        loss.plot(
            epochs,
            compute_mean_curve([y for _, y in pairs]),
            linewidth=1.8,
            label=row.label,
            color=color,
            linestyle=dash,
        )
        percent.plot(
            range(1, len(mean_accuracy) + 1),
            mean_accuracy,
            linewidth=1.8,
            marker=mark,
            markersize=4,
            color=color,
            linestyle=dash,
        )
    loss.set(xlabel="epoch", title="training loss")
    percent.set(xlabel="epoch", title=f"{ACCURACIES[key]} on the {' and '.join(sorted(list_splits(rows)))} images, %")
    loss.set_ylim(bottom=0)
    for axes in (loss, percent):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    columns = 4 if max(len(row.label) for row in rows) < 24 else 2
    figure.legend(loc="outside lower center", ncols=min(columns, len(rows)), frameon=False)
    if title:
        figure.suptitle(title)
    paths = out / "curves.png", out / "curves.svg"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context({"svg.hashsalt": "resnetc"}):  # equal runs, equal bytes
            figure.savefig(paths[0], dpi=150)
            figure.savefig(paths[1], metadata={"Date": None})
    except OSError as fault:
        raise RunError(f"{out}: cannot write the curves there: {fault.strerror}") from None
    return paths
