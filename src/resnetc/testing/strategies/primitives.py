"""Draws one operation from the table of primitives, with parameters that are legal for every map that reaches it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.values import describe, normal_size
from resnetc.compiler.expansion.leaves import LIST_RULES
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Condition
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes.arguments import complete_arguments, get_size_on_axis
from resnetc.compiler.shapes.rules import infer_shapes
from resnetc.compiler.sizes import evaluate, identity, is_constant, step
from resnetc.compiler.source import Source, Span
from resnetc.grammar.forms import PARAMETERS
from resnetc.grammar.primitives import PRIMITIVES, REQUIRED, Parameter, Primitive

NOWHERE = Span(Source("", ""), 0, 0)
NUMBERS = (Fraction(1, 10), Fraction(1, 4), Fraction(1, 2))
BELOW, ABOVE = (0, -1, Fraction(1, 4)), (6, 1, Fraction(1, 2))  # for two parameters, one of which exceeds the other
MAX_WIDTH = 8
LISTING_RULES = ("split", "list_same")  # what they give is a list, also of one element


@record(eq=True)
class Term:
    """A compile-time value: its text, and what it stands for in each occurrence of the block it is written in."""

    text: str
    values: tuple[Any, ...]


@record(eq=True)
class Flow:
    """A map that flows through a block: its text, and its shape in each occurrence. Open sizes are all `identity`."""

    text: str
    shapes: tuple[Shape, ...]

    @property
    def channels(self) -> tuple[int, ...]:
        return tuple(shape.channels for shape in self.shapes)


@record(eq=True)
class Operation:
    """A primitive with arguments, as text; what it gives in each occurrence: one shape, or those of a list."""

    primitive: Primitive
    text: str
    outputs: tuple[tuple[Shape, ...], ...]


@record(eq=True)
class Wish:
    """What is asked of an operation: to keep sizes up to its stride; arguments, given or left out; terms to draw."""

    keeping: bool = False
    fixed: tuple[tuple[str, Term], ...] = ()
    without: frozenset[str] = frozenset()
    terms: tuple[tuple[str, Term], ...] = ()  # type of parameter, term


NO_WISH = Wish()


def literal(value: Any, count: int) -> Term:
    return Term(describe(value), (value,) * count)


def rows(wanted: Callable[[Primitive], bool]) -> tuple[Primitive, ...]:
    return tuple(row for row in PRIMITIVES.values() if wanted(row))


def mentioned(text: str) -> set[str]:
    """The primitives that a spec names."""
    return PRIMITIVES.keys() & set(re.findall(r"\w+", text))


def takes_map(row: Primitive) -> bool:
    return row.rule not in LIST_RULES and row.rule not in LISTING_RULES


def operations(
    draw: st.DrawFn, among: Sequence[Primitive], shapes: tuple[Shape, ...], wish: Wish = NO_WISH
) -> Operation | None:
    """One of the primitives with drawn arguments; None where none of them can take these maps.

    Every other time the kind is drawn first: the many activations then leave as much to each of the other kinds.
    """
    first = draw(st.integers(0, len(among) - 1))
    if draw(st.booleans()):
        kinds = list(dict.fromkeys((row.rule, row.attribute) for row in among))
        kind = kinds[draw(st.integers(0, len(kinds) - 1))]
        among = sorted((*among[first:], *among[:first]), key=lambda row: (row.rule, row.attribute) != kind)
        first = 0
    for row in (*among[first:], *among[:first]):
        if settled(row, shapes, wish, lambda options: 0) is not None:
            return settled(row, shapes, wish, lambda options: draw(st.integers(0, len(options) - 1)))
    return None


def settled(
    row: Primitive, shapes: tuple[Shape, ...], wish: Wish, choose: Callable[[Sequence[Any]], int]
) -> Operation | None:
    """The primitive with an argument for each parameter in turn: the first legal one from the chosen option on."""
    fixed = dict(wish.fixed)
    taken: dict[str, Term] = {}
    for parameter in row.parameters:
        options: Sequence[Term | None]
        if parameter.name in fixed:
            options = (fixed[parameter.name],)
        elif parameter.name in wish.without:
            options = (None,)
        else:
            options = choices(parameter, shapes, wish)
        start = choose(options) if len(options) > 1 else 0
        for option in (*options[start:], *options[:start]):
            trial = {**taken, parameter.name: option} if option else taken
            if results(row, trial, shapes, wish.keeping) is not None:
                taken = dict(trial)
                break
        else:
            return None
    outputs = results(row, taken, shapes, wish.keeping)
    return None if outputs is None else Operation(row, call(row, taken), outputs)


def call(row: Primitive, taken: dict[str, Term]) -> str:
    """The text of a call: a leading argument without its name, as one writes it."""
    arguments = [
        term.text if i == 0 and name == row.parameters[0].name else f"{name}={term.text}"
        for i, (name, term) in enumerate(taken.items())
    ]
    return f"{row.name}({', '.join(arguments)})" if arguments else row.name


def choices(parameter: Parameter, shapes: tuple[Shape, ...], wish: Wish) -> tuple[Term | None, ...]:
    """Arguments to try, by the parameter's type and least value; None leaves it out."""
    terms = [term for type, term in wish.terms if type == parameter.type]
    values = [literal(value, len(shapes)) for value in plain_values(parameter, shapes[0])]
    left_out = () if parameter.default is REQUIRED else (None, None, None)
    return (*left_out, *terms, *values)


