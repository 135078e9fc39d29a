"""The classes of the user's own that a generated module imports, under names that nothing else in it has."""

from __future__ import annotations

from resnetc.compiler.codegen.naming import Names
from resnetc.compiler.codegen.python_layout import WIDTH
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import External


@record(eq=True)
class UserImport:
    """`from module import name as alias, ...`."""

    module: str
    names: tuple[tuple[str, str], ...]  # each with its alias, sorted

    @property
    def aliases(self) -> list[str]:
        """What its classes are called in the module."""
        return [alias for _, alias in self.names]

    @property
    def lines(self) -> list[str]:
        """As formatters write them."""
        renamed = [name if alias == name else f"{name} as {alias}" for name, alias in self.names]
        whole = f"from {self.module} import {', '.join(renamed)}"
        broken = [f"from {self.module} import (", *(f"    {text}," for text in renamed), ")"]
        return [whole] if len(whole) <= WIDTH else broken


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
        modules: dict[str, list[tuple[str, str]]] = {}
        for (module, name), alias in sorted(self._aliases.items()):
            modules.setdefault(module, []).append((name, alias))
        return tuple(UserImport(module, tuple(names)) for module, names in modules.items())
