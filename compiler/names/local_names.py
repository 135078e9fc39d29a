"""The names that an item binds itself: parameters, `let`, loops."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.names.reserved import NameKind
from resnetc.compiler.names.symbols import Definition
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class LocalNames:
    """What is bound at one place of an item. A loop forgets its names when it ends, but for those of indexed `let`."""

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}  # of every name that was ever bound, where it first was
        self._definitions: dict[str, Definition] = {}
        self._order: list[str] = []  # in which they were bound
        self._indexed: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    @property
    def count(self) -> int:
        """How many names are bound: what `forget_since` goes back to."""
        return len(self._order)

    def get(self, name: str) -> Definition | None:
        return self._definitions.get(name)

    def bind(self, name: syntax.Name, kind: NameKind) -> None:
        """Adds a name; one that is bound already keeps its first definition."""
        if name.id not in self._definitions:
            self._definitions[name.id] = Definition(kind, name.span)
            self._order.append(name.id)
        self.spans.setdefault(name.id, name.span)

    def inherit(self, name: syntax.Name, kind: NameKind) -> None:
        """Adds a name that another item has bound: of an instance, what its model has."""
        self._definitions[name.id] = Definition(kind, name.span)

    def is_indexed(self, name: str) -> bool:
        return name in self._indexed

    def mark_indexed(self, name: str) -> None:
        """From now on a name has elements, which a loop may add one by one: it outlives the loop."""
        self._indexed.add(name)

    def forget_since(self, count: int) -> None:
        """Forgets what was bound since there were `count` names, but for indexed ones."""
        for name in self._order[count:]:
            if name not in self._indexed:
                del self._definitions[name]
        self._order[count:] = []
