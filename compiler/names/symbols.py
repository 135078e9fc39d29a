"""The symbol table of a file: what each name refers to, as far as the text alone says."""

from __future__ import annotations

from collections.abc import Container, Mapping

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.names.reserved import NameKind
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import CONSTANTS, FUNCTIONS, LATER, PRIMITIVES, Primitive

NAMELESS = ""  # among the broken items: one whose name is lost as well
KINDS: dict[type, NameKind] = {
    syntax.Block: "block",
    syntax.Policy: "policy",
    syntax.Slot: "slot",
    syntax.Model: "model",
    syntax.Instance: "model",
    syntax.Extern: "extern",
    SpecFile: "used file",
}
PREDEFINED: dict[NameKind, Container[str]] = {"primitive": PRIMITIVES, "function": FUNCTIONS, "constant": CONSTANTS}


def get_kind(item: syntax.Item | SpecFile) -> NameKind:
    return KINDS[type(item)]


@record(eq=True)
class Definition:
    """What a name is, and where it was made; what the language itself defines stands nowhere."""

    kind: NameKind
    span: Span | None


@record(eq=True)
class Resolution:
    """What a name outside of its item stands for, with the file of an item; functions and constants are their names."""

    target: SpecFile | syntax.Item | Primitive | str
    spec: SpecFile | None = None


class FileNames:
    """The names that every item of a file sees. `silent` are those whose faults are reported already."""

    def __init__(self, spec: SpecFile, prelude: SpecFile, faulty_names: Mapping[SpecFile, frozenset[str]]) -> None:
        self.spec, self.prelude, self.faulty_names = spec, prelude, faulty_names
        self.slots = {} if spec is prelude else list_own_slots(prelude)
        self._slots: dict[SpecFile | None, dict[str, syntax.Slot]] = {}
        self._families: dict[syntax.Instance, tuple[syntax.Model, syntax.Input] | None] = {}
        self.lost = {use.path[-1] for use in spec.tree.uses} - spec.names.keys()  # used files that were not found
        self.silent = set(spec.tree.broken) | self.lost

    def may_be_lost(self, name: str, spec: SpecFile | None = None) -> bool:
        """Whether a name that is not found, here or in a used file, may be that of an item which did not parse."""
        broken = spec.tree.broken if spec is not None else frozenset()
        return name in self.silent or name in broken or NAMELESS in self.silent or NAMELESS in broken

    def find_predefined(self, name: str) -> Definition | None:
        """What a name is in every file, where a text may not give it another meaning."""
        if name in LATER:
            return None
        if name in self.slots:
            return Definition("slot", self.slots[name].name.span)
        for kind, names in PREDEFINED.items():
            if name in names:
                return Definition(kind, None)
        return None

    def find_definition(self, name: str) -> Definition | None:
        """What a name is outside of the item that mentions it."""
        item = self.spec.names.get(name)
        if item is None:
            return self.find_predefined(name)
        if isinstance(item, SpecFile):
            return Definition("used file", next(u.span for u in self.spec.tree.uses if u.path[-1] == name))
        return Definition(get_kind(item), item.name.span)

    def find(self, name: str) -> Resolution | None:
        """What a name means outside of the item that mentions it; None where nothing has it."""
        item = self.spec.names.get(name)
        if item is not None:
            return Resolution(item, None if isinstance(item, SpecFile) else self.spec)
        if name in self.slots:
            return Resolution(self.slots[name], self.prelude)
        if name in PRIMITIVES:
            return Resolution(PRIMITIVES[name])
        return Resolution(name) if name in FUNCTIONS or name in CONSTANTS else None

    def list_visible(self) -> list[str]:
        return [*self.spec.names, *self.slots, *PRIMITIVES, *FUNCTIONS, *CONSTANTS]

    def list_files(self) -> dict[str, SpecFile]:
        return {name: file for name, file in self.spec.names.items() if isinstance(file, SpecFile)}

    def list_slots(self, spec: SpecFile | None = None) -> dict[str, syntax.Slot]:
        """The slots that `set` can bind in this file, and a call of something from `spec` as well."""
        if spec not in self._slots:
            self._slots[spec] = {**self.slots, **list_own_slots(self.spec), **(list_own_slots(spec) if spec else {})}
        return self._slots[spec]

    def find_family(self, instance: syntax.Instance, spec: SpecFile) -> tuple[syntax.Model, syntax.Input] | None:
        """The model that an instance is one of, and the input that it has; None where only a value could tell."""
        way: list[syntax.Instance] = []
        item: syntax.Item | None = instance
        while isinstance(item, syntax.Instance) and item not in self._families:
            self._families[item] = None
            way.append(item)
            item, spec = find_item(item.value, spec) or (None, spec)
        family = (item, item.input) if isinstance(item, syntax.Model) else None
        if isinstance(item, syntax.Instance):
            family = self._families[item]
        for step in reversed(way):
            family = self._families[step] = (family[0], step.input or family[1]) if family is not None else None
        return family


def list_own_slots(spec: SpecFile) -> dict[str, syntax.Slot]:
    return {name: item for name, item in spec.names.items() if isinstance(item, syntax.Slot)}


def find_item(expr: syntax.Expr, spec: SpecFile) -> tuple[syntax.Item, SpecFile] | None:
    """The item that `name`, `file.name` or a call of either names."""
    while isinstance(expr, syntax.Call):
        expr = expr.callee
    if isinstance(expr, syntax.Attribute) and isinstance(expr.value, syntax.Name):
        file = spec.names.get(expr.value.id)
        if not isinstance(file, SpecFile):
            return None
        expr, spec = expr.name, file
    item = spec.names.get(expr.id) if isinstance(expr, syntax.Name) else None
    return (item, spec) if item is not None and not isinstance(item, SpecFile) else None
