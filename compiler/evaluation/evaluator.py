"""Evaluates expressions at compile time: numbers, choices, fields, layers with their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.arithmetic import arithmetic, compare, weight
from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import (
    ABSENT,
    LAYERS,
    Absent,
    ChainLayer,
    DefinedLayer,
    Definition,
    LabelLayer,
    Layer,
    ModelValue,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    describe,
    is_number,
    normal_size,
)
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.record import record
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import CONSTANTS, FUNCTIONS, PRIMITIVES

MAX_WORK = 200_000
MAX_NESTED = 32
PARTS_A_STATEMENT = 25  # parts of lists and layers that cost as much to look at as a statement costs to run


@record(eq=True)
class Here:
    """Where a block stands: in its stage (`index` of `count`) and in the net (`position` of `total`)."""

    index: int
    count: int
    position: int
    total: int


@dataclass(slots=True, eq=False)
class Frame:
    """What a piece of text sees: its names, its file, the slots in force, where it stands, what it builds."""

    spec: SpecFile
    slots: Slots
    locals: dict[str, Value] = field(default_factory=dict)
    here: Here | None = None
    scope: Any = None
    axes: frozenset[str] = frozenset()  # parameters of type `size`: an index picks an axis
    fallback: SpecFile | None = None  # where `--set` values look besides their own file
    rounds: tuple[str, ...] = ()  # of claims: the variables of the `each` around them


class Evaluator:
    """Evaluates in frames. `apply` (of a layer to a tensor) and the operators on tensors come from the expander."""

    def __init__(self, prelude: SpecFile) -> None:
        self.prelude = prelude
        self.reads: set[str] = set()
        self.work = 0  # statements run and parts of values looked at
        self.depth = 0  # of definitions in each other
        self._handlers: dict[type, Callable[[Any, Frame], Value]] = {
            syntax.Number: lambda e, f: e.value,
            syntax.String: lambda e, f: e.value,
            syntax.Name: self.name,
            syntax.List: lambda e, f: self.weighed(tuple(self.evaluate(i, f) for i in e.items), e.span),
            syntax.Attribute: self.attribute,
            syntax.Index: self.index,
            syntax.Call: self.call,
            syntax.Negate: lambda e, f: arithmetic("-", 0, self.evaluate(e.value, f), e.span),
            syntax.Binary: self.binary,
            syntax.Pipe: self.pipe,
            syntax.Labelled: self.labelled,
            syntax.Choice: self.choice,
        }

    def charge(self, work: int, span: Span) -> None:
        """Counts work; a fault where a network takes too much of it."""
        self.work += work
        if self.work > MAX_WORK:
            raise Fault(errors.too_much_work(span, MAX_WORK))

    def weighed(self, value: Value, span: Span) -> Value:
        """A list or a layer, unless it has too many parts."""
        self.charge(weight(value, span) // PARTS_A_STATEMENT, span)
        return value

    @contextmanager
    def inside(self, span: Span) -> Iterator[None]:
        """One definition further in; a fault where they are too many, or use up Python's stack together."""
        self.depth += 1
        try:
            if self.depth > MAX_NESTED:
                raise Fault(errors.nested_too_deep(span, MAX_NESTED))
            yield
        except RecursionError:
            raise Fault(errors.nested_too_deep(span, MAX_NESTED)) from None
        finally:
            self.depth -= 1

    def evaluate(self, expr: syntax.Expr, frame: Frame) -> Value:
        return self._handlers[type(expr)](expr, frame)

    def apply(self, layer: Value, tensor: Value, frame: Frame, span: Span) -> Value:
        raise NotImplementedError

    def call(self, expr: syntax.Call, frame: Frame) -> Value:
        raise NotImplementedError

    def combine(self, op: str, left: Value, right: Value, expr: syntax.Binary, frame: Frame) -> Value:
        raise NotImplementedError

    # -- names --------------------------------------------------------------------------------------------------------

    def name(self, expr: syntax.Name, frame: Frame) -> Value:
        id = expr.id
        if id in frame.locals:
            value = frame.locals[id]
            return self.gathered(value, expr) if isinstance(value, dict) else value
        for spec in (frame.spec, frame.fallback):
            if spec is not None and id in spec.tree.broken:
                raise Silent()
            if spec is not None and id in spec.names:
                return self.defined(spec.names[id], spec, expr.span)
        if id in self.prelude.names and isinstance(slot := self.prelude.names[id], syntax.Slot):
            return SlotLayer(slot, (), expr.span)
        if id in PRIMITIVES:
            return PrimitiveLayer(PRIMITIVES[id], (), expr.span)
        if id in FUNCTIONS:
            return Definition("function", id, id)
        if id in CONSTANTS:
            return self.constant(expr, frame)
        raise Fault(errors.unknown_name(expr.id, expr.span, self.visible(frame)))

    def gathered(self, value: dict[int, Value], expr: syntax.Expr) -> tuple[Value, ...]:
        """All elements of a `let name[index]`, in order of their index."""
        if sorted(value) != list(range(len(value))):
            raise Fault(errors.missing_elements(expr.span, sorted(value)))
        return tuple(value[i] for i in range(len(value)))

    def constant(self, expr: syntax.Name, frame: Frame) -> Value:
        if expr.id == "here":
            if frame.here is None:
                raise Fault(errors.here_outside(expr.span))
            return Definition("place", "here", frame.here)
        return {"true": True, "false": False, "none": ABSENT}[expr.id]

    def defined(self, item: Any, spec: SpecFile, span: Span) -> Value:
        match item:
            case SpecFile():
                return Definition("file", item.name, item)
            case syntax.Slot():
                return SlotLayer(item, (), span)
            case syntax.Model():
                return ModelValue(item, spec, (), (), (), span)
            case syntax.Instance():
                return self.instance(item, spec)
            case syntax.Extern():
                raise Fault(errors.extern_here(span))
            case _:
                return DefinedLayer(item, spec, (), (), span)

    def instance(self, item: syntax.Instance, spec: SpecFile) -> ModelValue:
        """The model that an instance names, with its arguments."""
        with self.inside(item.name.span):
            value = self.evaluate(item.value, Frame(spec, Slots({})))
        if not isinstance(value, ModelValue):
            raise Fault(errors.not_a_model(item, value))
        return ModelValue(
            value.item,
            value.spec,
            value.arguments,
            value.bindings,
            (*value.instances, (item, spec, len(value.bindings))),
            item.name.span,
        )

    def visible(self, frame: Frame) -> list[str]:
        slots = [n for n, item in self.prelude.names.items() if isinstance(item, syntax.Slot)]
        return [*frame.locals, *frame.spec.names, *slots, *PRIMITIVES, *FUNCTIONS, *CONSTANTS]

    def attribute(self, expr: syntax.Attribute, frame: Frame) -> Value:
        return self.field(self.part(expr.value, frame), expr)

    def part(self, expr: syntax.Expr, frame: Frame) -> Value:
        """What a field or an element is taken of."""
        return self.evaluate(expr, frame)

    def field(self, value: Value, expr: syntax.Attribute) -> Value:
        """`value.name`."""
        name = expr.name.id
        match value:
            case Tensor(_, shape):
                if name in ("channels", "rank"):
                    return getattr(shape, name)
                raise Fault(errors.no_field("a tensor", name, expr.name.span, ["channels", "rank"]))
            case Definition("place", _, Here() as here):
                names = [field.name for field in fields(Here)]
                if name not in names:
                    raise Fault(errors.no_field("`here`", name, expr.name.span, names))
                self.reads.add(name)
                return getattr(here, name)
            case Definition("file", file, SpecFile() as spec):
                item = spec.names.get(name)
                if item is not None and not isinstance(item, SpecFile):
                    return self.defined(item, spec, expr.span)
                if name in spec.tree.broken:
                    raise Silent()
                items = [n for n, i in spec.names.items() if not isinstance(i, SpecFile)]
                raise Fault(errors.not_in_file(name, expr.name.span, file, items))
        raise Fault(errors.no_fields(value, name, expr.span))

    def index(self, expr: syntax.Index, frame: Frame) -> Value:
        index = self.integer(expr.index, frame)
        if isinstance(expr.value, syntax.Name) and isinstance(frame.locals.get(expr.value.id), dict):
            elements = frame.locals[expr.value.id]
            if index not in elements:
                raise Fault(errors.no_element(expr.value.id, index, sorted(elements), expr.span))
            return elements[index]
        value = self.part(expr.value, frame)
        if isinstance(expr.value, syntax.Name) and expr.value.id in frame.axes and isinstance(value, int):
            return value
        return self.element(value, index, expr)

    def element(self, value: Value, index: int, expr: syntax.Index) -> Value:
        """`value[index]`."""
        if not isinstance(value, tuple):
            raise Fault(errors.not_a_list(value, expr.value.span))
        if not 0 <= index < len(value):
            raise Fault(errors.no_element(expr.value.span.text, index, list(range(len(value))), expr.span))
        return value[index]

    # -- operators ----------------------------------------------------------------------------------------------------

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        op = expr.op
        if op in ("and", "or"):
            left = self.flag(expr.left, frame)
            return left if left == (op == "or") else self.flag(expr.right, frame)
        left, right = self.evaluate(expr.left, frame), self.evaluate(expr.right, frame)
        if isinstance(left, tuple) and isinstance(right, tuple):
            self.charge((len(left) + len(right)) // PARTS_A_STATEMENT, expr.span)
        if op in ("+", "*") and any(self.flows(v) for v in (left, right)):
            return self.combine(op, left, right, expr, frame)
        if op in "+-*/%":
            return arithmetic(op, left, right, expr.span)
        return compare(op, self.settled(left, frame), self.settled(right, frame), expr.span)

    def flows(self, value: Value) -> bool:
        """Whether a value is part of the dataflow: a tensor, an absent branch, a list of tensors."""
        return isinstance(value, (Tensor, Absent)) or (
            isinstance(value, tuple) and bool(value) and all(self.flows(v) for v in value)
        )

    def settled(self, value: Value, frame: Frame) -> Value:
        """For comparisons: what a bare slot is bound to here."""
        while isinstance(value, SlotLayer) and not value.arguments:
            binding = frame.slots.get(value.slot)
            if binding is None:
                return self.default(value.slot)
            value = binding.value
        return value

    def default(self, slot: syntax.Slot) -> Value:
        """The default of a slot, evaluated in the file that declares it."""
        return self.evaluate(slot.default, Frame(self.home(slot), Slots({})))

    def home(self, slot: syntax.Slot) -> SpecFile:
        raise NotImplementedError

    def choice(self, expr: syntax.Choice, frame: Frame) -> Value:
        return self.evaluate(expr.value if self.flag(expr.condition, frame) else expr.other, frame)

    def pipe(self, expr: syntax.Pipe, frame: Frame) -> Value:
        first, *rest = expr.steps
        value = self.evaluate(first, frame)
        if self.flows(value):
            for step in rest:
                value = self.apply(self.layer(step, frame), value, frame, step.span)
            return value
        layers = [self.as_layer(value, first.span), *(self.layer(s, frame) for s in rest)]
        return self.weighed(chain(layers, expr.span), expr.span)

    def layer(self, expr: syntax.Expr, frame: Frame) -> Layer | Absent:
        return self.as_layer(self.evaluate(expr, frame), expr.span)

    def as_layer(self, value: Value, span: Span) -> Layer | Absent:
        if isinstance(value, (*LAYERS, Absent)):
            return value
        raise Fault(errors.not_a_layer(value, span))

    def labelled(self, expr: syntax.Labelled, frame: Frame) -> Value:
        layer = self.layer(expr.value, frame)
        if isinstance(layer, Absent):
            return ABSENT
        if isinstance(layer, LabelLayer):
            raise Fault(errors.two_labels(expr.span, expr.path.span.text))
        return LabelLayer(self.path(expr.path, frame), layer, expr.span)

    def path(self, expr: syntax.Expr, frame: Frame) -> Path:
        """A label as an attribute path: `fc`, `head.fc`, `convs[i]`."""
        match expr:
            case syntax.Name(id, _):
                return (id,)
            case syntax.Attribute(value, name, _):
                return (*self.path(value, frame), name.id)
            case syntax.Index(value, index, _):
                return (*self.path(value, frame), self.integer(index, frame))
        raise Fault(errors.not_a_label(expr.span))

    # -- typed values -------------------------------------------------------------------------------------------------

    def integer(self, expr: syntax.Expr, frame: Frame) -> int:
        value = self.evaluate(expr, frame)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Fault(errors.not_an_integer(expr.span, self.worked(expr, frame), value))
        return value

    def flag(self, expr: syntax.Expr, frame: Frame) -> bool:
        value = self.evaluate(expr, frame)
        if not isinstance(value, bool):
            raise Fault(errors.not_a_flag(expr.span, value))
        return value

    def worked(self, expr: syntax.Expr, frame: Frame) -> str:
        """An expression with its names replaced by their values: `(33 - 2) / 6`."""
        match expr:
            case syntax.Name(id, _) if is_number(frame.locals.get(id)) or isinstance(frame.locals.get(id), bool):
                return describe(frame.locals[id])
            case syntax.Binary(op, left, right, _, _):
                sides = [self.worked(side, frame) for side in (left, right)]
                if op in "*/%":
                    sides = [
                        f"({s})" if isinstance(e, syntax.Binary) else s
                        for s, e in zip(sides, (left, right), strict=True)
                    ]
                return f"{sides[0]} {op} {sides[1]}"
            case syntax.Attribute() | syntax.Call() | syntax.Index():
                try:
                    value = self.evaluate(expr, frame)
                except Fault:
                    return expr.span.text
                return describe(value) if is_number(value) else expr.span.text
        return expr.span.text

    def coerce(
        self, value: Value, parameter: Any, span: Span, of: str, worked: Callable[[], str] = lambda: ""
    ) -> Value:
        """A value as the type of a parameter demands it; `worked` says how it came about, where that is asked."""
        type = parameter.type if isinstance(parameter.type, str) else parameter.type.id
        match type:
            case "int" if isinstance(value, Fraction):
                raise Fault(errors.not_an_integer(span, worked(), value))
            case "int" if isinstance(value, int) and not isinstance(value, bool):
                return value
            case "number" if is_number(value):
                return value
            case "bool" if isinstance(value, bool):
                return value
            case "string" if isinstance(value, str):
                return value
            case "size" if isinstance(value, int) and not isinstance(value, bool):
                return value
            case "size" if (
                isinstance(value, tuple)
                and value
                and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
            ):
                return normal_size(value)
            case "list" if isinstance(value, tuple):
                return value
            case "layer" if isinstance(value, (*LAYERS, Absent)):
                return value
            case "tensor" if isinstance(value, Tensor):
                return value
        name = parameter.name if isinstance(parameter.name, str) else parameter.name.id
        raise Fault(errors.wrong_type(span, of, name, type, value))


def chain(layers: list[Layer | Absent], span: Span) -> Layer | Absent:
    """Layers one after the other; parentheses alone make nothing, and one absent step makes the whole absent."""
    steps: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Absent):
            return ABSENT
        steps.extend(layer.steps if isinstance(layer, ChainLayer) else (layer,))
    return ChainLayer(tuple(steps), span)


class Silent(Exception):
    """Something already reported is in the way: stop this item without a further message."""
