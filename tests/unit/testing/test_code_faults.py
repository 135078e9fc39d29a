"""Faults that `make mutants` plants in the code generator: one of each kind is seen, and taken out again."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("mutations", "code_faults", "code_mutants"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("code_mutants")


@pytest.mark.parametrize(
    ("kind", "words", "body"),
    [
        ("prefix of a list", "if refs[: len(operation.inputs)] ==", 0),
        ("operand twice", "text.count(mark) > 2", -1),
        ("literal for a parameter", "role == 'kernel'", 0),
        ("lost label", "self.prefix, self._call, self._outer", 1),
    ],
)
def test_a_planted_fault_is_seen(mutants: ModuleType, kind: str, words: str, body: int) -> None:
    text = [*mutants.written()][body]
    fault = next(f for f in mutants.faults() if f.kind == kind and words in f.key)
    mutants.agree(text)
    remove = mutants.plant(fault)
    try:
        with pytest.raises((AssertionError, RuntimeError, TypeError)):
            mutants.agree(text)
    finally:
        remove()
    mutants.agree(text)


def test_every_fault_fits_its_module(mutants: ModuleType) -> None:
    faults = mutants.faults()
    assert len({fault.key for fault in faults}) == len(faults) >= 80
    for fault in faults:
        mutants.plant(fault)()
