"""`make fuzz` itself: what it counts, and what it leaves of a disagreement."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase

from resnetc import testing
from resnetc.testing import __main__ as replaying

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, with rounds of a few models, the same ones every time, and few tries to make an example small."""
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "benchmarks" / "fuzz.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fuzz", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROUND", 15)
    monkeypatch.setattr(module, "SHRINKING", 200)
    monkeypatch.setattr(module, "DRAWN", {"derandomize": True, "phases": [Phase.generate, Phase.shrink]})
    return module


def test_models_pairs_and_refusals_are_counted_once(fuzz: ModuleType) -> None:
    tally = fuzz.Tally()
    fuzz.draw_models(tally)
    assert tally.failure is None
    assert 3 <= len(tally.models) <= fuzz.ROUND
    assert 0 < tally.refused < tally.pairs <= 2 * fuzz.SIZES * len(tally.models)


def test_a_disagreement_is_made_small_and_can_be_seen_again(
    fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The compiler is taken to be wrong about every network with a `relu`."""

    found = []

    def wrong(trial: testing.Trial, sizes: Any, batch: int = 2, values: bool = True) -> int:
        if "relu" in trial.text:
            found.append(trial.text)
            raise AssertionError("a relu")
        return 0

    for module in (testing, replaying):
        monkeypatch.setattr(module, "assert_network_agrees", wrong)
    tally = fuzz.Tally()
    fuzz.draw_models(tally)
    assert tally.failure is not None
    assert tally.shrinking <= fuzz.SHRINKING + 1
    path = tmp_path / "failure.resnet"
    assert fuzz.disagreement(*tally.failure, path) == 1
    printed = capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    assert text in printed and "AssertionError: a relu" in printed
    assert text in found and len(text) == min(map(len, found)) < len(found[0])
    command = re.search(r"to replay: python -m resnetc\.testing (.*)", printed)
    assert command is not None and command[1].startswith(str(path))
    assert replaying.main(command[1].split()) == 1
    assert capsys.readouterr().out.startswith("a relu")
    monkeypatch.undo()
    assert replaying.main(command[1].split()) == 0  # the compiler is right after all


def test_shrinking_ends_after_so_many_texts(fuzz: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(text: str, *others: Any) -> tuple[int, int]:
        assert len(text) < 700
        return 0, 0

    monkeypatch.setattr(fuzz, "compare", wrong)
    monkeypatch.setattr(fuzz, "SHRINKING", 7)
    tally = fuzz.Tally()
    fuzz.draw_models(tally)
    assert tally.failure is not None and tally.shrinking == fuzz.SHRINKING + 1
