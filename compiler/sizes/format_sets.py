"""Formats sets of sizes, as text and as data for other programs."""

from __future__ import annotations

import re

from resnetc.compiler.sizes.sets import ALL, SizeSet, from_minimum, from_residues

FEW_RUNS = 3
"""Finitely many runs are listed up to here, even where they recur."""

MAX_RUNS = 8
"""A list of runs is a sample beyond these."""


def span(first: int, last: int) -> str:
    """The sizes from `first` to `last`."""
    return str(first) if first == last else f"{first} .. {last}"


def show_set(a: SizeSet, symbol: str = "H") -> str:
    """The set as people write it: `H >= 17`, `H = 32n-1 .. 32n+2, n >= 1`, `H = 3 or H >= 5`."""
    if a == ALL:
        return f"every {symbol}"
    if a.is_empty:
        return f"no {symbol}"
    if a.is_finite:
        return f"{symbol} = {_show_finite(a, symbol)}"
    least = a.next_from(a.onset)
    assert least is not None  # the set is infinite
    if a.period == 1:
        tail = f"{symbol} >= {least}"
    else:
        tail = f"{symbol} = {_show_residues(a.residues, a.period)}{_show_start(a, symbol, least)}"
    if not a.head:
        return tail
    return f"{symbol} = {_listed(_runs(a.head))} or " + (tail if a.period == 1 else f"({tail})")


def _show_residues(residues: int, period: int) -> str:
    """One run is written round a multiple of the period, anything else as residues."""
    runs = _cyclic_runs(residues, period)
    if len(runs) == 1 and runs[0][0] < runs[0][1]:
        return " .. ".join(f"{period}n{offset:+}" if offset else f"{period}n" for offset in _centred(*runs[0], period))
    return f"{_listed(runs)} mod {period}"


def _show_start(a: SizeSet, symbol: str, least: int) -> str:
    """Where an infinite set starts that is regular from `least` on."""
    runs = _cyclic_runs(a.residues, a.period)
    if len(runs) == 1 and runs[0][0] < runs[0][1]:
        turn, inside = divmod(least - _centred(*runs[0], a.period)[0], a.period)
        if not inside or a.onset == 1:
            return f", n >= {turn}"
    return "" if a.onset == 1 else f", {symbol} >= {least}"


def _centred(low: int, high: int, period: int) -> tuple[int, int]:
    """The run of residues round the nearer multiple of the period."""
    return (low - period, high - period) if low + high > period else (low, high)


def _show_finite(a: SizeSet, symbol: str) -> str:
    """A few runs are listed; more that recur regularly are written as the pattern and its ends."""
    runs = _runs(a.head)
    first, last = runs[0][0], runs[-1][1]
    window, length = a.head >> first, last - first + 1
    # Counted from the second run, for the first may have lost its beginning.
    for period in (start - runs[1][0] for start, _ in runs[2 : MAX_RUNS + 1] if len(runs) > FEW_RUNS):
        if 2 * period <= length and window >> period == window & ((1 << length - period) - 1):
            pattern = from_residues(period, (n for n in range(first, first + period) if n in a))
            return f"{_show_residues(pattern.residues, period)}, {first} <= {symbol} <= {last}"
    return _listed(runs)


def _listed(runs: list[tuple[int, int]]) -> str:
    if len(runs) <= MAX_RUNS:
        return ", ".join(span(*run) for run in runs)
    count = sum(last - first + 1 for first, last in runs)
    return ", ".join(span(*run) for run in runs[:MAX_RUNS]) + f", ... ({count} up to {runs[-1][1]})"


def _runs(bits: int) -> list[tuple[int, int]]:
    """The maximal runs of ones in a bit string, as (first, last)."""
    return [(run.start(), run.end() - 1) for run in re.finditer("1+", f"{bits:b}"[::-1])]


def _cyclic_runs(residues: int, period: int) -> list[tuple[int, int]]:
    """The maximal runs of residues modulo the period; one that passes the period goes on above it."""
    runs = _runs(residues)
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == period - 1:
        (_, last), *runs = runs
        runs[-1] = (runs[-1][0], period + last)
    return runs


def describe(a: SizeSet) -> dict[str, int | list[int]]:
    """The set as data: `{"min": 31, "modulus": 32, "residues": [0, 1, 2, 31], "except": []}`, or `{"only": [224]}`.

    `except` lists the sizes above `min` that are missing; `also` is there only if further sizes belong to the set
    without being in its residues.
    """
    if a.is_finite:
        return {"only": list(a)}
    residues = [r for first, last in _runs(a.residues) for r in range(first, last + 1)]
    pattern = a.continued
    least = next(iter(a & pattern))
    description: dict[str, int | list[int]] = {
        "min": least,
        "modulus": a.period,
        "residues": residues,
        "except": list((pattern - a) & from_minimum(least)),
    }
    if also := list(a - pattern):
        description["also"] = also
    return description
