"""How irregular sizes may become before the compiler gives up on them."""

from __future__ import annotations

MAX_PERIOD = 2**20
"""Published networks stay at or below 2**8, and odd mixtures of strides at a few thousand."""

MAX_ONSET = 2**24
"""Below this size a function or a set may have exceptions. No axis of an image is that long."""


class SizesTooIrregular(ArithmeticError):
    """An exact answer exists, but its table would be too long to write down."""


def check_period(period: int) -> None:
    """Refuse a table that would repeat later than `MAX_PERIOD`."""
    if period > MAX_PERIOD:
        raise SizesTooIrregular(f"sizes too irregular: period {number(period)}")


def check_onset(onset: int) -> None:
    """Refuse a table that would have exceptions above `MAX_ONSET`."""
    if onset > MAX_ONSET:
        raise SizesTooIrregular(f"sizes too irregular: exceptions up to {number(onset - 1)}")


def number(n: int, bits: int = 64) -> str:
    """A number as text; one of more bits by its length."""
    # Python refuses to print very long integers, which a long chain of strides easily makes.
    return str(n) if n.bit_length() <= bits else f"over 2^{n.bit_length() - 1}"
