"""Limits on how irregular sizes may become and on the work spent on them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

MAX_PERIOD = 2**20
"""Published networks stay at or below 2**8, and odd mixtures of strides at a few thousand."""

MAX_ONSET = 2**24
"""Below this size a function or a set may have exceptions. No axis of an image is that long."""

MAX_ENTRIES = 2**22
"""Values of long tables that the claims of one network may take, all together: about half a second."""

MAX_STEPS = 2**18
"""Terms that the claims of one network may look at in cases and pieces, all together: about a second."""

MAX_RESULTS = 2**8  # results of a function

LONG = 2**8
"""Shorter tables are as quick as the statements that ask for them, and free."""


class SizesTooIrregular(ArithmeticError):
    """An exact answer exists, but its table would be too long to write down."""


class BudgetSpent(SizesTooIrregular):
    """An answer would take more than is left to the claims of a network."""


def check_period(period: int) -> None:
    """Refuse a table that would repeat later than `MAX_PERIOD`."""
    if period > MAX_PERIOD:
        raise SizesTooIrregular(f"sizes too irregular: period {number(period)}")


def check_onset(onset: int) -> None:
    """Refuse a table that would have exceptions above `MAX_ONSET`."""
    if onset > MAX_ONSET:
        raise SizesTooIrregular(f"sizes too irregular: exceptions up to {number(onset - 1)}")


# -- all claims of a network together ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Budget:
    """What is left to the claims of one network."""

    entries: int = MAX_ENTRIES
    steps: int = MAX_STEPS

    @property
    def spent(self) -> int:
        """What was taken, as so many statements run."""
        return (MAX_ENTRIES - self.entries) // 32 + (MAX_STEPS - self.steps) // 2


_budgets: list[Budget] = []  # in force, the innermost last
_taken = 0  # entries of long tables, ever


@contextmanager
def within(budget: Budget) -> Iterator[None]:
    """Whatever is computed inside is paid from a budget."""
    _budgets.append(budget)
    try:
        yield
    finally:
        _budgets.pop()


def charge_entries(entries: int) -> None:
    """Pay for so many values of a table, before they are written down."""
    global _taken
    if entries <= LONG:
        return
    if _budgets:
        if entries > _budgets[-1].entries:
            raise BudgetSpent(
                f"the claims of a network can evaluate at most {MAX_ENTRIES:,} values of size functions "
                "with long periods"
            )
        _budgets[-1].entries -= entries
    _taken += entries


def charge_terms(terms: int) -> None:
    """Pay for one more case or piece of so many terms."""
    if _budgets:
        if terms > _budgets[-1].steps:
            raise BudgetSpent(f"the claims of a network can examine at most {MAX_STEPS:,} terms, case by case")
        _budgets[-1].steps -= terms


P = ParamSpec("P")
R = TypeVar("R")


class memoized(Generic[P, R]):
    """Remembers the last results of a function.

    Those that take long tables are made anew, and paid for, each time: no memory holds such tables, and what a claim
    takes does not depend on what was asked before it.
    """

    # With `lru_cache` the cost of a claim would depend on what was checked before it: the second network of a run might
    # pass where alone it exceeds its budget. So only results that charged nothing are remembered. The oldest result is
    # dropped, not the one unused for longest: the caches are small, and a hit then needs no bookkeeping.

    def __init__(self, function: Callable[P, R]) -> None:
        self.__wrapped__ = self.function = function
        self.results: dict[Hashable, R] = {}
        self.cache_clear = self.results.clear

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if args in self.results:
            return self.results[args]
        before = _taken
        result = self.function(*args, **kwargs)
        if _taken == before:
            if len(self.results) == MAX_RESULTS:
                del self.results[next(iter(self.results))]
            self.results[args] = result
        return result


def number(n: int, bits: int = 64) -> str:
    """A number as text; one of more bits by its length."""
    # Python refuses to print very long integers, which a long chain of strides easily makes.
    return str(n) if n.bit_length() <= bits else f"over 2^{n.bit_length() - 1}"
