"""Limits the work of an evaluation: counts statements and parts of values, and bounds the nesting of definitions."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.arithmetic import weight
from resnetc.compiler.evaluation.values import Value
from resnetc.compiler.source import Span

MAX_WORK = 200_000
MAX_NESTED = 32
PARTS_A_STATEMENT = 25  # parts of lists and layers that cost as much to look at as a statement costs to run


class Work:
    """What one evaluator has done so far, and how deep in definitions it is."""

    __slots__ = ("done", "depth")

    def __init__(self) -> None:
        self.done = 0  # statements run and parts of values looked at
        self.depth = 0  # of definitions in each other

    def charge(self, work: int, span: Span) -> None:
        """Counts work; a fault where a network takes too much of it."""
        self.done += work
        if self.done > MAX_WORK:
            raise Fault(errors.too_much_work(span, MAX_WORK))

    def charge_elements(self, values: tuple[Value, ...], span: Span) -> None:
        """Counts the elements of the lists among some values."""
        self.charge(sum(len(v) for v in values if isinstance(v, tuple)) // PARTS_A_STATEMENT, span)

    def check_size(self, value: Value, span: Span) -> Value:
        """A list or a layer, unless it has too many parts."""
        self.done += weight(value, span) // PARTS_A_STATEMENT
        if self.done > MAX_WORK:
            raise Fault(errors.too_much_work(span, MAX_WORK))
        return value

    def inside(self, span: Span) -> Inside:
        """One definition further in; a fault where they are too many, or use up Python's stack together."""
        return Inside(self, span)


class Inside:
    """A definition while it is evaluated; `contextmanager` would cost three times as much, and most layers have one."""

    __slots__ = ("work", "span")

    def __init__(self, work: Work, span: Span) -> None:
        self.work, self.span = work, span

    def __enter__(self) -> None:
        if self.work.depth >= MAX_NESTED:
            raise Fault(errors.nested_too_deep(self.span, MAX_NESTED))
        self.work.depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        self.work.depth -= 1
        if isinstance(error, RecursionError):
            raise Fault(errors.nested_too_deep(self.span, MAX_NESTED)) from None
