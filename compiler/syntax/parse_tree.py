"""Lark's parse tree: children are trees, tokens, or None for an optional part that is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lark import Token, Tree

Node: TypeAlias = "Tree[Token]"
Child: TypeAlias = "Tree[Token] | Token | None"
"""What the grammar has at a place of a rule: a tree, a token, or nothing where it is left out."""


def as_tree(child: Child) -> Node:
    """A child that is a tree wherever the rule of its parent matches."""
    if not isinstance(child, Tree):
        raise TypeError(f"the grammar has a tree here, not {child!r}")
    return child


def as_token(child: Child) -> Token:
    """A child that is a token wherever the rule of its parent matches."""
    if not isinstance(child, Token):
        raise TypeError(f"the grammar has a token here, not {child!r}")
    return child


def children(node: Child) -> Sequence[Child]:
    """The children of a tree; Lark's own type forgets that a part which is left out is None."""
    return as_tree(node).children


def rule_of(node: Child) -> str:
    """The rule, or the name of an alternative, that a tree was read by."""
    return as_tree(node).data


@dataclass(slots=True)
class ParsedParts:
    """What could be read: the trees of the edition, of `use` lines and of items; and names that were lost."""

    edition: Node | None = None
    uses: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    words: int = 0  # of the text
