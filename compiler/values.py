"""Compile-time values: exact numbers, flags, texts, lists, layers not yet applied; and how to compute with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from resnetc.compiler import syntax
from resnetc.compiler.diagnostics import Diagnostic, Fault, Label
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import Primitive

if TYPE_CHECKING:
    from resnetc.compiler.ir import Shape
    from resnetc.compiler.modules import SpecFile

LIMIT = 2**63 - 1
MAX_LENGTH = 100_000
MAX_PARTS = 4_096  # of a layer: its steps, its arguments, and theirs
MAX_NESTED = 64  # lists and layers in each other
MAX_WRITTEN = 200  # characters of a list in a message

Value = Any  # int | Fraction | bool | str | tuple[Value, ...] | Layer | Tensor | Absent | Record | Definition


@dataclass(frozen=True, slots=True)
class Absent:
    """`none`: a branch that is not there."""


ABSENT = Absent()
Arguments = tuple[tuple[str, Any], ...]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PrimitiveLayer:
    """A primitive with some of its arguments."""

    primitive: Primitive
    arguments: Arguments
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class DefinedLayer:
    """A block or policy with some of its arguments, and the slots that the call binds inside it."""

    item: syntax.Block | syntax.Policy
    spec: SpecFile
    arguments: Arguments
    bindings: tuple[tuple[syntax.Slot, Any], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class SlotLayer:
    """A slot with some of its arguments: what it is, is decided where it is applied."""

    slot: syntax.Slot
    arguments: Arguments
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class ChainLayer:
    """`a |> b |> c`."""

    steps: tuple[Layer, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class LabelLayer:
    """A layer with the attribute path it is to be stored under."""

    path: Path
    layer: Layer
    span: Span = field(compare=False)


Layer = PrimitiveLayer | DefinedLayer | SlotLayer | ChainLayer | LabelLayer
LAYERS = (PrimitiveLayer, DefinedLayer, SlotLayer, ChainLayer, LabelLayer)


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A value that flows through the network: the `ref`-th value of the scope that is being expanded."""

    ref: int
    shape: Shape
    scope: Any


@dataclass(frozen=True, slots=True, eq=False)
class ModelValue:
    """A model with some of its arguments and slots: what an instance is made of."""

    item: syntax.Model
    spec: SpecFile
    arguments: Arguments
    bindings: tuple[tuple[syntax.Slot, Value, Span], ...]
    instances: tuple[tuple[syntax.Instance, SpecFile, int], ...]  # each with the number of bindings it sees
    span: Span


COMPOUND = (tuple, *LAYERS, ModelValue)  # values with parts


@dataclass(frozen=True, slots=True)
class Record:
    """Something with fields: `here`, or a stage in `expect`."""

    name: str
    fields: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, a file or `here`, standing for itself."""

    kind: str
    name: str
    target: Any = field(hash=False)


def describe(value: Value) -> str:
    """How a value is written in the language."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | Fraction():
            return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else str(value)
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(shortened(value))}]"
        case Absent():
            return "none"
        case PrimitiveLayer(primitive, arguments):
            return called(primitive.name, arguments)
        case DefinedLayer(item, spec, arguments):
            return called(f"{spec.name}.{item.name.id}", arguments)
        case SlotLayer(slot, arguments):
            return called(slot.name.id, arguments)
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


def called(name: str, arguments: Arguments) -> str:
    return f"{name}({', '.join(f'{k}={describe(v)}' for k, v in arguments)})" if arguments else name


def show_path(path: Path) -> str:
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def kind(value: Value) -> str:
    """The type of a value, as messages call it."""
    match value:
        case bool():
            return "a flag"
        case int():
            return "a number"
        case Fraction():
            return "a fraction"
        case str():
            return "a text"
        case tuple():
            return "a list"
        case Tensor():
            return "a tensor"
        case Absent():
            return "`none`"
        case Definition(what):
            return f"a {what}"
        case Record():
            return "a record"
        case ModelValue():
            return "a model"
        case _:
            return "a layer" if isinstance(value, LAYERS) else "a size"


