"""Times several arms side by side in one process: interleaved rounds, paired ratios with a bootstrap interval, JSON.

Imports NumPy alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy

Clock = Callable[[], float]


@dataclass
class Arm:
    """step: trains on one batch of `images`; wait: returns when all steps so far are done."""

    name: str
    step: Callable[[], None]
    images: int
    wait: Callable[[], None] = lambda: None
    seconds: list[float] = field(default_factory=list)  # of one step, round by round

    def measure(self, steps: int, clock: Clock) -> None:
        """Take so many steps, and note the time of one."""
        self.wait()
        began = clock()
        for _ in range(steps):
            self.step()
        self.wait()
        self.seconds.append((clock() - began) / steps)

    def describe(self) -> dict[str, object]:
        """The figures of this arm."""
        median = float(numpy.median(self.seconds)) if self.seconds else None
        rate = self.images / median if median else None
        return {"median_ms": 1000 * median if median else None, "images_per_second": rate, "n": len(self.seconds)}


def interleave(arms: list[Arm], rounds: int, steps: int, clock: Clock, has_time: Callable[[], bool]) -> None:
    """Measure all arms in every round, every second one backwards; a round that was begun is finished."""
    for number in range(rounds):
        if not has_time():
            return
        for arm in arms if number % 2 == 0 else arms[::-1]:
            arm.measure(steps, clock)


def compare(one: Arm, other: Arm) -> dict[str, object]:
    """How much longer a step of `other` takes than one of `one`: the median of the rounds' ratios, and its 95 %
    bootstrap interval."""
    count = min(len(one.seconds), len(other.seconds))
    if count == 0:
        return {"ratio": None, "n": 0}
    ratios = numpy.array(other.seconds[:count]) / numpy.array(one.seconds[:count])
    draws = numpy.random.default_rng(0).choice(ratios, (2000, count))
    low, high = numpy.quantile(numpy.median(draws, axis=1), [0.025, 0.975])
    return {"ratio": float(numpy.median(ratios)), "low": float(low), "high": float(high), "n": count}


class Results:
    """What was measured, written down whenever something is added, so that a machine that goes away loses one arm."""

    def __init__(self, path: Path | None, environment: dict[str, object]) -> None:
        self.path, self.values = path, {"environment": environment}
        if path is not None and path.exists():
            self.values = json.loads(path.read_text()) | {"environment": environment}

    def add(self, group: str, name: str, value: object) -> None:
        """Keep and print `value`."""
        entries = self.values.setdefault(group, {})
        assert isinstance(entries, dict)
        entries[name] = value
        print(f"{group}: {name}: {json.dumps(value)}", flush=True)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_name(self.path.name + ".tmp")
            temporary.write_text(json.dumps(self.values, indent=1))
            os.replace(temporary, self.path)


class Deadline:
    """Says whether there is time left of so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.end = time.perf_counter() + seconds

    def has_time(self) -> bool:
        """Whether there is."""
        return time.perf_counter() < self.end
