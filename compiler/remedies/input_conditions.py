"""Suggests the `when` condition that would allow only sizes that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from resnetc.compiler.sizes import SizeSet, from_minimum, from_residues


def format_condition(sizes: SizeSet, symbol: str, declared: int) -> str | None:
    """A condition for `when` under which every size is in `sizes`, and the declared one is allowed if it can be."""
    least = sizes.next_from(sizes.onset) or sizes.min
    if least is None:
        return None
    if sizes.is_finite:
        first = sizes.min or 1
        last = ((~sizes).next_from(first) or first + 1) - 1
        return f"{symbol} == {first}" if first == last else f"{symbol} >= {first} and {symbol} <= {last}"
    modulus = sizes.period
    if modulus == 1:
        return f"{symbol} >= {least}"
    for residues, text in list_residue_conditions(sizes, symbol, declared if declared in sizes else least):
        allowed = from_residues(modulus, residues)
        if declared in sizes - allowed:
            continue
        if allowed.subset_of(sizes):
            return text
        if (allowed & from_minimum(least)).subset_of(sizes):
            return f"{text} and {symbol} >= {least}"
    return None


def list_residue_conditions(sizes: SizeSet, symbol: str, size: int) -> Iterator[tuple[Iterable[int], str]]:
    """Residues as conditions say them: the multiples, one run, those of one size."""
    modulus = sizes.period
    yield [0], f"{symbol} % {modulus} == 0"
    bits = f"{sizes.residues:0{modulus}b}"[::-1]
    runs = re.findall("1+", bits.lstrip("1") + bits[: len(bits) - len(bits.lstrip("1"))])
    if len(runs) == 1:
        start = (bits + bits).index("01") + 1
        moved = f"({symbol} - {start})" if start <= modulus // 2 else f"({symbol} + {modulus - start})"
        yield range(start, start + len(runs[0])), f"{moved} % {modulus} < {len(runs[0])}"
    yield [size % modulus], f"{symbol} % {modulus} == {size % modulus}"
