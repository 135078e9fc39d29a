"""Compile-time values: exact numbers, booleans, strings, lists, layers; and how messages show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeGuard, overload

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.sizes.budget import number
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import Primitive

if TYPE_CHECKING:
    from resnetc.compiler.ir.shape import Shape
    from resnetc.compiler.loader.loader import SpecFile

MAX_BITS = 2**12  # of a number in a message
MAX_WRITTEN = 200  # characters of a list in a message


class Symbolic(Protocol):
    """What depends on the input's size: a later phase evaluates such values, this one passes them on."""

    kind: ClassVar[str]  # as messages call it


Number: TypeAlias = int | Fraction
Value: TypeAlias = (
    "Number | bool | str | tuple[Value, ...] | Layer | Tensor | Absent | ModelValue | Record | Definition"
    " | Symbolic | None"  # None: what the table has for a parameter that is worked out from others
)
Local: TypeAlias = "Value | dict[int, Value]"
"""What a name of a block stands for: a value, or the elements that `let name[index]` has bound so far."""
Arguments: TypeAlias = "tuple[tuple[str, Value], ...]"
"""Of a layer or a model, by the names of its parameters."""


@record(eq=True)
class Absent:
    """`none`: a branch that is not there."""


ABSENT = Absent()


@record(eq=True)
class PrimitiveLayer:
    """A primitive with some of its arguments."""

    primitive: Primitive
    arguments: Arguments
    span: Span = field(compare=False)


@record(eq=True)
class Bound:
    """A slot that a keyword of a call binds."""

    slot: syntax.Slot
    value: Layer | Absent
    span: Span = field(compare=False)


@record(eq=True)
class DefinedLayer:
    """A block or policy with some of its arguments, and the slots that the call binds inside it."""

    item: syntax.Block | syntax.Policy | syntax.Extern
    spec: SpecFile
    arguments: Arguments
    bindings: tuple[Bound, ...]
    span: Span = field(compare=False)


@record(eq=True)
class SlotLayer:
    """A slot with some of its arguments: what it is, is decided where it is applied."""

    slot: syntax.Slot
    arguments: Arguments
    span: Span = field(compare=False)


@record(eq=True)
class ChainLayer:
    """`a |> b |> c`."""

    steps: tuple[Layer, ...]
    span: Span = field(compare=False)


@record(eq=True)
class LabelLayer:
    """A layer with the attribute path it is to be stored under."""

    path: Path
    layer: Layer
    span: Span = field(compare=False)


Layer = PrimitiveLayer | DefinedLayer | SlotLayer | ChainLayer | LabelLayer
LAYERS = (PrimitiveLayer, DefinedLayer, SlotLayer, ChainLayer, LabelLayer)
LAYER_KINDS = frozenset({*LAYERS, Absent})


@record
class Tensor:
    """A value that flows through the network: the `ref`-th value of the scope that is being expanded."""

    ref: int
    shape: Shape


@record(eq=True)
class Instantiation:
    """An instance that a model was reached by."""

    item: syntax.Instance
    spec: SpecFile
    bound: int  # how many of the model's bindings it sees


@record
class ModelValue:
    """A model with some of its arguments and slots: what an instance is made of."""

    item: syntax.Model
    spec: SpecFile
    arguments: Arguments
    bindings: tuple[Bound, ...]
    instances: tuple[Instantiation, ...]  # from the innermost on
    span: Span


COMPOUND = frozenset({tuple, *LAYERS, ModelValue})  # types of values with parts


@record(eq=True)
class Record:
    """Something with fields, and no value itself: a stage in `expect`, or the output."""

    name: str
    fields: Mapping[str, Value] = field(hash=False)


@record(eq=True)
class Here:
    """Where a block stands: in its stage (`index` of `count`) and in the net (`position` of `total`)."""

    index: int
    count: int
    position: int
    total: int


@record(eq=True)
class Definition:
    """A function, a file or `here`, standing for itself."""

    kind: str
    name: str
    target: str | SpecFile | Here = field(hash=False)


def describe(value: Value) -> str:
    """How a value is written in the language."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return number(value, MAX_BITS)
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(shortened(value))}]"
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case Absent():
            return "none"
        case PrimitiveLayer(primitive, arguments):
            return format_call(primitive.name, arguments)
        case DefinedLayer(item, spec, arguments):
            return format_call(f"{spec.name}.{item.name.id}", arguments)
        case SlotLayer(slot, arguments):
            return format_call(slot.name.id, arguments)
        case ChainLayer(steps):
            return " |> ".join(describe(s) for s in steps)
        case LabelLayer(path, layer):
            return f"{show_path(path)}: {describe(layer)}"
        case Tensor():
            return "a tensor"
        case Record(name) | Definition(_, name):
            return name
        case ModelValue(model):
            return model.name.id
        case _:
            return str(value)


def shortened(values: tuple[Value, ...]) -> Iterator[str]:
    """The elements of a list, as far as a line has room for them."""
    written = 0
    for value in values:
        if written > MAX_WRITTEN:
            yield "..."
            return
        text = describe(value)
        written += len(text)
        yield text


def format_call(name: str, arguments: Arguments) -> str:
    return f"{name}({', '.join(f'{k}={describe(v)}' for k, v in arguments)})" if arguments else name


def kind(value: Value) -> str:
    """The type of a value, as messages call it."""
    match value:
        case bool():
            return "a bool"
        case int():
            return "a number"
        case Fraction():
            return "a fraction"
        case str():
            return "a string"
        case tuple():
            return "a list"
        case Tensor():
            return "a tensor"
        case Absent() | None:
            return "`none`"
        case Definition(what):
            return f"a {what}"
        case Record():
            return "something with fields"
        case ModelValue():
            return "a model"
        case _:
            return "a layer" if isinstance(value, LAYERS) else value.kind


def is_number(value: object) -> TypeGuard[Number]:
    return type(value) is int or type(value) is Fraction  # `isinstance` of a Fraction asks its abstract bases first


def normal(value: Number) -> Number:
    """An integral fraction is an int."""
    return int(value) if type(value) is Fraction and value.denominator == 1 else value


@overload
def normal_size(value: tuple[int, ...]) -> int | tuple[int, ...]: ...
@overload
def normal_size(value: Value) -> Value: ...
def normal_size(value: Value) -> Value:
    """One number where all axes agree: `stride == 1` holds for `[1, 1, 1]`."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
