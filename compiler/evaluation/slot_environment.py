"""The slot environment: which layer each slot is bound to. It is immutable; expanding a slot removes one binding."""

from __future__ import annotations

from resnetc.compiler.evaluation.values import Absent, Layer
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


@record
class Binding:
    """`set slot = value`, and what the slot meant before: inside the value, it still means that."""

    slot: syntax.Slot
    value: Layer | Absent
    outer: Binding | None
    span: Span
    sealed: bool = False


class Lookups:
    """The slots that something has been asked of: what an expansion depends on besides its arguments.

    Whoever expands a block puts an empty set in their place, and adds it to the one around it.
    """

    __slots__ = ("slots",)

    def __init__(self) -> None:
        self.slots: set[syntax.Slot] = set()


class Slots:
    """What every slot is bound to at one place of the network. Equal ways of getting there give the same object."""

    # A slot's value may mention the slot itself: `set norm = norm |> act` wraps what `norm` meant before. So a binding
    # holds the one outside of it, and a value is evaluated where its own binding is peeled off; a flat table would find
    # the value again, for ever.
    # Slots are compared by identity, as a part of the key under which an expanded block is found again: a network of a
    # thousand blocks asks a thousand times, and comparing values would walk through whole layers. That is sound only
    # because `bind` and `peel` give the same object for the same step, which is why they remember what they gave.

    __slots__ = ("bindings", "lookups", "_bound", "_peeled")

    def __init__(self, bindings: dict[syntax.Slot, Binding | None], lookups: Lookups | None = None) -> None:
        self.bindings = bindings
        self.lookups = Lookups() if lookups is None else lookups
        self._bound: dict[tuple[syntax.Slot, Layer | Absent], Slots] = {}
        self._peeled: dict[syntax.Slot, Slots] = {}

    def get(self, slot: syntax.Slot) -> Binding | None:
        """The binding in force, None where the slot has its default."""
        self.lookups.slots.add(slot)
        return self.bindings.get(slot)

    def bind(self, slot: syntax.Slot, value: Layer | Absent, span: Span, sealed: bool = False) -> Slots:
        """These slots with one more binding."""
        key = (slot, value)
        if key not in self._bound:
            binding = Binding(slot=slot, value=value, outer=self.bindings.get(slot), span=span, sealed=sealed)
            self._bound[key] = Slots({**self.bindings, slot: binding}, self.lookups)
        return self._bound[key]

    def peel(self, slot: syntax.Slot) -> Slots:
        """These slots as the value of `slot` sees them: there it means what it meant before it was bound."""
        if slot not in self._peeled:
            binding = self.bindings.get(slot)
            self._peeled[slot] = Slots({**self.bindings, slot: binding.outer if binding else None}, self.lookups)
        return self._peeled[slot]
