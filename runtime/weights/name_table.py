"""Names under which other programs keep the weights of shipped networks: the table `specs/weight_names.json`."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Renaming:
    """A row of the table: whose names these are, and patterns with what to write in place of each, in order."""

    of: str
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def apply(self, names: Iterable[str]) -> dict[str, str]:
        """Each of the names as the networks here have it; two that would become one keep the first."""
        renamed: dict[str, str] = {}
        for name in names:
            own_name = name
            for pattern, replacement in self.patterns:
                own_name = pattern.sub(replacement, own_name)
            renamed.setdefault(own_name, name)
        return {name: own_name for own_name, name in renamed.items()}


@cache
def read_table() -> tuple[Renaming, ...]:
    """The rows of the table."""
    text = resources.files("resnetc.specs").joinpath("weight_names.json").read_text("utf-8")
    return tuple(
        Renaming(row["of"], tuple((re.compile(pattern), new) for pattern, new in row["rename"]))
        for row in json.loads(text)
    )
