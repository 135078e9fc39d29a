"""Applies an `extern`: the shapes, conditions and figures that its declaration gives for one map and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import DefinedLayer, Tensor, Value
from resnetc.compiler.expansion import extern_errors as errors
from resnetc.compiler.expansion.frames import Frames
from resnetc.compiler.expansion.input_declaration import MAX_PERIOD, not_one_axis, solve_on_one_axis, too_far
from resnetc.compiler.expansion.leaves import Leaves
from resnetc.compiler.ir.network import Condition, External, Leaf
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.names.extern_declarations import find_claimed_figure, get_claimed_value, split_target
from resnetc.compiler.sizes import (
    ALL,
    SizeFn,
    SizesTooIrregular,
    at_least,
    compose,
    constant,
    exact_quotient,
    identity,
    is_constant,
    only,
)
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.evaluator import SizedEvaluator
from resnetc.compiler.symbolic.polynomials import Key, Polynomial
from resnetc.compiler.symbolic.values import SymInt, to_polynomial
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import MAX_CHANNELS, REQUIRED, Parameter, Primitive

if TYPE_CHECKING:
    from resnetc.compiler.ir.paths import Arguments

Cost = Mapping[tuple[SizeFn, ...], int]


def make_leaf(layer: DefinedLayer, source: Tensor, frame: Frame, frames: Frames, leaves: Leaves) -> Leaf:
    """The operation that an `extern` is for a map."""
    item = layer.item
    assert isinstance(item, syntax.Extern)
    leaves.count(layer.span)
    inner = frames.build_definition_frame(layer, source, frame, frame.scope)
    arguments = cast("Arguments", tuple((p.name.id, inner.locals[p.name.id]) for p in item.parameters))
    application = Application(item=item, frame=inner, evaluator=frames.evaluator, shape=source.shape, call=layer.span)
    external, output = application.build_external()
    leaves.externs.append(external)
    if frame.scope is not None:
        frame.scope.constraints.extend(external.conditions)
    return Leaf(
        primitive=make_primitive(item),
        arguments=arguments,
        inputs=(source.shape,),
        outputs=(output,),
        span=layer.span,
        external=external,
    )


def make_primitive(item: syntax.Extern) -> Primitive:
    """The row that an `extern` would have in the table."""
    parameters = (Parameter(p.name.id, p.type.id, REQUIRED if p.default is None else None) for p in item.parameters)
    return Primitive(item.name.id, tuple(parameters), item.name.id, "extern", "extern", doc=item.doc)


class Application:
    """An `extern` at one place: its names have their values, and its sizes are those of the map that arrives."""

    def __init__(self, item: syntax.Extern, frame: Frame, evaluator: Evaluator, shape: Shape, call: Span) -> None:
        self.item, self.frame, self.evaluator, self.shape, self.call = item, frame, evaluator, shape, call
        self.accepted = [ALL] * shape.rank
        self.symbols = self.bind(list_entries(item.shape_in))
        values = {symbol: SymInt(axis, symbol, identity()) for axis, symbol in enumerate(self.symbols) if symbol}
        self.sized = SizedEvaluator(evaluator, values)

    def build_external(self) -> tuple[External, Shape]:
        """All that the declaration says, and the shape of the result."""
        if self.item.condition is not None:
            self.restrict(self.item.condition)
        channels, sizes = self.evaluate_result(list_entries(self.item.shape_out))
        figures = {find_claimed_figure(expect): get_claimed_value(expect) for expect in self.item.expects}
        module, name = split_target(self.item.target.value)
        external = External(
            definition=self.item,
            module=module,
            name=name,
            sizes=sizes,
            conditions=tuple(self.list_conditions()),
            parameters=self.count("parameters", figures.get("parameters")),
            buffers=self.count("buffers", figures.get("buffers")),
            multiply_adds=self.evaluate_cost(figures.get("multiply_adds")),
            window=self.evaluate_window(figures.get("window")),
        )
        self.evaluator.reads |= self.sized.evaluator.reads  # an equal block is equal in these as well
        self.evaluator.counted |= self.sized.evaluator.counted
        return external, Shape(channels, tuple(self.compose_with_arriving(fn, axis) for axis, fn in enumerate(sizes)))

    def compose_with_arriving(self, fn: SizeFn, axis: int) -> SizeFn:
        """A function of the size that arrives on an axis, as one of the size of the network's input."""
        return fn if is_constant(fn) else compose(fn, self.shape.sizes[axis])

    # -- what it takes ------------------------------------------------------------------------------------------------

    def bind(self, shape: tuple[syntax.Expr, ...]) -> list[str]:
        """Gives the names of the shape their values; the names of the sizes, empty where the declaration fixes one."""
        first, *axes = shape
        if len(axes) != self.shape.rank:
            raise Fault(errors.wrong_rank(self.item, self.shape, self.call))
        if isinstance(first, syntax.Name) and first.id not in self.frame.locals:
            self.frame.locals[first.id] = self.shape.channels
            self.evaluator.counted[id(self.shape)] = self.shape
        elif (channels := self.evaluator.integer(first, self.frame)) != self.shape.channels:
            raise Fault(errors.wrong_channels(self.item, first, channels, self.shape, self.call))
        symbols: list[str] = []
        for number, axis in enumerate(axes):
            is_open = isinstance(axis, syntax.Name) and axis.id not in self.frame.locals
            symbols.append(axis.id if isinstance(axis, syntax.Name) and is_open else "")
            if not is_open:
                self.accepted[number] &= only(self.evaluator.integer(axis, self.frame))
        return symbols

    def restrict(self, condition: syntax.Expr) -> None:
        """Leaves the sizes that the condition allows: conjuncts, each about one axis or about arguments alone."""
        if isinstance(condition, syntax.Binary) and condition.op == "and":
            self.restrict(condition.left)
            self.restrict(condition.right)
            return
        try:
            truth = self.sized.evaluate_condition(condition, self.frame)
            if truth is False:
                raise Fault(errors.refused(self.item, condition, self.call))
            restriction = None if isinstance(truth, bool) else solve_on_one_axis(truth, condition.span)
        except SizesTooIrregular:
            raise Fault(too_far(condition.span, "the condition of an `extern`")) from None
        if truth is True:
            return
        if restriction is None:
            raise Fault(not_one_axis(condition.span, "the condition of an `extern`"))
        axis, sizes = restriction
        if max(sizes.period, sizes.onset) > MAX_PERIOD:
            raise Fault(too_far(condition.span, "the condition of an `extern`"))
        self.accepted[axis] &= sizes

    def list_conditions(self) -> list[Condition]:
        """What it demands of each size."""
        text = f"`{self.item.name.id}`"
        return [
            Condition(kind="within", axis=axis, fn=self.shape.sizes[axis], other=sizes, span=self.call, text=text)
            for axis, sizes in enumerate(self.accepted)
            if sizes != ALL
        ]

    # -- what it gives ------------------------------------------------------------------------------------------------

    def evaluate_result(self, shape: tuple[syntax.Expr, ...]) -> tuple[int, tuple[SizeFn, ...]]:
        """The channels of the result, and each of its sizes by the size that arrives on its axis."""
        first, *axes = shape
        channels = self.sized.evaluator.evaluate(first, self.frame)
        if not isinstance(channels, int) or isinstance(channels, bool) or not 1 <= channels <= MAX_CHANNELS:
            raise Fault(errors.not_channels(self.item, first, channels))
        return channels, tuple(self.evaluate_size(expr, axis) for axis, expr in enumerate(axes))

    def evaluate_size(self, expr: syntax.Expr, axis: int) -> SizeFn:
        value = self.sized.evaluator.evaluate(expr, self.frame)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return constant(value)
        if not isinstance(value, SymInt) or value.axis != axis:
            raise Fault(errors.not_a_size(self.item, expr, value, self.symbols, axis))
        fn = value.fn
        if value.divisor > 1:
            try:
                fn = exact_quotient(fn, value.divisor, self.accepted[axis])
            except ValueError:
                raise Fault(errors.not_a_size(self.item, expr, value, self.symbols, axis)) from None
        self.accepted[axis] &= at_least(fn, 1)
        return fn

    # -- its figures --------------------------------------------------------------------------------------------------

    def evaluate_value(self, expr: syntax.Expr) -> Value:
        return self.sized.evaluator.evaluate(expr, self.frame)

    def count(self, figure: str, expr: syntax.Expr | None) -> int | None:
        """A figure that no size changes."""
        if expr is None:
            return None
        value = self.evaluate_value(expr)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Fault(errors.not_a_count(figure, expr, value, "an integer of at least 0, the same at every size"))
        return value

    def evaluate_window(self, expr: syntax.Expr | None) -> tuple[int, ...] | None:
        """How many positions of each axis one position of the result sees."""
        if expr is None:
            return None
        value = self.evaluate_value(expr)
        axes = value if isinstance(value, tuple) else (value,) * self.shape.rank
        numbers = tuple(n for n in axes if isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= MAX_CHANNELS)
        if len(numbers) < len(axes) or len(axes) != self.shape.rank or not axes:
            raise Fault(
                errors.not_a_count("window", expr, value, "an integer of at least 1, or a list with one per size")
            )
        return numbers

    def evaluate_cost(self, expr: syntax.Expr | None) -> Cost | None:
        """The multiply-adds by the sizes that arrive."""
        if expr is None:
            return None
        value = self.evaluate_value(expr)
        if isinstance(value, bool) or not isinstance(value, int | SymInt | Polynomial):
            raise Fault(errors.not_a_count("multiply_adds", expr, value, "an integer at every size"))
        cost: dict[tuple[SizeFn, ...], int] = {}
        for key, coefficient in to_polynomial(value).terms.items():
            if coefficient.denominator != 1:
                raise Fault(errors.not_a_count("multiply_adds", expr, value, "an integer at every size"))
            row, number = split_product(key, self.shape.rank, int(coefficient))
            cost[row] = cost.get(row, 0) + number
        if any(not row and number < 0 and len(cost) == 1 for row, number in cost.items()):
            raise Fault(errors.not_a_count("multiply_adds", expr, value, "an integer of at least 0"))
        return cost


def split_product(key: Key, rank: int, coefficient: int) -> tuple[tuple[SizeFn, ...], int]:
    """A product of sizes as rows of one function an axis; what is the same at every size is multiplied out."""
    factors: list[list[SizeFn]] = [[] for _ in range(rank)]
    for axis, fn in key:
        factors[axis].append(fn)
    rows, one = max(map(len, factors), default=0), constant(1)
    columns = [[*column, *[one] * (rows - len(column))] for column in factors]
    return tuple(column[number] for number in range(rows) for column in columns), coefficient


def list_entries(shape: syntax.Expr) -> tuple[syntax.Expr, ...]:
    """The channels and sizes of a shape."""
    assert isinstance(shape, syntax.List)  # by the check of names
    return shape.items
