"""Shares expanded blocks between the networks of one run, which are often the same blocks on other stems and heads."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeAlias, cast

from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.reachable_slots import Effect, Texts
from resnetc.compiler.evaluation.slot_environment import Binding, Slots
from resnetc.compiler.evaluation.values import (
    Arguments,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    PrimitiveLayer,
    SlotLayer,
    Value,
)
from resnetc.compiler.evaluation.work_budget import MAX_WORK
from resnetc.compiler.expansion.bindings import Bindings
from resnetc.compiler.expansion.equal_blocks import read_fields
from resnetc.compiler.expansion.leaves import EqualOperations, Leaves
from resnetc.compiler.expansion.limits import MAX_NODES
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.syntax import tree as syntax

Key: TypeAlias = Hashable


@record
class SharedBlock:
    """A block as a network has expanded it, what that depended on, and what it left behind in the network's books."""

    block: ExpandedBlock
    slots: tuple[syntax.Slot, ...]  # that were looked up
    applied: dict[syntax.Slot, None]
    counts_input: bool  # whether a number was worked out from the channels of its input
    relies_on: frozenset[Effect]  # bindings that the network had met before
    effects: tuple[Effect, ...]  # those that it met here first
    work: int  # of its own, without that of `parts`
    operations: int  # likewise
    parts: tuple[SharedBlock, ...]  # the blocks in it
    depth: int  # in how many definitions it stood
    is_private: bool  # whether it says something that holds in its network alone

    @property
    def here(self) -> frozenset[str]:
        """The fields of `here` that it depends on."""
        return self.block.here


class Row:
    """The expansions of one block that depend on the same fields of `here` and the same slots, by their values."""

    __slots__ = ("fields", "slots", "expansions")

    def __init__(self, fields: tuple[str, ...], slots: tuple[syntax.Slot, ...]) -> None:
        self.fields, self.slots = fields, slots
        self.expansions: dict[Key, SharedBlock] = {}


class SharedBlocks:
    """What blocks became in the networks of one run, and the operations in them.

    The key of a block is all that its expansion depends on. Before it is expanded that are its definition (one object
    in all networks, as each file is read once), the arguments and bindings of the call, and the shape of its input;
    afterwards also the fields of `here` and the slots that it looked up. The rest of the network has no influence.
    Layers among these values are equal only if they stand at the same places of the same texts: operations say
    where they come from.
    """

    def __init__(self) -> None:
        self.operations = EqualOperations()
        self._rows: dict[Key, list[Row]] = {}
        self._numbers: dict[Key, int] = {}  # short names of bindings, which may be long

    def get_rows(self, layer: DefinedLayer, shape: Shape) -> list[Row]:
        """The expansions of a block with these arguments and this input."""
        bindings = tuple([(bound.slot, bound.span, make_key(bound.value)) for bound in layer.bindings])
        return self._rows.setdefault((layer.item, make_keys(layer.arguments), bindings, shape), [])

    def number_binding(self, binding: Binding | None) -> int:
        """Equal for bindings of equal values, which wrap equal ones."""
        if binding is None:
            return 0
        key = make_key(binding.value), self.number_binding(binding.outer), binding.sealed
        return self._numbers.setdefault(key, len(self._numbers) + 1)


