"""Which operation alone reads what another one computes, across the borders of blocks and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence


@record
class Ends:
    """The operation of a module that alone reads its input, and the one whose output leaves it and has no other reader.

    An identity has neither, and whatever follows it follows what is before it.
    """

    first: Leaf | None
    last: Leaf | None
    is_identity: bool = False


UNKNOWN, IDENTITY = Ends(None, None), Ends(None, None, is_identity=True)


class Neighbours:
    """All operations of a network that alone read the output of another; what equal blocks hold is one operation."""

    def __init__(self, network: Network) -> None:
        self.readers: dict[int, dict[int, Leaf]] = {}  # of an operation: every one that alone reads it somewhere
        self.operations: dict[int, Leaf] = {}  # that have readers
        self.shared: set[int] = set()  # operations that somewhere have another reader, several of them, or none
        self.leaves: list[Leaf] = []  # every operation of the network, those of equal blocks once
        self._ends: dict[int, Ends] = {}
        root = network.root
        stages = [root.steps[stage.step].outputs[0] for stage in network.stages] if network.features else []
        self._add_pair(self.find_ends_of_block(root, stages).last, None)

    def list_pairs(self) -> Iterator[tuple[Leaf, Leaf]]:
        """Every operation with each that alone reads it."""
        for key, first in self.operations.items():
            for second in self.readers[key].values():
                yield first, second

    def list_sole_readers(self, leaf: Leaf) -> list[Leaf]:
        """What reads an operation, if that is one operation alone wherever it occurs."""
        return [] if id(leaf) in self.shared else list(self.readers.get(id(leaf), {}).values())

    def _add_pair(self, first: Leaf | None, second: Leaf | None) -> None:
        if first is None:
            return
        if second is None:
            self.shared.add(id(first))
            return
        self.operations.setdefault(id(first), first)
        self.readers.setdefault(id(first), {})[id(second)] = second

    def find_ends(self, module: Module) -> Ends:
        """The first and the last operation of a module, each module looked at once."""
        ends = self._ends.get(id(module))
        if ends is None:
            if isinstance(module, Leaf):
                self.leaves.append(module)
                if module.primitive.name == "identity":
                    ends = IDENTITY
                else:
                    ends = Ends(module, module) if len(module.inputs) == len(module.outputs) == 1 else UNKNOWN
            elif isinstance(module, Sequence):
                ends = self.find_ends_of_chain([child for _, child in module.children])
            else:
                ends = self.find_ends_of_block(module)
            self._ends[id(module)] = ends
        return ends

    def find_ends_of_chain(self, modules: Iterable[Module]) -> Ends:
        ends = [one for module in modules if not (one := self.find_ends(module)).is_identity]
        for before, behind in pairwise(ends):
            self._add_pair(before.last, behind.first)
        return Ends(ends[0].first, ends[-1].last) if ends else IDENTITY

    def find_ends_of_block(self, block: ExpandedBlock, outputs: Iterable[int] = ()) -> Ends:
        """The ends of a block; `outputs` are wires that leave it besides its own output."""
        size = len(block.wires)
        source = list(range(size))  # of every wire: the one that it equals, identities left out
        makers: list[Leaf | None] = [None] * size
        readers: list[Leaf | None] = [None] * size
        counts = [0] * size
        for step in block.steps:
            ends = UNKNOWN if isinstance(step.operation, str) else self.find_ends(step.operation)
            if ends.is_identity:
                source[step.outputs[0]] = source[step.inputs[0]]
                continue
            for wire in step.inputs:
                readers[source[wire]] = ends.first
                counts[source[wire]] += 1
            for wire in step.outputs:
                makers[wire] = ends.last
        for wire in (block.output, *outputs):
            counts[source[wire]] += 1
        output = source[block.output]
        for wire, last in enumerate(makers):
            if last is not None and (wire != output or counts[wire] > 1):
                self._add_pair(last, readers[wire] if counts[wire] == 1 else None)
        return Ends(
            first=readers[0] if counts[0] == 1 else None,
            last=makers[output] if counts[output] == 1 else None,
            is_identity=output == 0,
        )
