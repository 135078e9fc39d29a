"""Formats shapes for messages and pictures."""

from __future__ import annotations

from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.sizes import show

AXIS_SYMBOLS = ("", "L", "HW", "DHW")
"""The letters of the axes of a map, by how many it has."""


def show_shape(shape: Shape, symbols: tuple[str | None, ...] = ()) -> str:
    """`[256, ceil(H / 4), ceil(W / 4)]`."""
    names = symbols or tuple(AXIS_SYMBOLS[shape.rank])
    return (
        f"[{', '.join([str(shape.channels), *(show(f, n or 'H') for f, n in zip(shape.sizes, names, strict=False))])}]"
    )
