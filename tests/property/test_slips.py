"""Right specs with one slip, and what is printed followed three times: most check again, as what they were.

`benchmarks/slips.py` is the same with more of each kind; its table stands in `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

pytestmark = pytest.mark.hypothesis  # it draws at random, by a seed
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def slips() -> ModuleType:
    spec = importlib.util.spec_from_file_location("slips", BENCHMARKS / "slips.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["slips"] = module  # dataclasses look there for their module
    spec.loader.exec_module(module)
    return module


def test_most_slips_are_mended_by_what_is_printed(slips: ModuleType) -> None:
    kinds = slips.slip_kinds.KINDS
    trials = {kind.name: slips.try_kind(kind, 2, Random(number)) for number, kind in enumerate(kinds)}
    assert len(trials) >= 20
    every = [trial for several in trials.values() for trial in several]
    left = "\n".join(f"{name}: {t.answers}" for name, several in trials.items() for t in several if not t.restored)
    assert sum(trial.checks for trial in every) >= 0.8 * len(every), left
    assert sum(trial.restored for trial in every) >= 0.6 * len(every), left


def test_a_slip_has_an_inverse(slips: ModuleType) -> None:
    """The text before it, which has neither a fault nor a warning; the slip changes nothing but its place."""
    right = slips.written_nets.write_right_spec(Random(5))
    assert slips.diagnose(right)[0].sink.diagnostics == []
    for kind in slips.slip_kinds.KINDS:
        for start, end, new in kind.list_slips(right):
            assert right[start:end] != new
            wrong = slips.slip_kinds.plant(right, (start, end, new))
            assert wrong[:start] + right[start:end] + wrong[start + len(new) :] == right
