"""Evaluates expressions at compile time: numbers, conditionals, fields, layers with their arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors, label_errors
from resnetc.compiler.evaluation.arithmetic import apply_function, arithmetic, compare
from resnetc.compiler.evaluation.calls import Calls, Functions
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import as_layer
from resnetc.compiler.evaluation.slot_environment import Lookups, Slots
from resnetc.compiler.evaluation.values import (
    ABSENT,
    Absent,
    ChainLayer,
    DefinedLayer,
    Definition,
    Here,
    Instantiation,
    LabelLayer,
    Layer,
    ModelValue,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    describe,
    is_number,
)
from resnetc.compiler.evaluation.work_budget import Work
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.path_patterns import read_path
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import CONSTANTS, FUNCTIONS, PRIMITIVES

Rule = Callable[[Any, Frame], Value]  # Any: each rule takes the kind of expression that it stands for in the table
"""How one kind of expression is evaluated; its argument is of that kind."""
PLACES = [*Here.__annotations__]
"""The fields of `here`."""


@record
class Default:
    """What a slot is where nothing binds it, which no place has an influence on; what it takes to find out."""

    value: Value
    work: int
    compared: dict[syntax.Slot, None]


class Evaluator:
    """Evaluates in frames, each kind of expression by its rule. Tensors, sizes and claims bring rules of their own."""

    def __init__(
        self, prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile], functions: Functions = apply_function
    ) -> None:
        self.prelude, self.homes = prelude, homes
        self.work = Work()
        # What an evaluation depended on besides its frame. An expanded block is used again at another place only if the
        # fields of `here` that it read have the same values there; so each expansion collects its own reads, and adds
        # them to those of the block around it, which depends on them too (`expansion/equal_blocks.py`). A block that
        # never asks where it stands is expanded once for a whole network, and one that looks up few slots once for
        # all networks where these are bound alike (`expansion/shared_blocks.py`).
        self.reads: set[str] = set()  # fields of `here`
        self.lookups = Lookups()  # of the network's slots
        self.counted: dict[int, Shape] = {}  # the shapes whose channels an expression asked for, by identity
        self.used_slots: dict[syntax.Slot, None] = {}  # slots that were compared, or applied
        self.layers: dict[tuple[syntax.Name, SpecFile, SpecFile | None], Layer] = {}  # that names stand for in a file
        self.defaults: dict[syntax.Slot, Default] = {}
        self.rules: dict[type, Rule] = {
            syntax.String: lambda e, f: e.value,
            syntax.Name: self.name,
            syntax.List: lambda e, f: self.work.check_size(tuple(self.evaluate(i, f) for i in e.items), e.span),
            syntax.Attribute: self.attribute,
            syntax.Index: self.index,
            syntax.Call: Calls(self, functions).call,
            syntax.Negate: lambda e, f: arithmetic("-", 0, self.evaluate(e.value, f), e.span),
            syntax.Binary: self.binary,
            syntax.Pipe: self.pipe,
            syntax.Labelled: self.label_layer,
            syntax.Choice: self.choice,
        }

    def evaluate(self, expr: syntax.Expr, frame: Frame) -> Value:
        if isinstance(expr, syntax.Number):  # every fourth expression, and a number for whoever has other rules
            return expr.value
        return self.rules[type(expr)](expr, frame)

    # -- names --------------------------------------------------------------------------------------------------------

    def name(self, expr: syntax.Name, frame: Frame, others: Iterable[str] = ()) -> Value:
        """What a name means; `others` are further names that would have meant something here."""
        id = expr.id
        if id in frame.locals:
            value = frame.locals[id]
            return self.gather_elements(value, expr) if isinstance(value, dict) else value
        place = expr, frame.spec, frame.fallback
        value = self.layers.get(place)
        if value is not None:
            return value
        for spec in (frame.spec, frame.fallback):
            if spec is not None and id in spec.tree.broken:
                raise AlreadyReported()
            if spec is not None and id in spec.names:
                value = self.value_of_item(spec.names[id], spec, expr.span)
                if isinstance(value, (DefinedLayer, SlotLayer)):
                    self.layers[place] = value
                return value
        if id in self.prelude.names and isinstance(slot := self.prelude.names[id], syntax.Slot):
            value = self.layers[place] = SlotLayer(slot, (), expr.span)
            return value
        if id in PRIMITIVES:
            value = self.layers[place] = PrimitiveLayer(PRIMITIVES[id], (), expr.span)
            return value
        if id in FUNCTIONS:
            return Definition("function", id, id)
        if id in CONSTANTS:
            return self.constant(expr, frame)
        raise Fault(errors.unknown_name(expr.id, expr.span, [*self.visible(frame), *others], [*frame.locals, *others]))

    def gather_elements(self, value: dict[int, Value], expr: syntax.Expr) -> tuple[Value, ...]:
        """All elements of a `let name[index]`, in order of their index."""
        if sorted(value) != list(range(len(value))):
            raise Fault(errors.missing_elements(expr.span, sorted(value)))
        return tuple(value[i] for i in range(len(value)))

    def constant(self, expr: syntax.Name, frame: Frame) -> Value:
        if expr.id == "here":
            if frame.here is None:
                raise Fault(errors.here_outside(expr.span))
            return Definition("place", "here", frame.here)
        constants: dict[str, Value] = {"true": True, "false": False, "none": ABSENT}
        return constants[expr.id]

    def value_of_item(self, item: syntax.Item | SpecFile, spec: SpecFile, span: Span) -> Value:
        match item:
            case SpecFile():
                return Definition("file", item.name, item)
            case syntax.Slot():
                return SlotLayer(item, (), span)
            case syntax.Model():
                return ModelValue(item=item, spec=spec, arguments=(), bindings=(), instances=(), span=span)
            case syntax.Instance():
                return self.instance(item, spec)
            case _:
                return DefinedLayer(item=item, spec=spec, arguments=(), bindings=(), span=span)

    def instance(self, item: syntax.Instance, spec: SpecFile) -> ModelValue:
        """The model that an instance names, with its arguments."""
        with self.work.inside(item.name.span):
            value = self.evaluate(item.value, Frame(spec, Slots({})))
        if not isinstance(value, ModelValue):
            raise Fault(errors.not_a_model(item, value))
        return ModelValue(
            item=value.item,
            spec=value.spec,
            arguments=value.arguments,
            bindings=value.bindings,
            instances=(*value.instances, Instantiation(item, spec, len(value.bindings))),
            span=item.name.span,
        )

    def visible(self, frame: Frame) -> list[str]:
        slots = [n for n, item in self.prelude.names.items() if isinstance(item, syntax.Slot)]
        return [*frame.locals, *frame.spec.names, *slots, *PRIMITIVES, *FUNCTIONS, *CONSTANTS]

    def slot_names(self, frame: Frame, spec: SpecFile | None) -> list[str]:
        places = [self.prelude, frame.spec, *([spec] if spec else []), *([frame.fallback] if frame.fallback else [])]
        return [n for place in places for n, item in place.names.items() if isinstance(item, syntax.Slot)]

    def slot_named(self, name: str, frame: Frame, spec: SpecFile | None) -> syntax.Slot | None:
        """The slot a keyword means: of the prelude, of this file, or of the file of what is called."""
        for place in (self.prelude, frame.spec, spec):
            if place is not None and isinstance(item := place.names.get(name), syntax.Slot):
                return item
        return None

    # -- fields and elements ------------------------------------------------------------------------------------------

    def attribute(self, expr: syntax.Attribute, frame: Frame) -> Value:
        return self.field(self.evaluate(expr.value, frame), expr)

    def field(self, value: Value, expr: syntax.Attribute) -> Value:
        """`value.name`."""
        name = expr.name.id
        if isinstance(value, Tensor):
            shape = value.shape
            if name == "channels":
                self.counted[id(shape)] = shape
                return shape.channels
            if name == "rank":
                return shape.rank
            raise Fault(errors.no_field("a tensor", name, expr.name.span, ["channels", "rank"]))
        match value:
            case Definition("place", _, Here() as here):
                if name not in PLACES:
                    raise Fault(errors.no_field("`here`", name, expr.name.span, PLACES))
                self.reads.add(name)
                place: int = getattr(here, name)
                return place
            case Definition("file", file, SpecFile() as spec):
                item = spec.names.get(name)
                if item is not None and not isinstance(item, SpecFile):
                    return self.value_of_item(item, spec, expr.span)
                if name in spec.tree.broken:
                    raise AlreadyReported()
                items = [n for n, i in spec.names.items() if not isinstance(i, SpecFile)]
                raise Fault(errors.not_in_file(name, expr.name.span, file, items))
        raise Fault(errors.no_fields(value, name, expr.span))

    def index(self, expr: syntax.Index, frame: Frame) -> Value:
        index = self.integer(expr.index, frame)
        elements = indexed_elements(expr.value, frame)
        if elements is None:
            return self.element(self.evaluate(expr.value, frame), index, expr, frame)
        return element_at(elements, index, expr)

    def element(self, value: Value, index: int, expr: syntax.Index, frame: Frame) -> Value:
        """`value[index]`."""
        if isinstance(expr.value, syntax.Name) and expr.value.id in frame.axes and isinstance(value, int):
            return value
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
        return self.apply_operator(expr, self.evaluate(expr.left, frame), self.evaluate(expr.right, frame), frame)

    def apply_operator(self, expr: syntax.Binary, left: Value, right: Value, frame: Frame) -> Value:
        """What an operator makes of the values of its sides."""
        self.charge_lists(left, right, expr.span)
        if expr.op in "+-*/%":
            return arithmetic(expr.op, left, right, expr.span)
        return compare(expr.op, self.resolve_bare_slot(left, frame), self.resolve_bare_slot(right, frame), expr.span)

    def charge_lists(self, left: Value, right: Value, span: Span) -> None:
        """Counts the elements where an operator meets two lists."""
        if isinstance(left, tuple) and isinstance(right, tuple):
            self.work.charge_elements((left, right), span)

    def resolve_bare_slot(self, value: Value, frame: Frame) -> Value:
        """For comparisons: what a bare slot is bound to here."""
        if isinstance(value, SlotLayer) and not value.arguments:
            self.used_slots[value.slot] = None
        while isinstance(value, SlotLayer) and not value.arguments:
            binding = frame.slots.get(value.slot)
            if binding is None:
                return self.default(value.slot)
            value = binding.value
        return value

    def default(self, slot: syntax.Slot) -> Value:
        """The default of a slot, evaluated in the file that declares it."""
        default = self.defaults.get(slot)
        if default is None:
            done, outer, self.used_slots = self.work.done, self.used_slots, {}
            try:
                value = self.evaluate(slot.default, Frame(self.home(slot), Slots({})))
                default = self.defaults[slot] = Default(value, self.work.done - done, self.used_slots)
            finally:
                self.used_slots = outer | self.used_slots
            return default.value
        self.work.charge(default.work, slot.default.span)
        self.used_slots |= default.compared
        return default.value

    def home(self, slot: syntax.Slot) -> SpecFile:
        """The file that declares a slot."""
        return self.homes.get(slot, self.prelude)

    def choice(self, expr: syntax.Choice, frame: Frame) -> Value:
        return self.evaluate(expr.value if self.flag(expr.condition, frame) else expr.other, frame)

    def pipe(self, expr: syntax.Pipe, frame: Frame) -> Value:
        return self.chain_layers(expr, self.evaluate(expr.steps[0], frame), frame)

    def chain_layers(self, expr: syntax.Pipe, value: Value, frame: Frame) -> Value:
        """A pipe that begins with a layer, whose value is known: layers one after the other."""
        first, *rest = expr.steps
        layers = [as_layer(value, first.span), *[self.layer(step, frame) for step in rest]]
        return self.work.check_size(chain(layers, expr.span), expr.span)

    def layer(self, expr: syntax.Expr, frame: Frame) -> Layer | Absent:
        return as_layer(self.evaluate(expr, frame), expr.span)

    def label_layer(self, expr: syntax.Labelled, frame: Frame) -> Value:
        layer = self.layer(expr.value, frame)
        if isinstance(layer, Absent):
            return ABSENT
        if isinstance(layer, LabelLayer):
            raise Fault(label_errors.two_labels(expr.span, expr.path.span.text))
        return LabelLayer(self.path(expr.path, frame), layer, expr.span)

    def path(self, expr: syntax.Expr, frame: Frame) -> Path:
        """A label as an attribute path: `fc`, `head.fc`, `convs[i]`, or in quotes where words of it are reserved."""
        if isinstance(expr, syntax.Name):
            return (expr.id,)
        match expr:
            case syntax.String(text) if (path := read_path(text)) is not None:
                return path
            case syntax.Attribute(value, name, _):
                return (*self.path(value, frame), name.id)
            case syntax.Index(value, index, _):
                return (*self.path(value, frame), self.integer(index, frame))
        raise Fault(label_errors.not_a_label(expr.span))

    # -- typed values -------------------------------------------------------------------------------------------------

    def integer(self, expr: syntax.Expr, frame: Frame) -> int:
        value = self.evaluate(expr, frame)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Fault(errors.not_an_integer(expr.span, self.substituted(expr, frame), value))
        return value

    def flag(self, expr: syntax.Expr, frame: Frame) -> bool:
        value = self.evaluate(expr, frame)
        if not isinstance(value, bool):
            raise Fault(errors.not_a_flag(expr.span, value))
        return value

    def substituted(self, expr: syntax.Expr, frame: Frame) -> str:
        """An expression with its names replaced by their values: `(33 - 2) / 6`."""
        match expr:
            case syntax.Name(id, _) if is_number(value := frame.locals.get(id)) or isinstance(value, bool):
                return describe(value)
            case syntax.Binary(op, left, right, _, _):
                sides = [self.substituted(side, frame) for side in (left, right)]
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


def chain(layers: list[Layer | Absent], span: Span) -> Layer | Absent:
    """Layers one after the other; parentheses alone make nothing, and one absent step makes the whole absent."""
    steps: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Absent):
            return ABSENT
        steps.extend(layer.steps if isinstance(layer, ChainLayer) else (layer,))
    return ChainLayer(tuple(steps), span)


def indexed_elements(expr: syntax.Expr, frame: Frame) -> dict[int, Value] | None:
    """The elements that `let name[index]` has bound so far, if an expression names these."""
    elements = frame.locals.get(expr.id) if isinstance(expr, syntax.Name) else None
    return elements if isinstance(elements, dict) else None


def element_at(elements: dict[int, Value], index: int, expr: syntax.Index) -> Value:
    if index not in elements:
        raise Fault(errors.no_element(expr.value.span.text, index, sorted(elements), expr.span))
    return elements[index]


class AlreadyReported(Exception):
    """Something already reported is in the way: stop this item without a further message."""
