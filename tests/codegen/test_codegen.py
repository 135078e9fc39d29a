"""The text of a module, construct by construct: a spec, and beside it the file that is made of it.

`pytest --update tests/codegen` records what is made now; review it as its reader would.
"""

from pathlib import Path

import pytest

from resnetc.compiler.driver.session import Session
from resnetc.testing import assert_network_agrees, trials

HERE = Path(__file__).parent
SPECS = sorted(HERE.glob("*.resnet"))


@pytest.fixture(scope="module")
def session() -> Session:
    """One for all specs: the files that they use are read once."""
    return Session()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_module_is_what_is_recorded(
    spec: Path, session: Session, update: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    session.add(spec.name)
    (checked,) = [network for network in session.compile_networks() if network.title == spec.name]
    made, recorded = session.render(checked), spec.with_suffix(".py")
    assert session.sink.diagnostics == []
    if update:
        recorded.write_text(made, encoding="utf-8")
    assert made == recorded.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_module_does_what_its_spec_says(spec: Path) -> None:
    (trial,) = trials(spec.read_text(encoding="utf-8"))
    assert_network_agrees(trial, [trial.network.input.sizes])


def test_every_recorded_module_has_a_spec() -> None:
    recorded = {path.stem for path in HERE.glob("*.py")} - {Path(__file__).stem}
    assert recorded == {spec.stem for spec in SPECS}
