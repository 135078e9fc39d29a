"""Which operation alone reads what another one computes, across the borders of blocks and sequences."""

from __future__ import annotations

from collections import Counter
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


class Neighbours:
    """All operations of a network that alone read the output of another; what equal blocks hold is one operation."""

    def __init__(self, network: Network) -> None:
        self.readers: dict[int, dict[int, Leaf]] = {}  # of an operation: every one that alone reads it somewhere
        self.operations: dict[int, Leaf] = {}  # that have readers
        self.shared: set[int] = set()  # operations that somewhere have another reader, several of them, or none
        self._ends: dict[int, Ends] = {}
        root = network.root
        stages = [root.steps[stage.step].outputs[0] for stage in network.stages] if network.features else []
        self._follow(self.block(root, stages).last, None)

    def pairs(self) -> Iterator[tuple[Leaf, Leaf]]:
        """Every operation with each that alone reads it."""
        for key, first in self.operations.items():
            for second in self.readers[key].values():
                yield first, second

    def always_before(self, leaf: Leaf) -> list[Leaf]:
        """What reads an operation, if that is one operation alone wherever it occurs."""
        return [] if id(leaf) in self.shared else list(self.readers.get(id(leaf), {}).values())

    def _follow(self, first: Leaf | None, second: Leaf | None) -> None:
        if first is None:
            return
        if second is None:
            self.shared.add(id(first))
            return
        self.operations.setdefault(id(first), first)
        self.readers.setdefault(id(first), {})[id(second)] = second

    def ends(self, module: Module) -> Ends:
        if id(module) not in self._ends:
            match module:
                case Leaf(primitive):
                    is_plain = len(module.inputs) == len(module.outputs) == 1
                    is_identity = primitive.name == "identity"
                    ends = Ends(module, module) if is_plain and not is_identity else Ends(None, None, is_identity)
                case Sequence(children):
                    ends = self.chain(child for _, child in children)
                case ExpandedBlock():
                    ends = self.block(module)
            self._ends[id(module)] = ends
        return self._ends[id(module)]

    def chain(self, modules: Iterable[Module]) -> Ends:
        ends = [one for module in modules if not (one := self.ends(module)).is_identity]
        for before, behind in pairwise(ends):
            self._follow(before.last, behind.first)
        return Ends(ends[0].first, ends[-1].last) if ends else Ends(None, None, True)

    def block(self, block: ExpandedBlock, outputs: Iterable[int] = ()) -> Ends:
        """The ends of a block; `outputs` are wires that leave it besides its own output."""
        source = list(range(len(block.wires)))  # of every wire: the one that it equals, identities left out
        makers: dict[int, Leaf | None] = {}
        readers: dict[int, Leaf | None] = {}
        counts: Counter[int] = Counter()
        for step in block.steps:
            ends = Ends(None, None) if isinstance(step.operation, str) else self.ends(step.operation)
            inputs = [source[wire] for wire in step.inputs]
            if ends.is_identity:
                source[step.outputs[0]] = inputs[0]
                continue
            for wire in inputs:
                readers[wire] = ends.first
                counts[wire] += 1
            makers.update(dict.fromkeys(step.outputs, ends.last))
        for wire in (block.output, *outputs):
            counts[source[wire]] += 1
        output = source[block.output]
        for wire, last in makers.items():
            if wire != output:
                self._follow(last, readers[wire] if counts[wire] == 1 and wire in readers else None)
            elif counts[wire] > 1:
                self._follow(last, None)
        return Ends(
            first=readers[0] if counts[0] == 1 and 0 in readers else None,
            last=makers[output] if counts[output] == 1 and output in makers else None,
            is_identity=output == 0,
        )
