"""The classes of the user's own that a generated module imports, under names that nothing else in it has."""

from __future__ import annotations

from resnetc.compiler.codegen.naming import Names
from resnetc.compiler.codegen.python_layout import WIDTH
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import External


@record(eq=True)
class UserImport:
    """`from module import name as alias`."""

    module: str
    name: str
    alias: str

    @property
    def lines(self) -> list[str]:
        renamed = self.name if self.alias == self.name else f"{self.name} as {self.alias}"
        whole = f"from {self.module} import {renamed}"
        return [whole] if len(whole) <= WIDTH else [f"from {self.module} import (", f"    {renamed},", ")"]


class UserClasses:
    """What is imported for the operations of one network, each class once, in the order of the network."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._aliases: dict[tuple[str, str], str] = {}
        self._targets: dict[str, None] = {}

    def add(self, external: External) -> None:
        """Imports the class of an operation: its name is taken from now on."""
        first = external.name.partition(".")[0]
        self._targets[f"{external.module}:{external.name}"] = None
        if (external.module, first) not in self._aliases:
            self._aliases[external.module, first] = self.names.definition(first)

    def name_of(self, external: External) -> str:
        """What the class is called: where it is inside of another, by the way to it."""
        first, dot, rest = external.name.partition(".")
        alias = self._aliases.get((external.module, first), first)
        return f"{alias}{dot}{rest}"

    @property
    def targets(self) -> tuple[str, ...]:
        """`module:Class` of each, sorted."""
        return tuple(sorted(self._targets))

    @property
    def imports(self) -> tuple[UserImport, ...]:
        """Sorted as formatters sort them."""
        rows = (UserImport(module, name, alias) for (module, name), alias in self._aliases.items())
        return tuple(sorted(rows, key=lambda row: (row.module, row.name)))
