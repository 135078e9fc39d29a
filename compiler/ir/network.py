"""The expanded network: a tree of modules with concrete numbers, symbolic sizes and spans. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.paths import Arguments, Constant, Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.sizes import SizeFn, SizeSet
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import Primitive


@record
class Condition:
    """What an operation demands on one axis: `fn >= k`, `fn` a multiple of k, `fn` in a set, or `fn == other`."""

    kind: Literal["at_least", "multiple", "within", "equal"]
    axis: int
    fn: SizeFn
    other: SizeFn | SizeSet | int
    span: Span
    text: str
    step: int | None = None  # the addition that demands it, for the blame


@record(eq=True)
class Extent:
    """How much a module is: the blocks and operations in it, as often as they occur; and whether it has keys.

    It is added up when the module is made. Blocks in each other double with every level, so nothing may walk through
    all of them in order to ask.
    """

    blocks: int
    operations: int
    keeps_state: bool


Join = Literal["+", "-", "*"]
"""What two values of a dataflow become one by."""

PLAIN, KEEPING = Extent(0, 1, False), Extent(0, 1, True)


def sum_extents(extents: Iterable[Extent], blocks: int = 0) -> Extent:
    """What holds these, and is so many blocks itself."""
    operations, keeps_state = 0, False
    for extent in extents:
        blocks += extent.blocks
        operations += extent.operations
        keeps_state |= extent.keeps_state
    return Extent(blocks, operations, keeps_state)


@record
class External:
    """What a spec says of an operation that is the user's own Python class; None where it does not say."""

    definition: syntax.Extern
    module: str
    name: str  # of the class in it, which may be dotted
    sizes: tuple[SizeFn, ...]  # of what it gives, each by the size on the same axis of what it gets
    conditions: tuple[Condition, ...]
    parameters: int | None
    buffers: int | None
    multiply_adds: Mapping[tuple[SizeFn, ...], int] | None  # by the sizes that it gets
    window: tuple[int, ...] | None


@record
class Leaf:
    """A primitive, or a class of the user's own (`external`), with all its arguments."""

    primitive: Primitive
    arguments: Arguments
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    span: Span
    external: External | None = None
    interning_key: Leaf | None = field(default=None, repr=False)  # the first of a run that differs in its place alone
    by_name: Mapping[str, Constant] = field(init=False, repr=False)  # the arguments
    extent: Extent = field(init=False, repr=False)

    def __post_init__(self) -> None:
        equal = self.interning_key
        assert equal is None or equal.arguments is self.arguments
        object.__setattr__(self, "by_name", dict(self.arguments) if equal is None else equal.by_name)
        object.__setattr__(self, "extent", measure_leaf(self) if equal is None else equal.extent)

    @property
    def shape_in(self) -> Shape:
        return self.inputs[0]

    @property
    def shape_out(self) -> Shape:
        return self.outputs[0]

    @property
    def has_parameters(self) -> bool:
        """Whether it learns: a fixed filter does not, nor a norm without weight and bias."""
        if self.primitive.state in ("", "filter"):
            return False
        return self.external is not None or self.by_name.get("affine") is not False

    @property
    def is_parameter(self) -> bool:
        """Whether it is a parameter of the block that it stands in, and no module."""
        return self.primitive.state == "parameter"

    def get_argument(self, name: str) -> Constant:
        return self.by_name[name]

    def get_integer(self, name: str) -> int:
        """An argument that is one number."""
        value = self.get_argument(name)
        assert isinstance(value, int)  # by its type in the table
        return value

    def get_integers(self, name: str) -> tuple[int, ...]:
        """An argument that is a list of numbers."""
        value = self.get_argument(name)
        assert isinstance(value, tuple)  # by its type in the table
        return tuple(number for number in value if isinstance(number, int))


def measure_leaf(leaf: Leaf) -> Extent:
    return KEEPING if leaf.has_parameters or leaf.primitive.state == "batch_norm" else PLAIN


@record
class Sequence:
    """Modules one after the other. `origin` is the policy or slot whose case it is, None for a labelled chain."""

    children: tuple[tuple[str, Module], ...]
    shape_in: Shape
    shape_out: Shape
    origin: syntax.Policy | syntax.Slot | None
    parameters: tuple[tuple[str, object], ...]  # values of the language, by their names
    span: Span
    extent: Extent = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", sum_extents([child.extent for _, child in self.children]))

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return (self.shape_in,)

    @property
    def outputs(self) -> tuple[Shape, ...]:
        return (self.shape_out,)


