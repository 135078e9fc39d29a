"""The names of lines that end at one place are apart, and equal figures are equal files."""

from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure

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
    boxes = sorted((text.get_window_extent() for text in picture.axes[1].texts), key=lambda box: box.y0)
    assert len(boxes) == len(ends)
    assert all(one.y1 <= other.y0 + 1 for one, other in pairwise(boxes))


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        figure.save(draw(1, 2), tmp_path, name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
