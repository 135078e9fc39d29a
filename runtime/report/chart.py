"""Line charts as numbers, for a template to draw: ticks, and the points of every line in pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 240  # of a chart, in pixels
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 30  # margins of the plotted area
_MAX_DOTS = 40  # longest line whose points are marked

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its position in pixels, and its label."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its name, `points` in the form of an SVG polyline, and the points to mark."""

    name: str
    points: str
    dots: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of WIDTH by HEIGHT pixels."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def choose_ticks(low: float, high: float, max_count: int, whole_only: bool = False) -> list[float]:
    """At most `most` round, evenly spaced numbers from `low` to `high`; with `whole`, only integers."""
    if not high > low:
        return [low]
    size: float = 10.0 ** math.floor(math.log10((high - low) / max_count))
    while True:
        for factor in (1, 2, 5, 10):
            step = size * factor
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first < max_count and not (whole_only and step < 1):
                return [number * step for number in range(first, last + 1)]
        size *= 10


def make_chart(title: str, lines: Sequence[tuple[str, Sequence[Point]]], epochs: int) -> Chart:
    """A chart of (name, points) over epochs; points are (epoch, value), values that are not finite are left out.

    The first epoch ends at 1. The vertical axis spans the values, with a small margin.
    """
    finite_lines = [(name, [p for p in points if math.isfinite(p[1])]) for name, points in lines]
    values = [value for _, points in finite_lines for _, value in points] or [0.0]
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    low, high = (0.0 if 0 <= low < 0.3 * high else low - margin), high + margin
    left = min([0.0 if x < 1 else 1.0 for _, points in finite_lines for x, _ in points[:1]], default=0.0)
    right = max(epochs, left + 1)

    def scale_x(x: float) -> float:
        return round(LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT), 2)

    def scale_y(y: float) -> float:
        return round(HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 2)

    chart_lines = []
    for name, points in finite_lines:
        places = [(scale_x(x), scale_y(y)) for x, y in points]
        text = " ".join(f"{x},{y}" for x, y in places)
        chart_lines.append(Line(name, text, tuple(places) if len(places) <= _MAX_DOTS else ()))
    return Chart(
        title=title,
        lines=tuple(chart_lines),
        x_ticks=tuple(Tick(scale_x(x), f"{x:g}") for x in choose_ticks(left, right, 9, whole_only=True)),
        y_ticks=tuple(Tick(scale_y(y), f"{y:.6g}") for y in choose_ticks(low, high, 6)),
    )
