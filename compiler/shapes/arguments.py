"""The arguments of a primitive: defaults, one number for each axis, ranges."""

from __future__ import annotations

from collections.abc import Container, Mapping

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors as evaluation_errors
from resnetc.compiler.evaluation.values import Value, is_number
from resnetc.compiler.shapes import errors
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import REQUIRED, Parameter, Primitive

Arguments = Mapping[str, Value]
"""The arguments of a primitive by their names."""


def get_integer(arguments: Arguments, name: str) -> int:
    """An argument that is a number."""
    value = arguments[name]
    assert isinstance(value, int)  # by its type in the table
    return value


def get_integers(arguments: Arguments, name: str) -> tuple[int, ...]:
    """An argument that is a list of numbers."""
    value = arguments[name]
    assert isinstance(value, tuple)
    return tuple(v for v in value if isinstance(v, int))  # all of them, by its type in the table


def get_size_on_axis(value: Value, axis: int) -> int:
    """The number of one axis of a `size`."""
    number = value[axis] if isinstance(value, tuple) else value
    assert isinstance(number, int)
    return number


def list_sizes(value: Value, rank: int) -> list[int]:
    """The numbers of all axes of a `size`."""
    if isinstance(value, int):
        return [value] * rank
    return [get_size_on_axis(value, axis) for axis in range(rank)]


def complete_arguments(
    primitive: Primitive, stated: Arguments, rank: int, span: Span, scope: Container[str] = (), channels: int = 0
) -> dict[str, Value]:
    """All arguments of a primitive for a map of so many axes and channels: defaults filled in, ranges checked.

    `scope` has the names that mean something where its call stands.
    """
    arguments: dict[str, Value] = {}
    for parameter in primitive.parameters:
        value = stated.get(parameter.name, parameter.default)
        if value is REQUIRED:
            raise Fault(evaluation_errors.missing_argument(primitive.name, parameter.name, span, primitive, scope))
        if parameter.type == "size" and isinstance(value, tuple) and len(value) != rank:
            raise Fault(errors.wrong_rank(primitive, parameter, value, rank, span))
        check_range(primitive, parameter, value, span)
        if parameter.above and not is_greater(value, arguments[parameter.above]):
            raise Fault(errors.out_of_range(primitive, parameter, value, arguments[parameter.above], span))
        if parameter.needs and value != parameter.default and not arguments[parameter.needs]:
            raise Fault(errors.without_effect(primitive, parameter, value, span))
        arguments[parameter.name] = value
    if "padding" in arguments and arguments["padding"] is None:
        dilation, kernel = arguments.get("dilation", 1), arguments["kernel"]
        pairs = zip(list_sizes(dilation, rank), list_sizes(kernel, rank), strict=True)
        pads = tuple(d * (k - 1) // 2 for d, k in pairs)
        arguments["padding"] = pads[0] if len(set(pads)) == 1 else pads
    if "behind" in arguments and arguments["behind"] is None:
        arguments["behind"] = arguments["amount"]
    if "shape" in arguments and arguments["shape"] is None:
        arguments["shape"] = (channels,)
    return arguments


def is_greater(value: Value, other: Value) -> bool:
    assert is_number(value) and is_number(other)  # by their types in the table
    return value > other


def check_range(primitive: Primitive, parameter: Parameter, value: Value, span: Span) -> None:
    """Refuses a value below the least or above the largest that a parameter takes."""
    least = parameter.least
    values = value if isinstance(value, tuple) else (value,)
    if parameter.name == "rate" and not (is_number(value) and 0 <= value < 1):
        raise Fault(errors.rate_out_of_range(primitive, value, span))
    if least is None or value is None:
        return
    for v in values:
        assert is_number(v)  # by its type in the table
        if v < least:
            raise Fault(errors.out_of_range(primitive, parameter, value, least, span))
        if v > parameter.most:
            raise Fault(errors.beyond_limit(primitive, parameter, value, span))
