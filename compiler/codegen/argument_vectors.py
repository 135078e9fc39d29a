"""Vectors: one value for each occurrence of a text that is written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from resnetc.compiler.codegen.python_layout import Code

Number = int | float | Fraction | tuple[int, ...]  # a flag is an int, a size of several axes a tuple
NUMBERS = frozenset({bool, int, tuple, Fraction})  # types of numbers in a spec
Numbers = dict[str, Number]
Vector = Sequence[Number | Code]
Vectors = dict[str, Vector]


def numbers_of(arguments: Iterable[tuple[str, object]]) -> Numbers:
    """The arguments that are numbers, or tuples of one for each axis; the first of two that have one name."""
    numbers: Numbers = {}
    for name, value in arguments:
        if type(value) in NUMBERS and name not in numbers:
            numbers[name] = value  # type: ignore[assignment]  # by its type
    return numbers


def all_equal(vector: Vector) -> bool:
    return vector.count(vector[0]) == len(vector)


def shared_ratio(vector: Vector, others: Vector) -> Fraction | None:
    """What each number of one vector is times that of another; None where they differ in it, or one is no number."""
    first: Fraction | None = None
    for value, other in zip(vector, others, strict=True):
        if not (isinstance(value, int | Fraction) and isinstance(other, int | Fraction) and other):
            return None
        if first is None:
            first = Fraction(value) / Fraction(other)
        elif value * first.denominator != other * first.numerator:
            return None
    return first


def axis_of(vector: Vector, axis: int) -> Vector:
    """The sizes on one axis: of all of them where a size is one number."""
    return [value[axis] if isinstance(value, tuple) else value for value in vector]


def shared_numbers(occurrences: list[Numbers], kinds: dict[str, str]) -> list[tuple[str, str, Vector]]:
    """The numbers that every occurrence has: name, kind, and the value in each."""
    names = [name for name in occurrences[0] if all(name in numbers for numbers in occurrences)]
    return [(name, kinds.get(name, "int"), [numbers[name] for numbers in occurrences]) for name in names]
