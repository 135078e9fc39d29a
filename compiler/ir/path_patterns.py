"""Where the string of a stage says that its blocks are stored: `"b#"`, `"features.conv2_#"`."""

from __future__ import annotations

import re

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.paths import Path

PART = re.compile(r"(?P<index>[0-9]{1,6})|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)?(?P<number>#0?)?")


@record(eq=True)
class PathPattern:
    """The paths of a stage's blocks, one after the other.

    `container` holds them: a path from the model, or None where the stage does. In it they are called `last`, with
    their numbers behind it where these have a `start`; a `last` without letters makes them the elements of a list.
    """

    container: Path | None
    last: str | int
    start: int | None

    @property
    def is_list(self) -> bool:
        return self.last == ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part for part in (*(self.container or ()), self.last) if isinstance(part, str) and part)


def read_pattern(text: str) -> PathPattern | None:
    """What a string says, None where it is no path. Only its last part can count; one that does nothing else is `#`."""
    *above, last = text.split(".")
    matches = [PART.fullmatch(part) for part in above]
    container = [int(m["index"]) if m["index"] else m["name"] for m in matches if m and not m["number"] and m[0]]
    end = PART.fullmatch(last)
    if len(container) < len(matches) or end is None or end[0] in ("", "#0"):
        return None
    path = tuple(container) if above else None
    if end["index"]:
        return PathPattern(path, int(last), None)
    name, number = end["name"] or "", end["number"]
    return PathPattern(path, name, None if number is None else 0 if number == "#0" or not name else 1)


def read_path(text: str) -> Path | None:
    """The path that a label in quotes says, None where it is none."""
    pattern = read_pattern(text)
    return None if pattern is None or pattern.start is not None else (*(pattern.container or ()), pattern.last)
