"""The look of the figures of all studies: axes with units, lines named where they end, readable in grey.

The colours are those of Okabe and Ito (2008), which people with any kind of colour vision tell apart; every line has a
dash and a mark of its own as well.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from resnetc.runtime.errors import RunError

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00", "#7F7F7F")
_DASHES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_STYLE = "resnetc.runtime.study.study"  # study.mplstyle beside this module
_LINE_HEIGHT = 11.0  # points between the names of two lines


def new_figure(panels: int, width: float = 4.6, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels side by side."""
    with style.context(_STYLE):
        figure = Figure(figsize=(width * panels, height), layout="constrained")
        panes = figure.subplots(1, panels, squeeze=False)[0]
    return figure, list(panes)


def draw_line(axes: Axes, number: int, label: str, x: Sequence[float], y: Sequence[float], marks: bool = True) -> None:
    """The line of an arm; `number` chooses its colour, dash and mark, the same in every panel."""
    axes.plot(
        x,
        y,
        label=label,
        color=_COLORS[number % len(_COLORS)],
        linestyle=_DASHES[number % len(_DASHES)],
        marker=_MARKS[number % len(_MARKS)] if marks else None,
    )


def draw_points(axes: Axes, number: int, x: float, values: Sequence[float]) -> None:
    """The values of the single seeds at one x, as pale points."""
    color = _COLORS[number % len(_COLORS)]
    axes.plot(
        [x] * len(values), values, linestyle="", marker=_MARKS[number % len(_MARKS)], color=color, alpha=0.3, ms=3
    )


def label_ticks(axes: Axes, x: Sequence[float]) -> None:
    """Ticks at these places of the x axis alone: on a logarithmic one the usual labels run into each other."""
    axes.set_xticks(x, labels=[f"{value:.3g}" for value in x])
    axes.set_xticks([], minor=True)


def label_lines(axes: Axes) -> None:
    """Name every line beside its last point, apart from each other, instead of in a box."""
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    picture = axes.get_figure(root=True)
    assert picture is not None
    picture.draw_without_rendering()  # only then are the axes as long as they stay
    ends = []
    for line in lines:
        x, y = (float(value) for value in np.asarray(line.get_xydata())[-1])
        ends.append((float(axes.transData.transform((x, y))[1]) * 72 / picture.dpi, x, y, line))
    previous = float("-inf")
    for height, x, y, line in sorted(ends, key=lambda end: end[0]):
        place = max(height, previous + _LINE_HEIGHT)
        previous = place
        axes.annotate(
            str(line.get_label()),
            (x, y),
            xytext=(6, place - height),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            fontsize=8,
            annotation_clip=False,
        )


def save(figure: Figure, out: Path, name: str = "figure") -> tuple[Path, Path]:
    """Write the figure as SVG and as PNG into the folder `out`; returns the paths."""
    paths = out / f"{name}.svg", out / f"{name}.png"
    try:
        with style.context(_STYLE):
            figure.savefig(paths[0], metadata={"Date": None})
            figure.savefig(paths[1], dpi=160)
    except OSError as fault:
        raise RunError(f"{out}: cannot write the figure there: {fault.strerror}") from None
    return paths
