"""Which names a text reads: those that stand for a value there, not those of definitions, arguments and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from resnetc.compiler.syntax import tree as syntax

Node: TypeAlias = object
"""A node of a syntax tree, or what stands in its fields: tuples, texts and numbers."""

SPANS = ("span", "op_span")


def read_names(*nodes: Node) -> Iterator[syntax.Name]:
    """The names that are read, in the order of the text; what a `let` reads of the list that it adds to is left out."""
    pending: list[Node] = list(reversed(nodes))
    while pending:
        match pending.pop():
            case syntax.Name() as name:
                yield name
            case syntax.Let(name, index, value):
                yield from (other for other in read_names(index, value) if other.id != name.id)
            case part:
                pending += reversed(list(children(part)))


def children(node: Node) -> Iterable[Node]:
    """The parts of a node in which names are read."""
    match node:
        case tuple():
            return node
        case None | str() | bool() | int() | syntax.Number() | syntax.String() | syntax.Name():
            return ()
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
    slots: tuple[str, ...] = getattr(node, "__slots__", ())
    return [getattr(node, field) for field in slots if field not in SPANS]


def indices(path: syntax.Expr) -> Iterator[syntax.Expr]:
    """The indices in a label or the path of a stage: its other parts are names of attributes."""
    while isinstance(path, (syntax.Attribute, syntax.Index)):
        if isinstance(path, syntax.Index):
            yield path.index
        path = path.value
