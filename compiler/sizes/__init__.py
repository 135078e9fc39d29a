"""Exact arithmetic of symbolic sizes: functions of one input size, and the sets of sizes a network accepts."""

from resnetc.compiler.sizes.algebra import add, compose, maximum, minimum, scale, shift, step, sub
from resnetc.compiler.sizes.budget import SizesTooIrregular
from resnetc.compiler.sizes.format_functions import show
from resnetc.compiler.sizes.format_sets import describe, show_set
from resnetc.compiler.sizes.functions import (
    Affine,
    SizeFn,
    Table,
    constant,
    evaluate,
    identity,
    is_constant,
    is_monotone,
    slope,
)
from resnetc.compiler.sizes.relations import (
    at_least,
    bounds,
    congruent,
    equal_where,
    exact_quotient,
    first_difference,
    less_equal_where,
    nearest_difference,
    preimage,
    threshold,
)
from resnetc.compiler.sizes.sets import ALL, EMPTY, SizeSet, between, from_minimum, from_residues, only

__all__ = [
    "ALL",
    "Affine",
    "EMPTY",
    "SizeFn",
    "SizeSet",
    "SizesTooIrregular",
    "Table",
    "add",
    "at_least",
    "between",
    "bounds",
    "compose",
    "congruent",
    "constant",
    "describe",
    "equal_where",
    "evaluate",
    "exact_quotient",
    "first_difference",
    "from_minimum",
    "from_residues",
    "identity",
    "is_constant",
    "is_monotone",
    "less_equal_where",
    "maximum",
    "minimum",
    "nearest_difference",
    "only",
    "preimage",
    "scale",
    "shift",
    "show",
    "show_set",
    "slope",
    "step",
    "sub",
    "threshold",
]
