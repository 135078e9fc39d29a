"""Whether a value fits the type of a parameter, and a layer the signature of a slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.values import (
    LAYERS,
    Absent,
    ChainLayer,
    DefinedLayer,
    LabelLayer,
    Layer,
    PrimitiveLayer,
    SlotLayer,
    Tensor,
    Value,
    is_number,
    normal_size,
)
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import REQUIRED, Parameter

AnyParameter = Parameter | syntax.Parameter
"""Of a primitive, or of something that a spec defines."""


def as_layer(value: Value, span: Span) -> Layer | Absent:
    if isinstance(value, (*LAYERS, Absent)):
        return value
    raise Fault(errors.not_a_layer(value, span))


def name_of(parameter: AnyParameter) -> str:
    return parameter.name if isinstance(parameter, Parameter) else parameter.name.id


@lru_cache(maxsize=1024)  # asked for by every call, and the definitions stay the same
def parameters_by_name(parameters: tuple[AnyParameter, ...]) -> Mapping[str, AnyParameter]:
    """The parameters of a definition by their names, in their order."""
    return {name_of(parameter): parameter for parameter in parameters}


def coerce(
    value: Value, parameter: AnyParameter, span: Span, of: str, substituted: Callable[[], str] = lambda: ""
) -> Value:
    """A value as the type of a parameter demands it; `substituted` says how it came about, where that is asked."""
    type = parameter.type if isinstance(parameter, Parameter) else parameter.type.id
    match type:
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "int" if isinstance(value, Fraction):
            raise Fault(errors.not_an_integer(span, substituted(), value))
        case "number" if is_number(value):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "string" if isinstance(value, str):
            return value
        case "size" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "size" if (
            isinstance(value, tuple) and value and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
        ):
            return normal_size(value)
        case "int or list" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "int or list" if (
            isinstance(value, tuple) and value and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
        ):
            return value
        case "list" if isinstance(value, tuple):
            return value
        case "layer" if isinstance(value, (*LAYERS, Absent)):
            return value
        case "tensor" if isinstance(value, Tensor):
            return value
    raise Fault(errors.wrong_type(span, of, name_of(parameter), type, value))


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
