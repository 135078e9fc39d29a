"""The names of lines that end at one place are apart, and equal figures are equal files."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from resnetc.runtime.study import figure


def draw(*ends: float, log: bool = False) -> Figure:
    picture, (_, axes) = figure.new_figure(2)
    for number, end in enumerate(ends):
        figure.draw_line(axes, number, f"net {number}", [0, 1], [5000, end])
    axes.set(yscale="log" if log else "linear")
    figure.label_lines(axes)
    return picture


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("ends", [(1, 1.2, 1.1), (1, 5000), (3, 3, 3, 3, 3)])
def test_names_of_lines_do_not_cover_one_another(ends: tuple[float, ...], log: bool) -> None:
    picture = draw(*ends, log=log)
    picture.draw_without_rendering()
    boxes = sorted(
        (Text.get_window_extent(text) for text in picture.axes[1].texts), key=lambda box: box.y0
    )  # without joints
    assert len(boxes) == len(ends)
    assert all(one.y1 <= other.y0 + 1 for one, other in pairwise(boxes))


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=8).map(sorted))
def test_names_lie_apart_and_as_near_to_their_lines_as_can_be(heights: list[float]) -> None:
    places = figure._spread(heights)
    assert all(b - a >= figure._LINE_HEIGHT - 1e-6 for a, b in pairwise(places))
    if all(b - a >= figure._LINE_HEIGHT for a, b in pairwise(heights)):
        assert places == pytest.approx(heights, abs=1e-6)
    assert sum(places) == pytest.approx(
        sum(heights), abs=1e-6
    )  # least squares: nothing is gained by moving all of them


def test_a_line_that_ends_elsewhere_moves_no_name() -> None:
    picture, (axes,) = figure.new_figure(1)
    figure.draw_line(axes, 0, "short", [0, 1], [0, 3])
    figure.draw_line(axes, 1, "long", [0, 100], [0, 3])
    figure.label_lines(axes)
    assert [text.xyann[1] for text in axes.texts] == [0, 0]


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        figure.save(draw(1, 2), tmp_path, name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
