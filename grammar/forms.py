"""What an operation is in the text of a class where it is no module: an operator, a parameter, an expression."""

from __future__ import annotations

from resnetc.grammar.primitives import Parameter, Primitive

LEFT, RIGHT = "left", "right"  # the side of an operator that a number stands on

_WITH_NUMBER = (Parameter("number", "number"), Parameter("side", "string"))
OPERATORS = {
    row.name: row
    for row in (
        Primitive("+", _WITH_NUMBER, "", "same", doc="A number added to every value."),
        Primitive("-", _WITH_NUMBER, "", "same", doc="A number taken from every value, or every value from it."),
        Primitive("*", _WITH_NUMBER, "", "same", doc="Every value times a number."),
        Primitive("/", _WITH_NUMBER, "", "same", doc="Every value divided by a number."),
        Primitive("negate", (), "", "same", doc="Every value with the other sign."),
    )
}
"""What the operators do with one tensor and at most one number. Nameless in a text, so they are not in `PRIMITIVES`."""

PARAMETERS = frozenset({"scale", "shift"})
"""What is a parameter of the class of a block, stored under its label alone, and no module."""

FUNCTIONAL = frozenset(
    {
        "global_avg_pool",
        "global_max_pool",
        "global_sum_pool",
        "channel_mean",
        "channel_max",
        "split",
        "concat",
        "sum",
        "softmax",
        "regroup",
        "reshape",
        "flatten",
        *OPERATORS,
    }
)
"""Expressions in `forward`, never modules of a block; in a sequence they are modules, but for the operators."""
