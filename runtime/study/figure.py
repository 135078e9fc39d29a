"""The look of the figures of all studies: axes with units, lines named where they end, readable in grey.

The colours are those of Okabe and Ito (2008), which people with any kind of colour vision tell apart; every line has a
dash and a mark of its own as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from resnetc.runtime.errors import RunError

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00", "#7F7F7F")
_DASHES = ("-", "--", "-.", ":")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_STYLE = "resnetc.runtime.study.study"  # study.mplstyle beside this module
_LINE_HEIGHT = 11.0  # points between the names of two lines
_NAME_SIZE, _NAME_DISTANCE = 8, 6  # points: of the letters, and from the end of a line


def new_figure(panels: int, width: float = 4.6, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels side by side."""
    with style.context(_STYLE):
        figure = Figure(figsize=(width * panels, height), layout="constrained")
        panes = figure.subplots(1, panels, squeeze=False)[0]
    return figure, list(panes)


def draw_line(
    axes: Axes,
    number: int,
    label: str,
    x: Sequence[float],
    y: Sequence[float],
    *,
    marks: bool = True,
    joined: bool = True,
) -> None:
    """The line of an arm; `number` chooses its colour, dash and mark, the same in every panel. joined: whether there is
    something between the points."""
    axes.plot(
        x,
        y,
        label=label,
        color=_COLORS[number % len(_COLORS)],
        linestyle=_DASHES[number % len(_DASHES)] if joined else "",
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
    """Name every line beside its last point, apart from each other, instead of in a box. A name that had to move away
    from its line is joined to it."""
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    picture = axes.get_figure(root=True)
    assert picture is not None
    picture.draw_without_rendering()  # only then are the axes as long as they stay
    ends = []
    for line in lines:
        x, y = (float(value) for value in np.asarray(line.get_xydata())[-1])
        left, height = axes.transData.transform((x, y)) * 72 / picture.dpi
        ends.append(_End(line, (x, y), float(left), float(height)))
    for group in _group_neighbours(ends):
        places = _spread([end.height for end in group])
        for end, place in zip(group, places, strict=True):
            moved = place - end.height
            axes.annotate(
                str(end.line.get_label()),
                end.point,
                xytext=(_NAME_DISTANCE if abs(moved) < _LINE_HEIGHT / 2 else 2 * _NAME_DISTANCE, moved),
                textcoords="offset points",
                color=end.line.get_color(),
                va="center",
                fontsize=_NAME_SIZE,
                annotation_clip=False,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
                arrowprops=None
                if abs(moved) < _LINE_HEIGHT / 2
                else {"arrowstyle": "-", "color": end.line.get_color(), "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
            )


@dataclass(frozen=True, slots=True)
class _End:
    """Where a line ends: in the axes' own units, and in points from the left and from below."""

    line: Line2D
    point: tuple[float, float]
    left: float
    height: float

    @property
    def right(self) -> float:
        """Where its name ends, about: a letter is two thirds as wide as it is high."""
        return self.left + 2 * _NAME_DISTANCE + 0.67 * _NAME_SIZE * len(str(self.line.get_label()))


def _group_neighbours(ends: Sequence[_End]) -> list[list[_End]]:
    """The ends whose names could meet, from left to right; each group from below."""
    groups: list[list[_End]] = []
    for end in sorted(ends, key=lambda one: one.left):
        if groups and end.left < max(other.right for other in groups[-1]):
            groups[-1].append(end)
        else:
            groups.append([end])
    return [sorted(group, key=lambda one: one.height) for group in groups]


def _spread(heights: Sequence[float]) -> list[float]:
    """Places at least a line apart, as near to `heights`, which rise, as can be (least squares)."""
    blocks: list[tuple[float, int]] = []  # of neighbours that touch: where the first would be best, and how many
    for number, height in enumerate(heights):
        first, count = height - number * _LINE_HEIGHT, 1
        while blocks and blocks[-1][0] > first:
            other, others = blocks.pop()
            first, count = (first * count + other * others) / (count + others), count + others
        blocks.append((first, count))
    firsts = [first for first, count in blocks for _ in range(count)]
    return [first + number * _LINE_HEIGHT for number, first in enumerate(firsts)]


def use_log_scale(axis: XAxis | YAxis) -> None:
    """A logarithmic axis with the numbers 1, 2 and 5 of each decade on it, as people write them."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


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
