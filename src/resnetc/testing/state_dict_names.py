"""Derives the keys of a state dict from the text of a network, by the six rules of docs/language.md and nothing else.

This is an independent implementation of the naming rules. Values, the chosen cases of policies and the bindings of
slots are taken from the compiler; names and their order are derived again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import as_layer
from resnetc.compiler.evaluation.values import (
    ABSENT,
    Absent,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    Layer,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
)
from resnetc.compiler.expansion.choices import Decision
from resnetc.compiler.expansion.equal_blocks import EqualBlocks
from resnetc.compiler.expansion.externs import make_leaf
from resnetc.compiler.expansion.interpreter import Interpreter
from resnetc.compiler.expansion.leaves import list_tensors, require_tensor
from resnetc.compiler.expansion.request import Origin
from resnetc.compiler.expansion.stages import BlockGroup, Stages, drop_first_values
from resnetc.compiler.expansion.tensor_operators import TensorOperators
from resnetc.compiler.ir.network import Condition, Leaf, Network
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.measures.summary import list_state_entries
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

Keys = tuple[Path, ...]
GIVES_LIST = ("split", "list_same")
USERS_OWN = "*"  # stands for all keys of a module of the user's own, which only its class knows


def read_keys(origin: Origin, network: Network) -> list[str]:
    """The keys of the state dict, in their order."""
    reader = Reader(origin)
    return [".".join(map(str, key)) for key in reader.model(network.root.shape_in)]


@dataclass(frozen=True, slots=True)
class Applied:
    """A layer that was applied in a block: where it is stored, its keys below that, the values it was applied to."""

    path: Path
    keys: Keys
    inputs: tuple[int, ...]
    time: int


@dataclass(slots=True)
class Flow:
    """What a block does, in the order of its text. Value 0 is `in`."""

    applied: list[Applied] = field(default_factory=list)
    values: list[int] = field(default_factory=lambda: [-1])  # by which of the applied layers each is made
    bound: dict[Path, int] = field(default_factory=dict)  # labels of layers that `let` names, and when it did
    time: int = 0

    def tick(self) -> int:
        self.time += 1
        return self.time

    def needed(self, out: int) -> set[int]:
        """The applied layers that lead to a value; the others are left out."""
        needed_layers: set[int] = set()
        pending = [out]
        while pending:
            number = self.values[pending.pop()]
            if number >= 0 and number not in needed_layers:
                needed_layers.add(number)
                pending.extend(self.applied[number].inputs)
        return needed_layers

    def keys(self, out: Tensor) -> Keys:
        """Rule 5: the order of the text, and a container where its first keys stand."""
        layers = [self.applied[i] for i in self.needed(out.ref)]
        root: dict[Any, Any] = {}
        for one in sorted(layers, key=self.place):
            for key in one.keys:
                node = root
                for part in (*one.path, *key):
                    node = node.setdefault(part, {})
        return tuple(leaves(root))

    def place(self, one: Applied) -> tuple[int, ...]:
        """A parameter of the scope comes first; then when the labels come that it is stored under, and that `let`
        names; then when it is applied."""
        starts = (one.path[:i] for i in range(1, len(one.path) + 1))
        return (int(one.keys != ((),)), *(self.bound[start] for start in starts if start in self.bound), one.time)


def stored_in(leaf: Leaf) -> Keys:
    """The keys of a primitive below its path: none where it is itself a parameter."""
    return tuple((key,) if key else () for key, _, _ in list_state_entries(leaf))


def leaves(node: dict[Any, Any]) -> Iterator[Path]:
    for part, inner in node.items():
        if inner:
            yield from ((part, *rest) for rest in leaves(inner))
        else:
            yield (part,)


@dataclass(slots=True)
class Names:
    """A block scope: names layers that are applied in it. Those below a policy's label are a part of one."""

    flow: Flow
    prefix: Path = ()
    constraints: list[Condition] = field(default_factory=list)
    wires: tuple[()] = ()
    steps: tuple[()] = ()
    numbers: tuple[()] = ()
    ordinals: Counter[str] = field(default_factory=Counter)
    named: bool = False  # whether something with keys was applied in this part
    outer: Names | None = None  # what it is a part of

    def name_parts(self) -> None:
        self.named = True
        if self.outer is not None:
            self.outer.name_parts()

    def unlabelled(self, attribute: str) -> Path:
        """Rule 4: `#` counts the unlabelled steps of an attribute."""
        name, counts, start = attribute.partition("#")
        self.ordinals[attribute] += 1
        return (f"{name}{self.ordinals[attribute] - bool(start)}" if counts else name,)

    def blocks(self, stage: Path, text: str | None, count: int) -> list[Path]:
        """Rule 1: where the blocks of a stage are, by its string."""
        if not text:
            return [stage] if text == "" else [(*stage, str(i)) for i in range(count)]
        *above, last = text.split(".")
        base = tuple(int(part) if part.isdigit() else part for part in above) or stage
        name, number = last.partition("#")[0], last.find("#")
        if number < 0:
            return [(*base, int(name) if name.isdigit() else name)]
        if number == 0:
            inside = (one.path[len(base)] for one in self.flow.applied if one.path[: len(base)] == base)
            first = max((part for part in inside if isinstance(part, int)), default=-1) + 1
            return [(*base, first + i) for i in range(count)]
        shared = f"{base}{name}"
        first = self.ordinals.get(shared, 0 if last.endswith("#0") else 1)  # later on, where the last one ended
        self.ordinals[shared] = first + count
        return [(*base, f"{name}{n}") for n in range(first, first + count)]

    def store(self, path: Path, keys: Keys, inputs: list[Tensor], shapes: tuple[Shape, ...]) -> list[Tensor]:
        flow = self.flow
        if keys:
            self.name_parts()
        number = len(flow.applied)
        flow.applied.append(Applied((*self.prefix, *path), keys, tuple(t.ref for t in inputs), flow.tick()))
        values = [Tensor(len(flow.values) + i, shape) for i, shape in enumerate(shapes)]
        flow.values.extend(number for _ in shapes)
        return values

    def join(self, operation: object, inputs: list[Tensor], shape: Shape, span: Span) -> Tensor:
        return self.store((), (), inputs, (shape,))[0]

    def reserve_label(self, path: Path, span: Span) -> None:
        self.flow.bound.setdefault((*self.prefix, *path), self.flow.tick())

    def name(self, tensor: Tensor, name: str) -> None:
        """What `let` calls a tensor has no part in its keys."""


