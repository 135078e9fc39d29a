"""Blocks in blocks: all that occur count against the limit, and what is below it is whole and quick."""

import sys
from pathlib import Path

import pytest

from resnetc.compiler.expansion.choices import Choices
from resnetc.compiler.ir.network import ExpandedBlock, Module, Sequence
from resnetc.testing import trials

sys.path.insert(0, str(Path(__file__).parents[2] / "security"))

from doublings import KINDS

from tests.support import check, list_faults, open_session


def occurring(module: Module) -> tuple[int, int, bool]:
    """Blocks and operations one by one, and whether one of them has keys: what `extent` says without a walk."""
    if isinstance(module, Sequence):
        parts, blocks = [child for _, child in module.children], 0
    elif isinstance(module, ExpandedBlock):
        parts, blocks = [s.operation for s in module.steps if not isinstance(s.operation, str)], 1
    else:
        return 0, 1, module.primitive.state not in ("", "filter")
    sums = len(module.steps) - len(parts) if isinstance(module, ExpandedBlock) else 0
    found = [occurring(part) for part in parts]
    return (
        blocks + sum(b for b, _, _ in found),
        sums + sum(o for _, o, _ in found),
        any(keeps for _, _, keeps in found),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_extent_of_a_module_is_that_of_all_it_holds(kind: str) -> None:
    for checked in check(KINDS[kind](5))[0]:
        extent = checked.network.root.extent
        assert (extent.blocks, extent.operations, extent.keeps_state) == occurring(checked.network.root)


@pytest.mark.parametrize("kind", ["blocks", "labelled blocks with keys", "sums of blocks", "gates of blocks"])
def test_blocks_in_blocks_count_as_often_as_they_occur(kind: str) -> None:
    session = open_session(KINDS[kind](30))
    session.compile_networks()
    assert [fault.message for fault in session.sink.diagnostics] == ["the network is too large: 32,766 blocks"]
    assert session.file_cost < 10_000
    assert list_faults(KINDS[kind](13)) == []


def test_policies_that_are_absent_take_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = 0
    decide = Choices.decide

    def counting(self, *arguments):
        nonlocal decided
        decided += 1
        return decide(self, *arguments)

    monkeypatch.setattr(Choices, "decide", counting)
    for kind in ("policies that ask", "policies that name", "policies that add nothing"):
        decided = 0
        (fault,) = list_faults(KINDS[kind](30))
        assert fault.startswith("E0329 ") and decided <= 25_001


def test_a_network_of_thousands_of_equal_blocks_is_compiled_once() -> None:
    (trial,) = trials(KINDS["labelled blocks with keys"](12))
    assert trial.network.root.extent.blocks == 2**13
    assert len(trial.source.splitlines()) < 300
