"""Paths under which modules are stored, and the arguments they are made with."""

from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

Constant: TypeAlias = "int | Fraction | bool | str | tuple[Constant, ...] | None"
Arguments = tuple[tuple[str, Constant], ...]
Path = tuple[str | int, ...]


@lru_cache(maxsize=1024)  # the blocks of a network store much the same
def show_path(path: Path) -> str:
    """`layer1[0].conv` for the path of the first block's convolution."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out
