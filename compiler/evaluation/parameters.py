"""Whether a value fits the type of a parameter, and a layer the signature of a slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.values import (
    LAYER_KINDS,
    Absent,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    Layer,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    normal_size,
)
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import REQUIRED, Parameter

AnyParameter = Parameter | syntax.Parameter
"""Of a primitive, or of something that a spec defines."""

FITTING: dict[str, frozenset[type]] = {
    "bool": frozenset({bool}),
    "int": frozenset({int}),
    "int or list": frozenset({int}),
    "layer": LAYER_KINDS,
    "list": frozenset({tuple}),
    "number": frozenset({int, Fraction}),
    "size": frozenset({int}),
    "string": frozenset({str}),
    "tensor": frozenset({Tensor}),
}
"""What fits a type as it is; lists of numbers fit two of them besides."""


def as_layer(value: Value, span: Span) -> Layer | Absent:
    if type(value) in LAYER_KINDS:
        return value  # type: ignore[return-value]  # which is one of these kinds
    raise Fault(errors.not_a_layer(value, span))


def name_of(parameter: AnyParameter) -> str:
    return parameter.name if isinstance(parameter, Parameter) else parameter.name.id


def type_of(parameter: AnyParameter) -> str:
    return parameter.type if isinstance(parameter, Parameter) else parameter.type.id


@lru_cache(maxsize=1024)  # asked for by every call, and the definitions stay the same
def parameters_by_name(parameters: tuple[AnyParameter, ...]) -> Mapping[str, AnyParameter]:
    """The parameters of a definition by their names, in their order."""
    return {name_of(parameter): parameter for parameter in parameters}


@lru_cache(maxsize=1024)
def types_by_name(parameters: tuple[AnyParameter, ...]) -> Mapping[str, frozenset[type]]:
    """What fits each parameter of a definition as it is, by the names of the parameters: nearly all values do."""
    return {name_of(parameter): FITTING[type_of(parameter)] for parameter in parameters}


def coerce(
    value: Value, parameter: AnyParameter, span: Span, of: str, substituted: Callable[[], str] = lambda: ""
) -> Value:
    """A value as the type of a parameter demands it; `substituted` says how it came about, where that is asked."""
    expected = type_of(parameter)
    if type(value) in FITTING[expected]:
        return value
    match expected:
        case "int" if isinstance(value, Fraction):
            raise Fault(errors.not_an_integer(span, substituted(), value))
        case "size" if isinstance(value, tuple) and value and all(type(v) is int for v in value):
            return normal_size(value)
        case "int or list" if isinstance(value, tuple) and value and all(type(v) is int for v in value):
            return value
    raise Fault(errors.wrong_type(span, of, name_of(parameter), expected, value))


def check_binding(slot: syntax.Slot, value: Layer | Absent, span: Span) -> None:
    """A value must be able to do with what the slot's signature passes."""
    if isinstance(value, (Absent, LabelLayer)):
        return
    if isinstance(value, ChainLayer):
        for step in value.steps:
            check_complete(slot, step, span, frozenset())
        return
    check_complete(slot, value, span, frozenset(p.name.id for p in slot.parameters))


def check_complete(slot: syntax.Slot, layer: Layer, span: Span, passed: frozenset[str]) -> None:
    match layer:
        case PrimitiveLayer(primitive, arguments):
            needs = [p.name for p in primitive.parameters if p.default is REQUIRED]
        case DefinedLayer(item, _, arguments) | SlotLayer(item, arguments):
            needs = [p.name.id for p in item.parameters if p.default is None]
        case _:
            return
    missing = [n for n in needs if n not in passed and n not in dict(arguments)]
    if missing:
        raise Fault(errors.binding_incomplete(slot, layer, missing, span))
