"""A stretch of training, as a recipe says it: `10 min`, `30 s`, `2 h`, or a number of steps."""

import re
import time
from dataclasses import dataclass

_INTERVAL = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(s|min|h|steps?)?")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
EXPECTED = "a time, such as `10 min`, `30 s` or `2 h`, or a number of steps"


@dataclass(frozen=True, slots=True)
class Interval:
    """So many seconds, or so many steps; both None: never."""

    seconds: float | None
    steps: int | None


def parse_interval(text: str) -> Interval | None:
    """The interval that the text stands for, 0 for never; None if it is none."""
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        return None
    number, unit = match.groups()
    if float(number) == 0:
        return Interval(None, None)
    if unit in _SECONDS:
        return Interval(float(number) * _SECONDS[unit], None)
    return Interval(None, int(number)) if number.isdigit() else None


class SaveTimer:
    """Says after which steps a run is to be saved, besides the ends of its epochs."""

    def __init__(self, interval: Interval, step: int) -> None:
        """`step`: the steps done so far, all of them saved."""
        self._interval = interval
        self._saved_step, self._saved_time = step, time.perf_counter()

    def restart(self, step: int) -> None:
        """The run was saved after `step`."""
        self._saved_step, self._saved_time = step, time.perf_counter()

    def is_due(self, step: int) -> bool:
        """Whether the run, after `step`, is to be saved."""
        seconds, steps = self._interval.seconds, self._interval.steps
        if seconds is not None and step > self._saved_step:
            return time.perf_counter() - self._saved_time >= seconds
        return steps is not None and step >= self._saved_step + steps