@dataclass(frozen=True, slots=True)
class Read:
    """A module: its keys, its output, the tensor it starts at; of a block also the fields of `here` that it reads."""

    keys: Keys
    shape_out: Shape
    start: Tensor
    here: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """The steps that a slot or policy stands for, and the tensor they start at."""

    source: Tensor
    steps: list[tuple[Layer, Frame]]


class Reader:
    """Reads the names of one network."""

    def __init__(self, origin: Origin) -> None:
        self.request = origin.request
        interpreter = Interpreter(origin.prelude, origin.homes, origin.request.arguments_span)
        self.evaluator, self.leaves = interpreter.evaluator, interpreter.leaves
        self.statements, self.frames, self.choices = interpreter.statements, interpreter.frames, interpreter.choices
        self.blocks: EqualBlocks[Read] = EqualBlocks(self.evaluator)  # one reading for all equal ones
        TensorOperators(self.evaluator, self)

    def model(self, shape: Shape) -> Keys:
        frame, model = self.frames.build_model_frame(self.request), self.request.model.item
        names = frame.scope = Names(Flow())
        begun = self.apply(self.evaluator.layer(model.stem, frame), Tensor(0, shape), frame, model.stem.span)
        current = require_tensor(begun, model.stem.span)
        plan = Stages(self.evaluator, model, frame)
        for stage, groups in plan.stages:
            blocks = self.stage(plan, groups, current, frame)
            text = None if stage.pattern is None else stage.pattern.value
            paths = names.blocks(self.evaluator.path(stage.path, frame), text, len(blocks))
            for path, read in zip(paths, blocks, strict=True):
                (current,) = names.store(path, read.keys, [current], (read.shape_out,))
        ended = self.apply(self.evaluator.layer(model.head, frame), current, frame, model.head.span)
        return names.flow.keys(current if isinstance(ended, Absent) else require_tensor(ended, model.head.span))

    def stage(self, plan: Stages, groups: list[BlockGroup], source: Tensor, frame: Frame) -> list[Read]:
        """Rule 1: a stage is the sequence of its blocks."""
        inner = Frame(frame.spec, frame.slots, locals=dict(frame.locals), here=None, scope=frame.scope, axes=frame.axes)
        blocks: list[Read] = []
        current = source
        for index, layer in enumerate(plan.iterate_blocks(groups, inner)):
            read = self.read(layer if index == 0 else drop_first_values(layer), current, inner)
            assert isinstance(read, Read)
            blocks.append(read)
            current = Tensor(-1, read.shape_out)
        return blocks

    # -- in a block scope ---------------------------------------------------------------------------------------------

    def apply(self, layer: Layer | Absent, tensor: Value, frame: Frame, span: Span, label: Any = None) -> Value:
        if isinstance(layer, Absent) or isinstance(tensor, Absent):
            return ABSENT
        names = frame.scope
        assert isinstance(names, Names)  # where tensors are
        attribute = ""
        match layer:
            case LabelLayer(path, inner):  # rule 2
                return self.apply(inner, tensor, frame, span, path)
            case ChainLayer(steps) if label is None:  # rule 1: parentheses alone make nothing
                for step in steps:
                    tensor = self.apply(step, tensor, frame, step.span)
                return tensor
            case PrimitiveLayer(primitive):
                inputs = list_tensors(layer, tensor, span)
                leaf = self.leaves.build_leaf(layer, tuple(t.shape for t in inputs), frame)
                path = label or names.unlabelled(primitive.attribute)
                values = names.store(path, stored_in(leaf), inputs, leaf.outputs)
                return tuple(values) if primitive.rule in GIVES_LIST else values[0]
            case SlotLayer(slot):
                attribute = slot.attribute
            case DefinedLayer(item):
                attribute = item.name.id
        source = require_tensor(tensor, span)
        if label is None and not attribute:  # rule 4: its steps are named in the scope around it
            opened = self.spread(layer, source, frame)
            if isinstance(opened, Absent):
                return ABSENT
            value: Value = opened.source
            for step, inner_frame in opened.steps:
                if len(opened.steps) == 1 and isinstance(step, DefinedLayer) and isinstance(step.item, syntax.Block):
                    return self.body(step, step.item, opened.source, inner_frame, names)
                value = self.apply(step, value, inner_frame, step.span)
            return value
        path = label or names.unlabelled(attribute)
        read = self.read(layer, source, replace(frame, scope=Names(names.flow, (*names.prefix, *path), outer=names)))
        if isinstance(read, Absent):
            return ABSENT
        return names.store(path, read.keys, [read.start], (read.shape_out,))[0]

    # -- modules ------------------------------------------------------------------------------------------------------

    def read(self, layer: Layer, source: Tensor, frame: Frame) -> Read | Absent:
        """What a layer is as a module."""
        match layer:
            case PrimitiveLayer():
                leaf = self.leaves.build_leaf(layer, (source.shape,), frame)
                return Read(stored_in(leaf), leaf.shape_out, source)
            case DefinedLayer(syntax.Extern()):
                leaf = make_leaf(layer, source, frame, self.frames, self.leaves)
                return Read(((USERS_OWN,),), leaf.shape_out, source)
            case DefinedLayer(syntax.Block()):
                block = self.blocks.get(layer, source.shape, frame, partial(self.block, layer, source.shape, frame))
                return Read(block.keys, block.shape_out, source)
        opened = self.spread(layer, source, frame)
        if isinstance(opened, Absent):
            return ABSENT
        if len(opened.steps) == 1 and not isinstance(opened.steps[0][0], LabelLayer):  # rule 1: it is that step
            return self.read(opened.steps[0][0], opened.source, opened.steps[0][1])
        return self.sequence(opened, frame)

    def sequence(self, opened: Opened, frame: Frame) -> Read | Absent:
        """Rule 3: a step is called by its position, unless it has a label."""
        keys: list[Path] = []
        position, current = 0, opened.source
        pending = opened.steps[::-1]
        while pending:
            layer, inner = pending.pop()
            if isinstance(layer, SlotLayer) and not layer.slot.attribute:
                within = self.spread(layer, current, inner)
                if isinstance(within, Absent):
                    return ABSENT
                pending += within.steps[::-1]
                continue
            name = str(position)
            if isinstance(layer, LabelLayer):
                (name, layer) = (str(layer.path[0]), layer.layer)
            read = self.read(layer, current, inner)
            if isinstance(read, Absent):
                return ABSENT
            keys += [(name, *key) for key in read.keys]
            position, current = position + 1, Tensor(-1, read.shape_out)
        return Read(tuple(keys), current.shape, opened.source)

    def spread(self, layer: Layer, source: Tensor, frame: Frame) -> Opened | Absent:
        """The steps that a layer is made of."""
        match layer:
            case SlotLayer():
                value, inner = self.choices.resolve(layer, source, frame)
                return ABSENT if isinstance(value, Absent) else self.spread(value, source, inner)
            case DefinedLayer(syntax.Policy()):
                return self.case(self.choices.decide(layer, source, frame), source)
            case ChainLayer(steps):
                return Opened(source, [(step, frame) for step in steps])
        return Opened(source, [(layer, frame)])

    def case(self, decision: Decision, source: Tensor) -> Opened | Absent:
        """Rule 1: a chain, unless layers are applied before a `+` or `*`: those are named as in a block."""
        expr, frame = decision.case, decision.frame
        first, *rest = self.choices.flatten_pipe(expr, frame)
        value = self.evaluator.evaluate(first, frame)
        if isinstance(value, Absent):
            return ABSENT
        layers = [self.evaluator.layer(step, frame) for step in rest]
        if not isinstance(value, Tensor):
            layers = [as_layer(value, first.span), *layers]
        elif isinstance(frame.scope, Names) and frame.scope.named:
            for layer in layers:
                value = self.apply(layer, value, frame, expr.span)
            return ABSENT if isinstance(value, Absent) else Opened(require_tensor(value, expr.span), [])
        else:
            source = value
        steps: list[tuple[Layer, Frame]] = []
        for layer in layers:
            if isinstance(layer, Absent):
                return ABSENT
            steps += [(one, frame) for one in (layer.steps if isinstance(layer, ChainLayer) else (layer,))]
        return Opened(source, steps)

    def block(self, layer: DefinedLayer, shape: Shape, frame: Frame) -> Read:
        """A block, with names of its own."""
        names = Names(Flow())
        assert isinstance(layer.item, syntax.Block)
        out = self.body(layer, layer.item, Tensor(0, shape), frame, names)
        return Read(names.flow.keys(out), out.shape, out, frozenset(self.evaluator.reads))

    def body(self, layer: DefinedLayer, block: syntax.Block, source: Tensor, frame: Frame, names: Names) -> Tensor:
        """What a block makes of a tensor; its layers are named in a scope, which is that around it or its own."""
        inner = self.frames.build_definition_frame(layer, source, frame, names)
        for statement in block.body:
            self.statements.statement(statement, inner)
        out = self.evaluator.evaluate(block.out, inner)
        assert isinstance(out, Tensor)
        return out
