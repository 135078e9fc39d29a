"""Collects `.resnet` files in pytest: one test for each compilation, each `expect` and each prediction.

    pytest specs/                                   # no configuration
    pytest specs/ -k "resnet50 and not images"

Node ids are `FILE::NETWORK::compiles`, `FILE::NETWORK::expect CLAIM`, and `FILE::NETWORK::shapes` or another of the
predictions of `resnetc.testing.exercise`. The errors of a file are one failed test, `FILE::compiles`; a family whose
arguments are missing, and a file without models, have no tests. Loading this module imports only pytest: the compiler
is imported at the first `.resnet` file, torch when a test runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from resnetc.api import Compiled
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.claims.contract import Contract
    from resnetc.compiler.diagnostics.diagnostic import Diagnostic
    from resnetc.compiler.driver.session import Session
    from resnetc.testing.exercise import Finding
    from resnetc.testing.inputs import Example

EXAMPLES = 8  # inputs of a network, unless its edges are more; `resnetc test` tries others too
PREDICTIONS = (
    "shapes",
    "strides",
    "state",
    "multiply_adds",
    "activations",
    "calls",
    "buffers",
    "images",
    "layouts",
    "outputs",
)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    """Takes every file that ends in `.resnet`; a `collect_ignore_glob` in a conftest.py leaves some out."""
    return SpecFile.from_parent(parent, path=file_path) if file_path.suffix == ".resnet" else None


class Failed(Exception):
    """A test failed; its text is all there is to report."""

    def __init__(self, said: str) -> None:
        from resnetc.terminal import message

        super().__init__(message(said))


class SpecFile(pytest.File):
    """A spec: its networks, and a failed test for what keeps it from compiling."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        from resnetc.compiler.driver.session import Session
        from resnetc.terminal import remark

        session = Session()
        session.add(str(self.path))
        networks = session.compile_networks(include_refuted=True)
        claimed = {id(contract.fault) for checked in networks for contract in checked.contracts}
        faults = [fault for fault in session.sink.diagnostics if id(fault) not in claimed]
        if any(fault.severity == "error" for fault in faults):
            yield Told.from_parent(self, name="compiles", faults=faults)
        for checked in networks:
            yield NetworkNode.from_parent(self, name=remark(checked.network.name), compiler=session, checked=checked)


class NetworkNode(pytest.Collector):
    """A network; what its tests share is made by the first that needs it."""

    def __init__(self, *, compiler: Session, checked: CheckedNetwork, **more: Any) -> None:
        super().__init__(**more)
        self.compiler, self.checked = compiler, checked
        self._compiled: Compiled | None = None

    def collect(self) -> Iterable[pytest.Item]:
        from resnetc.terminal import remark

        yield Compiles.from_parent(self, name="compiles")
        for contract in self.checked.contracts:
            yield Expect.from_parent(self, name=f"expect {remark(contract.text)}", contract=contract)
        for name in PREDICTIONS:
            yield Prediction.from_parent(self, name=name)

    def compiled(self) -> Compiled:
        from resnetc.api import Compiled

        if self._compiled is None:
            self._compiled = Compiled(self.compiler.render(self.checked), self.checked.network, (), self.checked)
        return self._compiled

    def inputs(self) -> list[Example]:
        from resnetc.testing.inputs import examples

        return examples(self.checked.network, self.checked.accepted, self.checked.measures, EXAMPLES)


# -- tests ------------------------------------------------------------------------------------------------------------


class SpecItem(pytest.Item):
    """A test of a spec, reported at a line of it, without a traceback."""

    line = 0

    def reportinfo(self) -> tuple[Path, int | None, str]:
        assert self.parent is not None
        return self.path, self.line, f"{self.parent.name}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Failed) else super().repr_failure(excinfo, style)


class Told(SpecItem):
    """The faults of a file, as `resnetc check` prints them."""

    def __init__(self, *, faults: list[Diagnostic], **more: Any) -> None:
        super().__init__(**more)
        self.faults = faults
        self.line = line_of(faults[0])

    def runtest(self) -> None:
        raise Failed(format_faults(self.faults))


class NetworkItem(SpecItem):
    """A test of one network."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        assert isinstance(self.parent, NetworkNode)
        self.node = self.parent
        span = self.node.checked.network.root.definition.name.span
        if span.source is self.node.checked.spec.source:
            self.line = span.source.find_position(span.start).line - 1

    def skip(self, why: str) -> NoReturn:
        raise pytest.skip.Exception(why, _use_item_location=True)

    def report_finding(self, finding: Finding) -> None:
        """Fails with the command that shows a failure again."""
        if finding.failure is not None:
            from resnetc.cli.test import format_replay

            raise Failed(f"{finding.failure.message}\nreplay: {format_replay(self.node.checked, finding.failure, [])}")


class Compiles(NetworkItem):
    """The network's module is written, and is Python."""

    def runtest(self) -> None:
        compile(self.node.compiled().source, f"{self.node.name}.py", "exec")


class Expect(NetworkItem):
    """A claim: what the compiler made of it, then, where torch is installed, the same with the module's numbers."""

    def __init__(self, *, contract: Contract, **more: Any) -> None:
        super().__init__(**more)
        self.contract = contract
        if contract.span.source is self.node.checked.spec.source:
            self.line = contract.span.source.find_position(contract.span.start).line - 1

    def runtest(self) -> None:
        if self.contract.fault is not None:
            raise Failed(format_faults([self.contract.fault]))
        if self.contract.verdict == "void":
            self.skip("its condition is never met in this network")
        if not self.contract.holds:
            self.skip("it was written for other slots than those bound here")
        if absent():
            return
        from resnetc.testing.claims import claim
        from resnetc.testing.torch_measurements import Measured
        from resnetc.testing.trial import parts

        node, compiled = self.node, self.node.compiled()
        evaluator = node.compiler.make_evaluator()
        finding = claim(self.contract, compiled, node.inputs(), evaluator, Measured(*parts(compiled)))
        if finding is not None:
            self.report_finding(finding)


class Prediction(NetworkItem):
    """What the compiler says of every network, held against its module."""

    def runtest(self) -> None:
        if missing := absent():
            self.skip(f"{missing} not installed: pip install '.[test]'")
        from resnetc.testing.exercise import PROPERTIES

        self.report_finding(PROPERTIES[self.name](self.node.compiled(), self.node.inputs()))


# -- words ------------------------------------------------------------------------------------------------------------


def absent() -> str:
    """The packages of the extra `test` that are not installed."""
    from importlib.util import find_spec

    return ", ".join(name for name in ("torch", "hypothesis") if find_spec(name) is None)


def format_faults(faults: list[Diagnostic]) -> str:
    from resnetc.compiler.diagnostics import render

    return render.format_for_people(faults, color=False).rstrip()


def line_of(fault: Diagnostic) -> int:
    span = fault.primary.span
    return span.source.find_position(span.start).line - 1
