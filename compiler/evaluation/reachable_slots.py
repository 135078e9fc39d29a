"""Which slots a piece of text could apply, whatever its arguments: those mentioned, directly or through items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import ChainLayer, DefinedLayer, LabelLayer, Local, SlotLayer
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

LOOKED_AT_A_STATEMENT = 25  # mentions that cost as much to follow as a statement costs to run
LEFT_OUT = frozenset({"span", "op_span", "name", "path", "type", "input", "expects"})  # fields that hold no layers
Node: TypeAlias = object
"""A node of a syntax tree, or what stands in its fields: tuples, texts and numbers."""
Text = tuple[Node, SpecFile]  # and the file that it stands in
Effect = tuple[syntax.Slot, Span]
"""A binding that has one: its slot, and where it stands."""
Mention = tuple[frozenset[str], syntax.Item, SpecFile]  # the slots that it is bound to, the item, and its file


class Texts:
    """What texts mention, each text read once; `charge` counts the work."""

    def __init__(self, prelude: SpecFile, home: Callable[[syntax.Slot], SpecFile], charge: Callable[[int, Span], None]):
        self.prelude, self.home, self.charge = prelude, home, charge
        self._mentions: dict[Node, list[Mention]] = {}
        self.effective: dict[Effect, None] = {}
        self.relied_on: set[Effect] = set()  # those that were no longer looked for

    def apply(
        self, slot: syntax.Slot, bound: Span, texts: Iterable[Text], values: Iterable[Local], slots: Slots
    ) -> bool:
        """Whether texts or values lead to a slot, where others are bound as in `slots`; `bound` is its own binding."""
        if (slot, bound) in self.effective:
            self.relied_on.add((slot, bound))
            return True
        is_applied = any(other is slot for other in self.slots(texts, values, slots, bound, slot.name.id))
        if is_applied:
            self.effective[slot, bound] = None
        return is_applied

    def slots(
        self, texts: Iterable[Text], values: Iterable[Local], slots: Slots, span: Span, left_out: str = ""
    ) -> Iterator[syntax.Slot]:
        """Every slot that texts and values lead to, without what is bound to the slot called `left_out`."""
        # The question is whether a binding could have an effect, and a binding that has one must not be refused. So the
        # answer errs on one side: every name in a text counts, whatever a condition would choose, and whatever the
        # arguments are. Only the value that a keyword binds to the slot itself (`norm=...`) does not count: it takes
        # the place of the binding that is asked about. To evaluate instead would be exact, and an expansion a binding.
        # Each text is read once (`mentions`) and each item visited once: items that use each other double otherwise.
        pending: list[Text] = [*self.inside(values), *texts]
        visited: set[Node] = set()
        while pending:
            node, spec = pending.pop()
            if node in visited:
                continue
            visited.add(node)
            if isinstance(node, syntax.Slot):
                yield node
                binding = slots.get(node)
                while binding is not None:
                    pending += self.inside([binding.value])
                    binding = binding.outer
            mentions = self.mentions(node, spec)
            self.charge(len(mentions) // LOOKED_AT_A_STATEMENT, span)
            pending += [(item, home) for bound, item, home in mentions if left_out not in bound]

    def inside(self, values: Iterable[Local]) -> Iterator[Text]:
        """The items that values are made of."""
        pending = list(values)
        while pending:
            match pending.pop():
                case tuple() as several:
                    pending += several
                case dict() as elements:
                    pending += elements.values()
                case DefinedLayer(item, spec, arguments, bindings):
                    yield item, spec
                    pending += [value for _, value in arguments]
                    pending += [bound.value for bound in bindings]
                case SlotLayer(slot, arguments):
                    yield slot, self.home(slot)
                    pending += [value for _, value in arguments]
                case ChainLayer(steps):
                    pending += steps
                case LabelLayer(_, layer):
                    pending.append(layer)

    def mentions(self, node: Node, spec: SpecFile) -> list[Mention]:
        """The items that the text of a node mentions itself."""
        if node not in self._mentions:
            self._mentions[node] = list(self._read(node, spec))
        return self._mentions[node]

    def _read(self, node: Node, spec: SpecFile) -> Iterator[Mention]:
        pending: list[tuple[Node, frozenset[str]]] = [(node, frozenset())]
        while pending:
            part, bound = pending.pop()
            match part:
                case tuple():
                    pending += [(inner, bound) for inner in reversed(part)]
                case syntax.Name(id):
                    for place in (spec, self.prelude):
                        item = place.names.get(id)
                        if item is not None and not isinstance(item, SpecFile):
                            yield bound, item, place
                            break
                case syntax.Attribute(syntax.Name(id), name) if isinstance(file := spec.names.get(id), SpecFile):
                    item = file.names.get(name.id)
                    if item is not None and not isinstance(item, SpecFile):
                        yield bound, item, file
                case syntax.Argument(name, value) | syntax.SetSlot(name, value):
                    pending.append((value, bound | {name.id} if name is not None else bound))
                case None | str() | bool() | int() | syntax.Number() | syntax.String():
                    continue
                case _:
                    pending += [(inner, bound) for inner in fields_with_layers(part)]


def fields_with_layers(node: Node) -> list[Node]:
    """What stands in the fields of a node that may hold layers."""
    slots: tuple[str, ...] = getattr(node, "__slots__", ())
    return [getattr(node, field) for field in slots if field not in LEFT_OUT]


def written(name: str, texts: Iterable[Node]) -> Iterator[Span]:
    """Where texts mention a name themselves: the whole call, where it is called."""
    pending = list(texts)
    while pending:
        match pending.pop(0):
            case tuple() as several:
                pending[:0] = several
            case syntax.Call(syntax.Name(id), arguments, span) if id == name:
                yield span
                pending[:0] = arguments
            case syntax.Name(id, span):
                if id == name:
                    yield span
            case None | str() | bool() | int() | syntax.Number() | syntax.String():
                continue
            case part:
                pending[:0] = fields_with_layers(part)
