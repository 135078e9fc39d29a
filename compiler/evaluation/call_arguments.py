"""The arguments of a call as they are written, and the same call with one more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from resnetc.compiler.source import split_arguments


@lru_cache(maxsize=256)  # lints ask again for each network with the same text
def parse_arguments(text: str) -> Sequence[tuple[str, str]]:
    """The arguments of a call as they are written, each with its name; by position they have none."""
    match = re.fullmatch(r"[\w.\s]+\((.*)\)", text, re.DOTALL)
    return tuple(split_arguments(match[1])) if match else ()


def pass_argument(call: str, name: str, order: Sequence[str]) -> str | None:
    """A call that passes the value of the same name on: by position where its place is next, else by its name."""
    pairs = parse_arguments(call)
    positions = [key for key, _ in pairs if not key]
    is_next = len(positions) == len(pairs) < len(order) and order[len(pairs)] == name
    argument = name if is_next else f"{name}={name}"
    if re.fullmatch(r"[\w.]+", call):
        return f"{call}({argument})"
    behind = re.search(r"(,?)(\s*)\)$", call)
    if behind is None:
        return None
    return f"{call[: behind.start()]}{', ' if pairs else ''}{argument}{behind[1]}{behind[2]})"