class BlockCache:
    """Takes a network's blocks from those that are shared, and keeps its books as if it had expanded them itself."""

    def __init__(
        self, shared: SharedBlocks, evaluator: Evaluator, leaves: Leaves, bindings: Bindings, texts: Texts
    ) -> None:
        self.shared, self.evaluator, self.leaves, self.bindings, self.texts = shared, evaluator, leaves, bindings, texts
        self.parts: list[SharedBlock] = []  # of the block that is being expanded
        self._counted_blocks: dict[int, SharedBlock] = {}  # whose work is in the books
        self._nested_cost = 0, 0  # work and operations of blocks in the one that is being expanded
        self._numbers: dict[tuple[Slots, syntax.Slot], int] = {}  # of bindings

    def get(self, layer: DefinedLayer, shape: Shape, frame: Frame, expand: Callable[[], ExpandedBlock]) -> SharedBlock:
        """A block that another network has expanded, or else this one expands and shares."""
        rows = self.shared.get_rows(layer, shape)
        for row in rows:
            other = row.expansions.get(self.make_key(row.fields, row.slots, frame))
            if other is not None and self.reuse_if_within_budget(other):
                return other
        own = self.expand(shape, expand)
        if not own.is_private:
            fields = tuple(sorted(own.here))
            equal = [row for row in rows if row.fields == fields and row.slots == own.slots]
            if not equal:
                equal = [Row(fields, own.slots)]
                rows += equal
            equal[0].expansions[self.make_key(fields, own.slots, frame)] = own
        return own

    def make_key(self, fields: tuple[str, ...], slots: tuple[syntax.Slot, ...], frame: Frame) -> Key:
        """Where a block stands, as far as some fields and slots say."""
        numbers, environment = self._numbers, frame.slots
        values: list[int] = []
        for slot in slots:
            place = environment, slot
            if place not in numbers:
                numbers[place] = self.shared.number_binding(environment.bindings.get(slot))
            values.append(numbers[place])
        return read_fields(frame.here, fields), tuple(values)

    def add(self, block: SharedBlock, shape: Shape) -> None:
        """Notes in the books that the block in hand has another one in it, with an input of this shape."""
        self.parts.append(block)
        self.evaluator.lookups.slots.update(block.slots)
        self.evaluator.used_slots |= block.applied
        self.texts.relied_on |= block.relies_on
        if block.counts_input:
            self.evaluator.counted[id(shape)] = shape

    # -- the books ----------------------------------------------------------------------------------------------------

    def reuse_if_within_budget(self, block: SharedBlock) -> bool:
        """Adds the work of a borrowed block to the network's; not where a limit or an unmet binding has a message."""
        work, texts = self.evaluator.work, self.texts
        new = list(self.find_uncounted(block))
        done, operations = sum(part.work for part in new), sum(part.operations for part in new)
        effects = dict.fromkeys(effect for part in new for effect in part.effects)
        if (
            work.depth > block.depth
            or work.done + done > MAX_WORK
            or self.leaves.nodes + operations > MAX_NODES
            or not all(effect in texts.effective or effect in effects for effect in block.relies_on)
        ):
            return False
        work.done += done
        self.leaves.nodes += operations
        self._nested_cost = self._nested_cost[0] + done, self._nested_cost[1] + operations
        texts.effective |= effects
        self._counted_blocks |= {id(part): part for part in new}
        return True

    def find_uncounted(self, block: SharedBlock) -> Iterable[SharedBlock]:
        """A block and those in it that this network has not met, each once."""
        new: dict[int, SharedBlock] = {}
        pending = [block]
        while pending:
            part = pending.pop()
            if id(part) not in self._counted_blocks and id(part) not in new:
                new[id(part)] = part
                pending += part.parts
        return new.values()

    def expand(self, shape: Shape, expand: Callable[[], ExpandedBlock]) -> SharedBlock:
        """A block that this network expands, on a new page of the books."""
        evaluator, leaves, texts = self.evaluator, self.leaves, self.texts
        work, operations = evaluator.work.done, leaves.nodes
        externs, overrides, effective = len(leaves.externs), self.bindings.overrides, len(texts.effective)
        outer = evaluator.lookups.slots, evaluator.used_slots, evaluator.counted, texts.relied_on, self.parts
        outer_work, outer_operations = self._nested_cost
        evaluator.lookups.slots, evaluator.used_slots, evaluator.counted = set(), {}, {}
        texts.relied_on, self.parts, self._nested_cost = set(), [], (0, 0)
        block = expand()
        work, operations = evaluator.work.done - work, leaves.nodes - operations
        effects = tuple(texts.effective)[effective:] if len(texts.effective) > effective else ()
        own = SharedBlock(
            block=block,
            slots=tuple(sorted(evaluator.lookups.slots, key=lambda slot: slot.name.span.key)),
            applied=evaluator.used_slots,
            counts_input=id(shape) in evaluator.counted,
            relies_on=frozenset(texts.relied_on.difference(effects)),
            effects=effects,
            work=work - self._nested_cost[0],
            operations=operations - self._nested_cost[1],
            parts=tuple({id(part): part for part in self.parts}.values()),
            depth=evaluator.work.depth,
            is_private=len(leaves.externs) > externs
            or self.bindings.overrides > overrides
            or block.shape_out is block.shape_in
            or any(part.is_private for part in self.parts),
        )
        evaluator.lookups.slots, evaluator.used_slots, evaluator.counted, texts.relied_on, self.parts = outer
        self._nested_cost = outer_work + work, outer_operations + operations
        self._counted_blocks[id(own)] = own
        return own


PLAIN = frozenset({int, str})  # types of values that are their own keys


def make_keys(arguments: Arguments) -> Key:
    """Arguments by their values."""
    if all(type(value) in PLAIN for _, value in arguments):
        return arguments
    return tuple([(name, make_key(value)) for name, value in arguments])


def make_key(value: Value) -> Key:
    """A value, with the places in the text that its layers come from."""
    match value:
        case bool():
            return bool, value
        case tuple():
            return tuple([make_key(element) for element in value])
        case PrimitiveLayer(primitive, arguments, span):
            return primitive, make_keys(arguments), span
        case SlotLayer(slot, arguments, span):
            return slot, make_keys(arguments), span
        case DefinedLayer(item, _, arguments, bindings, span):
            return item, make_keys(arguments), tuple([(b.slot, b.span, make_key(b.value)) for b in bindings]), span
        case ChainLayer(steps, span):
            return tuple([make_key(step) for step in steps]), span
        case LabelLayer(path, layer, span):
            return path, make_key(layer), span
    return cast(Hashable, value)