@record
class Step:
    """One line of a dataflow program: `operation` is a module, or `+`, `-` or `*` of two values.

    What an operator makes of one value and a number is a leaf without a path.
    """

    path: Path
    operation: Module | Join
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    span: Span
    slot: str | None = None
    base: str | None = None  # an unlabelled step's attribute without its ordinal: what equal stateless steps share
    members: tuple[Path, ...] = ()  # where the modules of a sequence stand that is no module itself
    remark: str = ""  # the documentation of a block that is written out from here on

    @property
    def stores(self) -> tuple[tuple[Path, Module], ...]:
        """The modules that the step stores, each with its path: none for what an operator does."""
        if isinstance(self.operation, str) or not self.path:
            return ()
        if not self.members:
            return ((self.path, self.operation),)
        assert isinstance(self.operation, Sequence)
        return tuple(zip(self.members, (child for _, child in self.operation.children), strict=True))

    @property
    def extent(self) -> Extent:
        return PLAIN if isinstance(self.operation, str) else self.operation.extent

    def replace_wires(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Step:
        """The same step with other wires: `dataclasses.replace`, at a third of its price."""
        return Step(
            path=self.path,
            operation=self.operation,
            inputs=inputs,
            outputs=outputs,
            span=self.span,
            slot=self.slot,
            base=self.base,
            members=self.members,
            remark=self.remark,
        )


@record
class Wire:
    """A value of a dataflow program: its shape, the step that makes it, and the name that `let` gave it."""

    shape: Shape
    step: int | None
    name: str | None


@record
class NamedNumber:
    """A number, or one for each axis, that a block has a name for: its parameter, or a `let`."""

    name: str
    type: str  # of the parameter; a `let` is an `int` or a `bool`
    value: Constant


@record
class ExpandedBlock:
    """A block (or the model) expanded for given arguments: wire 0 is `in`. Equal occurrences share one."""

    definition: syntax.Block | syntax.Model
    steps: tuple[Step, ...]
    wires: tuple[Wire, ...]
    output: int
    order: tuple[Path, ...]  # of registration
    numbers: tuple[NamedNumber, ...]
    conditions: tuple[Condition, ...]
    here: frozenset[str]  # which fields of `here` decided something inside
    extent: Extent = field(init=False)
    leaves: tuple[Leaf, ...] | None = field(init=False, repr=False)  # below it, once `distinct_leaves` has been asked

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", None)
        object.__setattr__(self, "extent", sum_extents([step.extent for step in self.steps], blocks=1))

    def reads_input(self, ref: int) -> bool:
        """Whether a wire is the input, or came from it through operations that leave the channels alone."""
        while (number := self.wires[ref].step) is not None:
            step = self.steps[number]
            if not isinstance(step.operation, Leaf) or step.operation.primitive.rule not in (
                "same",
                "map",
                "over_positions",
                "groups",
                "pool",
                "blur",
            ):
                return False
            ref = step.inputs[0]
        return ref == 0

    @property
    def shape_in(self) -> Shape:
        return self.wires[0].shape

    @property
    def shape_out(self) -> Shape:
        return self.wires[self.output].shape

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return (self.shape_in,)

    @property
    def outputs(self) -> tuple[Shape, ...]:
        return (self.shape_out,)

    @property
    def span(self) -> Span:
        return self.definition.name.span


Module = Leaf | Sequence | ExpandedBlock


def list_leaves(part: Module) -> tuple[Leaf, ...]:
    """Every operation of a network or a part of it, those of equal blocks once. Each lint asks this of the network."""
    if not isinstance(part, ExpandedBlock):
        return collect_leaves(part)
    if part.leaves is None:
        object.__setattr__(part, "leaves", collect_leaves(part))
    return part.leaves or ()


def collect_leaves(part: Module) -> tuple[Leaf, ...]:
    """Walks through every distinct module once, in the order of their first occurrence."""
    leaves: list[Leaf] = []
    visited: set[int] = set()
    pending: list[Module] = [part]
    while pending:
        module = pending.pop()
        if id(module) in visited:
            continue
        visited.add(id(module))
        if isinstance(module, Leaf):
            leaves.append(module)
        elif isinstance(module, Sequence):
            pending += [child for _, child in reversed(module.children)]
        else:
            pending += [step.operation for step in reversed(module.steps) if not isinstance(step.operation, str)]
    return tuple(leaves)


@record
class Stage:
    """A stage of the network: what it is called, how many blocks it has, and the line that says so.

    Its path is that of its module, unless its step has `members`.
    """

    name: str
    path: Path
    step: int  # of the model
    blocks: int
    span: Span


@record
class InputCondition:
    """What a spec demands of the input's size on one axis, behind `when`."""

    axis: int
    sizes: SizeSet
    span: Span


@record
class InputSpec:
    """The input as declared: symbols of the axes, the example sizes, the condition behind `when`."""

    channels: int
    symbols: tuple[str | None, ...]
    sizes: tuple[int, ...]
    span: Span
    conditions: tuple[InputCondition, ...] = ()
    condition: Span | None = None  # of all that stands behind `when`


@record
class StatedClaim:
    """An `expect` line, and what the names in it stand for: a frame, which only the evaluation looks into."""

    expect: syntax.Expect
    frame: object


@record
class Network:
    """One network: a model with all its parameters known."""

    name: str
    model: str
    root: ExpandedBlock
    stages: tuple[Stage, ...]
    input: InputSpec
    expects: tuple[StatedClaim, ...]
    parameters: tuple[tuple[str, object], ...]  # values of the language, by their names
    doc: str
    comments: str  # its own and those of what it is made of: how the words of its name are written
    overridden_bindings: tuple[str, ...] = ()
    features: bool = False  # without a head: the output is the maps of the stages, by name
    rebound_slots: tuple[str, ...] = ()  # slots that an instance or `--set` binds: claims were made for other ones
    counts_channels: bool = True  # whether something was worked out from the channels of the input

    def __repr__(self) -> str:
        """Short, for it is printed and part of what fails: the whole tree is many screens."""
        axes = (symbol or size for symbol, size in zip(self.input.symbols, self.input.sizes, strict=True))
        return f"<Network {self.name}: [{', '.join(map(str, (self.input.channels, *axes)))}]>"
