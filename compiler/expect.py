"""`expect`: judges the claims of a model. One about sizes is proved for every accepted size, or refuted by the smallest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any, Protocol

from resnetc.compiler import faults, syntax
from resnetc.compiler.diagnostics import Diagnostic, Fault, Label
from resnetc.compiler.evaluate import Evaluator, Frame, Silent
from resnetc.compiler.ir import Network, Shape
from resnetc.compiler.modules import SpecFile
from resnetc.compiler.prove import Accepted
from resnetc.compiler.sizes import (
    ALL,
    SizeFn,
    SizeSet,
    SizesTooIrregular,
    add,
    congruent,
    constant,
    equal_where,
    evaluate,
    identity,
    is_constant,
    less_equal_where,
    maximum,
    minimum,
    scale,
    show,
    step,
    sub,
)
from resnetc.compiler.source import Span
from resnetc.compiler.values import (
    Path,
    Record,
    Value,
    apply_function,
    arithmetic,
    compare,
    describe,
    division_by_zero,
    is_number,
    normal,
    normal_size,
    numbers_of,
    show_path,
)

FIGURES = frozenset(("parameters", "buffers", "multiply_adds", "weighted_layers", "receptive_field"))


class Part(Protocol):
    """What is measured of a stage."""

    @property
    def name(self) -> str: ...

    @property
    def stride(self) -> int | tuple[int, ...]: ...


class Measures(Protocol):
    """What is measured of a network."""

    @property
    def parameters(self) -> int: ...

    @property
    def buffers(self) -> int: ...

    @property
    def weighted_layers(self) -> int: ...

    @property
    def receptive_field(self) -> int | tuple[int, ...] | None: ...

    @property
    def stages(self) -> Sequence[Part]: ...

    def multiply_adds(self, sizes: tuple[int, ...]) -> int: ...


# -- sizes as values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """A number that depends on the input's size on one axis: a size function over a whole number."""

    axis: int
    symbol: str
    fn: SizeFn
    divisor: int = 1

    def at(self, n: int) -> int | Fraction:
        return normal(Fraction(evaluate(self.fn, n), self.divisor))

    def __str__(self) -> str:
        text = show(self.fn, self.symbol)
        if self.divisor == 1:
            return text
        return f"{f'({text})' if ' ' in text else text} / {self.divisor}"

    def made(self, fn: SizeFn, divisor: int = 1) -> Value:
        """Another value on this axis, as plain as it can be."""
        if is_constant(fn):
            return normal(Fraction(evaluate(fn, 1), divisor))
        if divisor > 1 and congruent(fn, divisor, 0) == ALL:
            return Size(self.axis, self.symbol, step(fn, divisor, 0))
        return Size(self.axis, self.symbol, fn, divisor)

    def like(self, value: Value, span: Span) -> Size:
        """A number, or a size of the same axis, as a size of this axis."""
        if is_number(value):
            exact = Fraction(value)
            return Size(self.axis, self.symbol, constant(exact.numerator), exact.denominator)
        if isinstance(value, Size) and value.axis == self.axis:
            return value
        raise Fault(undecided(span, "sizes of different axes" if isinstance(value, Size) else "not numbers"))


def computed(op: str, left: Value, right: Value, span: Span) -> Value:
    """Exact arithmetic with sizes: `+` and `-` on one axis, `*`, `/` and `%` by numbers."""
    size = next((v for v in (left, right) if isinstance(v, Size)), None)
    if size is None:
        return arithmetic(op, left, right, span)
    a, b = size.like(left, span), size.like(right, span)
    if op in "+-":
        f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
        return size.made(add(f, g) if op == "+" else sub(f, g), a.divisor * b.divisor)
    if op == "*" and not isinstance(left, Size):
        a, b, right = b, a, left
    if isinstance(right, Size) or not isinstance(size, Size) or (op != "*" and size is not left):
        raise Fault(undecided(span, f"`{op}` by a size"))
    number = Fraction(right)
    if op == "*":
        return size.made(scale(a.fn, number.numerator), a.divisor * number.denominator)
    if number == 0:
        raise Fault(division_by_zero(op, span))
    f = scale(a.fn, number.denominator * (1 if number > 0 else -1))
    divisor = a.divisor * abs(number.numerator)
    if op == "/":
        return size.made(f, divisor)
    if number < 0:
        raise Fault(undecided(span, "`%` by a negative number"))
    # n % k is n - k * floor(n / k), with n = f / divisor * k here
    whole = scale(step(f, divisor, 1 - divisor), number.numerator * a.divisor)
    return size.made(sub(scale(a.fn, number.denominator), whole), a.divisor * number.denominator)


