"""Who mentions an item, in all the files of a run: called where it is applied, or handed on with an interface."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.reads import Node, children, read_names


class Mentions:
    """The mentions of the items of some files, in those files."""

    def __init__(self, specs: Collection[SpecFile]) -> None:
        self.called: set[syntax.Item] = set()
        self.handed_on: set[syntax.Item] = set()  # as a value: who calls it then, the text does not say
        instances = [item for spec in specs for item in spec.tree.items if isinstance(item, syntax.Instance)]
        texts = ((instance.input, instance.expects) for instance in instances)
        self.in_instances = {name.id for text in texts for name in read_names(text)}
        """What the inputs and claims of instances read: values of their model among them."""
        files = {id(file): file for spec in specs for file in spec.list_used_files()}
        slots = (item for file in files.values() for item in file.tree.items if isinstance(item, syntax.Slot))
        self.signatures = frozenset(parameter.name.id for slot in slots for parameter in slot.parameters)
        """What the bindings of some slot may get."""
        for spec in specs:
            self._read(spec)

    def is_only_called(self, item: syntax.Item) -> bool:
        """Whether an item is used, and every use is a call that is applied there and then."""
        return item in self.called and item not in self.handed_on

    def has(self, item: syntax.Item) -> bool:
        """Whether any of the files mentions an item."""
        return item in self.called or item in self.handed_on

    def _read(self, spec: SpecFile) -> None:
        """Notes every mention of an item in a file, and whether it is a call that is applied there."""
        pending: list[tuple[Node, bool]] = [(spec.tree.items, False)]
        while pending:
            node, is_applied = pending.pop()
            match node:
                case syntax.Name(id):
                    self._note(spec.names.get(id), is_applied)
                case syntax.Attribute(syntax.Name(id), name) if isinstance(file := spec.names.get(id), SpecFile):
                    self._note(file.names.get(name.id), is_applied)
                case syntax.Call(callee, arguments):
                    pending += [(callee, is_applied), (arguments, False)]
                case syntax.Pipe(steps):
                    pending += [(step, True) for step in steps]
                case _:
                    applied = list(list_applied_parts(node, is_applied))
                    pending += [(part, False) for part in children(node) if part not in applied]
                    pending += [(part, True) for part in applied]

    def _note(self, item: syntax.Item | SpecFile | None, is_applied: bool) -> None:
        if item is not None and not isinstance(item, SpecFile):
            (self.called if is_applied else self.handed_on).add(item)


def list_applied_parts(node: Node, is_applied: bool) -> Iterator[Node]:
    """The parts of a node that are layers which take no more arguments before they are applied."""
    match node:
        case syntax.Repeat(_, _, _, block):
            yield block
        case syntax.Model() as model:
            yield from (model.stem, model.head)
        case syntax.Case(_, value):
            yield value
        case syntax.Labelled(_, layer) if is_applied:
            yield layer
        case syntax.Choice(value, _, other) if is_applied:
            yield from (value, other)
