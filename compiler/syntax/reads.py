"""Which names a text reads: those that stand for a value there, not those of definitions, arguments and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from resnetc.compiler.syntax import tree as syntax

Node: TypeAlias = object
"""A node of a syntax tree, or what stands in its fields: tuples, texts and numbers."""

SPANS = ("span", "op_span")


def read_names(*nodes: Node) -> Iterator[syntax.Name]:
    """The names that are read, in the order of the text; what a `let` reads of the list that it adds to is left out."""
    pending: list[Node] = list(reversed(nodes))
    while pending:
        part = pending.pop()
        if isinstance(part, syntax.Name):
            yield part
        elif isinstance(part, syntax.Let):
            name = part.name.id
            yield from [other for other in read_names(part.index, part.value) if other.id != name]
        else:
            pending += reversed(list(children(part)))


def children(node: Node) -> Iterable[Node]:
    """The parts of a node in which names are read."""
    if isinstance(node, tuple):
        return node
    if node is None or isinstance(node, (str, int, syntax.Number, syntax.String, syntax.Name)):
        return ()
    match node:
        case syntax.Attribute(value) | syntax.Argument(_, value) | syntax.SetSlot(_, value):
            return (value,)
        case syntax.Let(_, index, value):
            return (index, value)
        case syntax.Labelled(path, value) | syntax.Stage(path, _, value):
            return (*indices(path), value)
        case syntax.Each(_, values, body) | syntax.EachClaim(_, values, body):
            return (values, body)
        case syntax.Parameter(_, _, default):
            return (default,)
        case syntax.Repeat(count, _, values, block):
            return (count, values, block)
        case syntax.Block() | syntax.Policy() | syntax.Slot() | syntax.Model():
            return fields(node)[1:]
        case syntax.Instance(_, value, input, expects):
            return (value, input, expects)
    return fields(node)


def fields(node: Node) -> list[Node]:
    kind: type = type(node)
    return [getattr(node, field) for field in field_names(kind)]


@lru_cache(maxsize=64)
def field_names(kind: type) -> list[str]:
    return [field for field in getattr(kind, "__slots__", ()) if field not in SPANS]


def indices(path: syntax.Expr) -> Iterator[syntax.Expr]:
    """The indices in a label or the path of a stage: its other parts are names of attributes."""
    while isinstance(path, (syntax.Attribute, syntax.Index)):
        if isinstance(path, syntax.Index):
            yield path.index
        path = path.value
