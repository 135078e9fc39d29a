"""Binds slots: bindings from outside win, and those they override are recorded."""

from __future__ import annotations

from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import Absent, Layer, describe
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


class Bindings:
    """Binds the slots of one network."""

    def __init__(self) -> None:
        self.overridden_bindings: dict[str, None] = {}  # as messages write it
        self.overrides = 0  # how often one was overridden

    def bind(self, slots: Slots, slot: syntax.Slot, value: Layer | Absent, span: Span) -> Slots:
        """These slots with one bound from here on, unless a binding from outside has sealed it."""
        current = slots.get(slot)
        if current is None or not current.sealed:
            return slots.bind(slot, value, span)
        if current.value != value:
            self.overrides += 1
            self.overridden_bindings[f"{slot.name.id} = {describe(value)} ({span})"] = None
        return slots
