"""Paths under which modules are stored, and the arguments they are made with."""

from typing import Any

Arguments = tuple[tuple[str, Any], ...]
Path = tuple[str | int, ...]


def show_path(path: Path) -> str:
    """`layer1[0].conv` for the path of the first block's convolution."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out