def is_number(value: Value) -> bool:
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def normal(value: Fraction | int) -> int | Fraction:
    """An integral fraction is an int."""
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


def normal_size(value: Value) -> int | tuple[int, ...]:
    """One number where all axes agree: `stride == 1` holds for `[1, 1, 1]`."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value  # type: ignore[no-any-return]


def arithmetic(op: str, left: Value, right: Value, span: Span) -> Value:
    """Exact; `+` also joins lists."""
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) + len(right) > MAX_LENGTH:
            raise Fault(too_large(span))
        return left + right
    if not (is_number(left) and is_number(right)):
        odd = left if not is_number(left) else right
        raise Fault(not_numbers(op, left, right, odd, span))
    if op in "/%" and right == 0:
        raise Fault(division_by_zero(op, span))
    match op:
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "*":
            value = left * right
        case "/":
            value = Fraction(left) / right
        case _:
            value = left % right
    value = normal(value)
    if abs(value.numerator) > LIMIT or value.denominator > LIMIT:
        raise Fault(too_large(span))
    return value


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


def compare(op: str, left: Value, right: Value, span: Span) -> bool:
    """Equality on values of one kind; order on numbers."""
    if op in ("==", "!="):
        left, right = normal_size(left), normal_size(right)
        if isinstance(left, bool) != isinstance(right, bool):
            raise Fault(not_comparable(op, left, right, span))
        return COMPARISONS[op](left, right)
    if not (is_number(left) and is_number(right)):
        raise Fault(not_comparable(op, left, right, span))
    return COMPARISONS[op](left, right)


def floor_log(value: int | Fraction, base: int | Fraction) -> int:
    """The largest k with base^k <= value, exactly."""
    k, power = 0, Fraction(base)
    if value >= 1:
        while power <= value:
            k, power = k + 1, power * base
        return k
    power = Fraction(1)
    while power > value:
        k, power = k - 1, power / base
    return k


def nearest(value: int | Fraction, multiple: int, keep: int | Fraction = 0) -> int:
    """The nearest multiple (a half goes up), at least one; one more where less than `keep` of `value` is left."""
    rounded = max(multiple, floor(Fraction(value) + Fraction(multiple) / 2) // multiple * multiple)
    return rounded + multiple if rounded < keep * value else rounded


def numbers_of(arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments


def apply_function(name: str, arguments: tuple[Value, ...], span: Span) -> Value:
    """The compile-time functions."""
    try:
        value = _apply(name, arguments)
    except (TypeError, ValueError, IndexError, AttributeError):
        raise Fault(bad_arguments(name, arguments, span)) from None
    return value


def weight(value: Value, span: Span) -> int:
    """How many parts a list or a layer has, those of its parts included; a fault where they are too many or too deep.

    Shared parts count as often as they are seen: as often as a comparison or a message would look at them.
    """
    most = MAX_LENGTH if isinstance(value, tuple) else MAX_PARTS
    pending: list[tuple[int, Value]] = [(0, value)]
    count = 0
    while pending:
        depth, part = pending.pop()
        inner = parts(part)
        count += len(inner)
        if count > most or depth > MAX_NESTED:
            raise Fault(too_large(span))
        pending += [(depth + 1, p) for p in inner if isinstance(p, COMPOUND)]
    return count


def parts(value: Value) -> Sequence[Value]:
    match value:
        case tuple():
            return value
        case PrimitiveLayer(_, arguments) | SlotLayer(_, arguments):
            return [v for _, v in arguments]
        case DefinedLayer(_, _, arguments, bindings):
            return [v for _, v in (*arguments, *bindings)]
        case ModelValue(_, _, arguments, bindings):
            return [*(v for _, v in arguments), *(v for _, v, _ in bindings)]
        case ChainLayer(steps):
            return steps
        case LabelLayer(_, layer):
            return (layer,)
    return ()


def _apply(name: str, arguments: tuple[Value, ...]) -> Value:
    if name not in ("len", "repeat") and not all(is_number(a) for a in numbers_of(arguments)):
        raise TypeError
    match name, len(arguments):
        case "ceil", 1:
            return ceil(arguments[0])
        case "floor", 1:
            return floor(arguments[0])
        case "max", _:
            return max(numbers_of(arguments))
        case "min", _:
            return min(numbers_of(arguments))
        case "len", 1:
            return len(arguments[0]) if isinstance(arguments[0], tuple) else None or _refuse()
        case "range", (1 | 2):
            bounds = [a for a in arguments if isinstance(a, int)]
            if len(bounds) != len(arguments) or bounds[-1] - (bounds[0] if len(bounds) == 2 else 0) > MAX_LENGTH:
                raise TypeError
            return tuple(range(*bounds))
        case "repeat", 2:
            if not isinstance(arguments[1], int) or not 0 <= arguments[1] <= MAX_LENGTH:
                raise TypeError
            return (arguments[0],) * arguments[1]
        case "nearest", (2 | 3):
            if not isinstance(arguments[1], int) or arguments[1] < 1:
                raise TypeError
            return nearest(*arguments)
        case "floor_log", 2:
            if arguments[0] <= 0 or arguments[1] < 2:
                raise TypeError
            return floor_log(*arguments)
    raise TypeError


def _refuse() -> Any:
    raise TypeError


SIGNATURES = {
    "ceil": "ceil(number)",
    "floor": "floor(number)",
    "floor_log": "floor_log(value, base) with value > 0 and base >= 2",
    "len": "len(list)",
    "max": "max(number, ...)",
    "min": "min(number, ...)",
    "nearest": "nearest(value, multiple, keep=0)",
    "range": "range(count) or range(first, end)",
    "repeat": "repeat(value, count)",
}


def not_numbers(op: str, left: Value, right: Value, odd: Value, span: Span) -> Diagnostic:
    if isinstance(odd, LAYERS):
        help = "a layer becomes a tensor when it is applied: `in |> layer`"
    elif isinstance(odd, Tensor):
        help = "tensors are joined with `+` and `*` only"
    else:
        help = f"write a number instead of `{describe(odd)}`"
    return Diagnostic(
        "E0221",
        f"`{op}` needs numbers{' or tensors' if op in '+*' else ''}: {kind(left)} and {kind(right)}",
        Label(span, f"{describe(left)} {op} {describe(right)}"),
        helps=(help,),
    )


def division_by_zero(op: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0222",
        f"`{op}` by zero",
        Label(span, "the right side is 0"),
        helps=("give the right side another value, or refuse 0 with `require` before it",),
    )


def too_large(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0223",
        "a value grows too large",
        Label(span, "beyond the limit"),
        notes=(
            f"numbers stay below 2^63, lists have at most {MAX_LENGTH:_} elements, layers at most {MAX_PARTS:_} parts;"
            f" they nest at most {MAX_NESTED} deep",
        ),
        helps=("compute with smaller numbers, shorter lists and smaller layers",),
    )


def not_comparable(op: str, left: Value, right: Value, span: Span) -> Diagnostic:
    if op == ">" and isinstance(left, LAYERS):
        help = "layers are chained with `|>`: `>` compares numbers"
    elif op in ("==", "!="):
        help = "compare a flag with a flag: write `true` or `false`"
    else:
        help = f"write numbers on both sides of `{op}`"
    return Diagnostic(
        "E0224",
        f"`{op}` cannot compare {kind(left)} with {kind(right)}",
        Label(span, f"{describe(left)} {op} {describe(right)}"),
        helps=(help,),
    )


def bad_arguments(name: str, arguments: tuple[Value, ...], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0225",
        f"`{name}` cannot take {describe(arguments)}",
        Label(span, "in this call"),
        helps=(f"it is called as `{SIGNATURES[name]}`",),
    )
