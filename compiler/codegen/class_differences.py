"""What tells a further class of a block from an earlier one: the modules and operators that only one of them has."""

from __future__ import annotations

import re

from resnetc.compiler.codegen.module_words import enumerated
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf
from resnetc.compiler.syntax import tree as syntax

OPERATORS = {"+": "an addition", "*": "a product", "concat": "a concatenation"}


@record
class Described:
    """A class of a block: its name, what it has, and the conditions of the block's text that hold for it."""

    name: str
    parts: tuple[str, ...]
    conditions: frozenset[str]


class Differences:
    """The classes of each block so far."""

    def __init__(self) -> None:
        self.classes: dict[syntax.Block, list[Described]] = {}

    def describe(
        self, block: syntax.Block, name: str, attributes: list[str], template: ExpandedBlock, conditions: frozenset[str]
    ) -> str:
        """How a class differs from the most similar one before; empty for the first, and where its own text says it."""
        parts = tuple(dict.fromkeys([*(f"`{attribute}`" for attribute in attributes), *operators(template)]))
        earlier = self.classes.setdefault(block, [])
        others = list(earlier)
        earlier.append(Described(name, parts, conditions))
        if all(conditions != other.conditions for other in others):
            return ""
        differences = [(other.name, only(parts, other.parts), only(other.parts, parts)) for other in others]
        differences = [(other, more, less) for other, more, less in differences if more or less]
        if not differences:
            return ""
        other, more, less = min(differences, key=lambda row: len(row[1]) + len(row[2]))
        if more:
            return f"`{other}` with {enumerated(more)}{f' in place of {enumerated(less)}' if less else ''}."
        return f"`{other}` without {enumerated(less)}."


def only(parts: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    return [part for part in parts if part not in others]


def operators(template: ExpandedBlock) -> list[str]:
    """What `forward` does with several values, in words."""
    names = (s.operation.primitive.name if isinstance(s.operation, Leaf) else s.operation for s in template.steps)
    return [OPERATORS[name] for name in names if isinstance(name, str) and name in OPERATORS]


def list_attributes(fields: list[str]) -> list[str]:
    """What the lines of an `__init__` store, in their order."""
    return re.findall(r"^        self\.(\w+) = ", "\n".join(fields), re.MULTILINE)
