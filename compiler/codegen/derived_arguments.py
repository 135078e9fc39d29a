"""Numbers that follow from other arguments at every call become a line of `__init__` instead of an argument.

For example, `outer: int = 4 * width` of a block is `outer = 4 * width` in its class, unless a call sets it otherwise.
"""

from __future__ import annotations

from fractions import Fraction

from resnetc.compiler.codegen.argument_vectors import Vectors, all_equal
from resnetc.compiler.codegen.python_layout import literal
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.syntax import tree as syntax


@record(eq=True)
class Product:
    """`factor` times the product of some names."""

    factor: Fraction
    names: tuple[str, ...] = ()

    def times(self, other: Product) -> Product:
        return Product(self.factor * other.factor, (*self.names, *other.names))

    @property
    def text(self) -> str:
        above = " * ".join([*([str(self.factor.numerator)] if self.factor.numerator != 1 else []), *self.names])
        return f"{above} // {self.factor.denominator}" if self.factor.denominator != 1 else above

    def values(self, vectors: Vectors) -> list[Fraction] | None:
        """The product at every occurrence; None where a factor is no number there."""
        out = [self.factor] * len(vectors[self.names[0]])
        for name in self.names:
            numbers = [number for number in vectors[name] if isinstance(number, int | Fraction)]
            if len(numbers) < len(out):
                return None
            out = [value * number for value, number in zip(out, numbers, strict=True)]
        return out


def definitions(item: syntax.Block | syntax.Policy) -> dict[str, syntax.Expr]:
    """What the spec says that the numbers of a block or policy are: defaults, and values of `let`."""
    out = {p.name.id: p.default for p in item.parameters if p.default is not None}
    return out | {s.name.id: s.value for s in item.body if isinstance(s, syntax.Let) and s.index is None}


def deciding_names(item: syntax.Policy) -> frozenset[str]:
    """What its conditions compare with a number, such as `stride` of `when stride == 1`."""

    def compared(condition: syntax.Expr | None) -> set[str]:
        match condition:
            case syntax.Binary("and" | "or", left, right):
                return compared(left) | compared(right)
            case syntax.Binary(_, syntax.Name(name), syntax.Number()) | syntax.Binary(
                _, syntax.Number(), syntax.Name(name)
            ):
                return {name}
        return set()

    return frozenset(name for case in item.cases for name in compared(case.condition))


def default_text(expr: syntax.Expr | None) -> str | None:
    """A default that is a literal, as Python has it."""
    match expr:
        case syntax.Number(value):
            return literal(value)
        case syntax.Name("true" | "false" as name):
            return name.capitalize()
    return None


def product(expr: syntax.Expr, vectors: Vectors, variable: set[str]) -> Product | None:
    """An expression as a product of variables, all that is the same at every call written out; None for another one."""
    match expr:
        case syntax.Number(value):
            return Product(Fraction(value))
        case syntax.Name(name) if name in variable:
            return Product(Fraction(1), (name,))
        case syntax.Name(name) if name in vectors and isinstance(number := vectors[name][0], int | Fraction):
            return Product(Fraction(number)) if all_equal(vectors[name]) else None
        case syntax.Binary("*" | "/" as op, left, right):
            one, other = product(left, vectors, variable), product(right, vectors, variable)
            if one is None or other is None:
                return None
            if op == "*":
                return one.times(other)
            return None if other.names or not other.factor else one.times(Product(1 / other.factor))
    return None


def line_of(name: str, expr: syntax.Expr, vectors: Vectors, variable: set[str]) -> str | None:
    """The right side of `name = ...` by other variables; None where it is not that at every call."""
    line = product(expr, vectors, variable)
    if line is None or not line.names or line.factor <= 0:
        return None
    return line.text if line.values(vectors) == vectors[name] else None