def rounded(name: str, arguments: Sequence[Value], span: Span) -> Value:
    """`ceil`, `floor`, `max` and `min`, at least one argument being a size."""
    first = next(v for v in arguments if isinstance(v, Size))
    if name in ("ceil", "floor"):
        return first.made(step(first.fn, first.divisor, 0 if name == "ceil" else 1 - first.divisor))
    choose = maximum if name == "max" else minimum
    found = first
    for value in arguments:
        other = first.like(value, span)
        f, g = scale(found.fn, other.divisor), scale(other.fn, found.divisor)
        made = first.made(choose(f, g), found.divisor * other.divisor)
        found = first.like(made, span)
    return first.made(found.fn, found.divisor)


# -- truths about sizes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holds:
    """The input sizes of one axis at which two values compare as claimed."""

    axis: int
    sizes: SizeSet
    left: Size
    right: Size


@dataclass(frozen=True, slots=True)
class Truth:
    """A statement that depends on the input's sizes: all of these."""

    parts: tuple[Holds, ...]


def compared(op: str, left: Value, right: Value, span: Span) -> bool | Truth:
    """A comparison with sizes somewhere in it."""
    if isinstance(left, tuple) and isinstance(right, tuple) and op in ("==", "!="):
        if len(left) != len(right):
            return op == "!="
        same = both([compared("==", a, b, span) for a, b in zip(left, right, strict=True)])
        return same if op == "==" else negated(same, span)
    size = next((v for v in (left, right) if isinstance(v, Size)), None)
    if size is None:
        return compare(op, left, right, span)
    a, b = size.like(left, span), size.like(right, span)
    f, g = scale(a.fn, b.divisor), scale(b.fn, a.divisor)
    match op:
        case "==":
            where = equal_where(f, g)
        case "!=":
            where = ~equal_where(f, g)
        case "<=":
            where = less_equal_where(f, g)
        case ">=":
            where = less_equal_where(g, f)
        case "<":
            where = ~less_equal_where(g, f)
        case _:
            where = ~less_equal_where(f, g)
    return Truth((Holds(size.axis, where, a, b),))


def both(truths: Iterable[bool | Truth]) -> bool | Truth:
    """All of them at once."""
    parts: list[Holds] = []
    for truth in truths:
        if truth is False:
            return False
        parts += truth.parts if isinstance(truth, Truth) else ()
    return Truth(tuple(parts)) if parts else True


def negated(truth: bool | Truth, span: Span) -> bool | Truth:
    if isinstance(truth, bool):
        return not truth
    if len(truth.parts) > 1:
        raise Fault(undecided(span, "sizes of different axes"))
    (part,) = truth.parts
    return Truth((Holds(part.axis, ~part.sizes, part.left, part.right),))


def either(left: bool | Truth, right: bool | Truth, span: Span) -> bool | Truth:
    if isinstance(left, bool) or isinstance(right, bool):
        return True if True in (left, right) else right if left is False else left
    axes = {part.axis for part in (*left.parts, *right.parts)}
    if len(axes) > 1:
        raise Fault(undecided(span, "sizes of different axes"))
    sets = [ALL, ALL]
    for i, truth in enumerate((left, right)):
        for part in truth.parts:
            sets[i] &= part.sizes
    first = left.parts[0]
    return Truth((Holds(first.axis, sets[0] | sets[1], first.left, first.right),))


# -- claims -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a stage's path: `stages` or `stages[0]` of `stages[0].blocks`."""

    path: Path


class Claims(Evaluator):
    """Evaluates claims: a stage has fields, `H` is a size, a comparison of sizes is a `Truth`."""

    def __init__(self, network: Network, accepted: Accepted, measures: Measures, evaluator: Evaluator) -> None:
        super().__init__(evaluator.prelude)
        self.home = evaluator.home  # type: ignore[method-assign]
        self._handlers[syntax.Negate] = lambda e, f: computed("-", 0, self.evaluate(e.value, f), e.span)
        self.network = network
        self.within = promised(network, accepted)
        self.false: list[tuple[syntax.Binary, Value, Value]] = []
        self.stages = self.staged(measures)
        field = measures.receptive_field
        self.known: dict[str, Value] = {
            "parameters": measures.parameters,
            "buffers": measures.buffers,
            "weighted_layers": measures.weighted_layers,
            "multiply_adds": measures.multiply_adds(network.input.sizes),
            "receptive_field": Record("the whole input", {}) if field is None else normal_size(field),
            "input": Record("`input`", self.fields(network.root.shape_in)),
            "output": Record("`output`", self.fields(network.root.shape_out)),
        }
        for axis, symbol in enumerate(network.input.symbols):
            if symbol:
                self.known[symbol] = Size(axis, symbol, identity())