def plain_values(parameter: Parameter, shape: Shape) -> Iterable[Any]:
    least = parameter.least or 0
    match parameter.type:
        case "bool":
            return (True, False)
        case "int":
            return range(least, least + MAX_WIDTH)
        case "number":
            exceeded = {p.above for row in PRIMITIVES.values() for p in row.parameters}
            return ABOVE if parameter.above else BELOW if parameter.name in exceeded else NUMBERS
        case "size":
            one = range(least, least + (5 if parameter.default is REQUIRED else 4))
            lists = [(least + 1, *(least + 2,) * (shape.rank - 1)), (least, *(least + 1,) * (shape.rank - 1))]
            return (*one, *(lists if shape.rank > 1 else ()))
        case "int or list":
            unequal = [[1, shape.channels - 1], [shape.channels - 2, 1, 1], [shape.channels]]
            return (*range(least, least + MAX_WIDTH), *(tuple(parts) for parts in unequal if min(parts) >= least))
        case "list":
            whole = shape.channels
            if parameter.default is None:  # of a parameter: a number, or one for each channel
                return [(), (1,), (whole,), (1, *(1,) * shape.rank), (whole, *(1,) * shape.rank)]
            return ([(n,) for n in (whole,)] + [(1, whole), (whole, 1), (whole, 1, 1)]) if constants(shape) else ()
    return ()


def constants(shape: Shape) -> bool:
    return all(is_constant(f) for f in shape.sizes)


def results(
    row: Primitive, taken: dict[str, Term], shapes: tuple[Shape, ...], keeping: bool
) -> tuple[tuple[Shape, ...], ...] | None:
    """The shapes in every occurrence; what is still to be chosen has its default or least value meanwhile."""
    rest = {p.name: simplest(p, shapes[0]) for p in row.parameters if p.name not in taken and p.default is REQUIRED}
    out = []
    for i, shape in enumerate(shapes):
        arguments = {**rest, **{name: settled_value(row, name, term.values[i]) for name, term in taken.items()}}
        outputs = outcome(row, tuple(arguments.items()), (shape,), keeping)
        if outputs is None:
            return None
        out.append(outputs)
    return tuple(out)


def settled_value(row: Primitive, name: str, value: Any) -> Any:
    """A value as the evaluator hands it on: a size with equal axes is one number."""
    return normal_size(value) if any(p.name == name and p.type == "size" for p in row.parameters) else value


def simplest(parameter: Parameter, shape: Shape) -> Any:
    return next(iter(plain_values(parameter, shape)), None)


@lru_cache(maxsize=1 << 16)
def outcome(
    row: Primitive, arguments: tuple[tuple[str, Any], ...], shapes: tuple[Shape, ...], keeping: bool
) -> tuple[Shape, ...] | None:
    """What the compiler's shape rule gives; None where it refuses, or where sizes change against the wish."""
    constraints: list[Condition] = []
    if any(value is None for _, value in arguments):
        return None
    try:
        args = complete_arguments(row, dict(arguments), shapes[0].rank, NOWHERE, channels=shapes[0].channels)
        outputs = infer_shapes(row, args, shapes, NOWHERE, constraints)
    except Fault:
        return None
    for demand in constraints:
        if is_constant(demand.fn) and not satisfied(demand, evaluate(demand.fn, 1)):
            return None
    if keeping and not all(follows_stride(shapes[0], shape, args.get("stride", 1)) for shape in outputs):
        return None
    return tuple(opened(shape) for shape in outputs)


def satisfied(demand: Condition, size: int) -> bool:
    """Whether a constant size does what is demanded of it; two that must be equal are left alone."""
    if not isinstance(demand.other, int):
        return False
    return size % demand.other == 0 if demand.kind == "multiple" else size >= demand.other


def follows_stride(before: Shape, after: Shape, stride: Any) -> bool:
    """Whether sizes are those of the input, divided by the stride and rounded up."""
    return after.rank == before.rank and all(
        is_constant(f) or g == step(f, get_size_on_axis(stride, i), 0)
        for i, (f, g) in enumerate(zip(before.sizes, after.sizes, strict=True))
    )


def opened(shape: Shape) -> Shape:
    """The shape with every open size as `identity`: only constants decide what is legal."""
    return Shape(shape.channels, tuple(f if is_constant(f) else identity() for f in shape.sizes))


def open_map(channels: int, rank: int) -> Shape:
    return Shape(channels, (identity(),) * rank)


@lru_cache(maxsize=8)
def shape_keeping(rank: int) -> tuple[str, ...]:
    """Calls of primitives that keep the shape of every map, whatever its channels: fit for the slots of a block.

    Slots stand in sequences too, where a parameter cannot be.
    """
    maps = tuple(open_map(channels, rank) for channels in (1, 2, 3, 5, 7))
    wish = Wish(keeping=True, fixed=(("stride", literal(1, len(maps))),))
    fit = rows(lambda row: takes_map(row) and row.name not in PARAMETERS)
    outputs = (settled(row, maps, wish, lambda options: 0) for row in fit)
    return tuple(one.text for one in outputs if one is not None and one.outputs == tuple((shape,) for shape in maps))
