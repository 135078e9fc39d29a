"""What a value read from JSON is, where the file may come from a stranger."""


def is_count(value: object) -> bool:
    """A whole number that torch and the system can count to."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def is_figure(value: object) -> bool:
    """A finite number; a whole one that is too large for a float is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e300 < value < 1e300
