"""What every test shares: `--update` for recorded outputs, `--without-torch`, and Hypothesis's profiles."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import pytest

if TYPE_CHECKING:
    from resnetc.compiler.diagnostics.diagnostic import Sink
    from resnetc.compiler.source import Source
    from resnetc.compiler.syntax.tree import File

collect_ignore_glob = ["*.resnet"]  # the specs below are broken on purpose; the plugin of resnetc would collect them

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)


class SkipWhereTorchIsImported:
    """Stands before the finders of modules. Its skip passes through `except ImportError` and `Exception`."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "torch":
            pytest.skip("imports torch", allow_module_level=True)


def skip_where_a_process_starts(*_: object, **__: object) -> NoReturn:
    pytest.skip("starts a process")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite recorded outputs instead of comparing; review them")
    parser.addoption(
        "--without-torch",
        action="store_true",
        help="leave out what imports torch, and what starts a process, where an import would not be seen",
    )


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(1_000_000)  # syntax trees are no rubbish, and looking for it takes an eighth of the time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs this in the background has it ignored
    hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")
    if config.getoption("--without-torch"):
        assert "torch" not in sys.modules, "torch is imported already: no test that needs it would be seen"
        sys.meta_path.insert(0, SkipWhereTorchIsImported())


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that leaves out everything is no success."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--without-torch") and reporter is not None:
        if session.exitstatus == pytest.ExitCode.OK and not reporter.getreports("passed"):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.fixture(scope="session", autouse=True)
def no_process_without_torch(request: pytest.FixtureRequest) -> Iterator[None]:
    """While tests run, and not before them: xdist starts its workers by the same call."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.getoption("--without-torch"):
            patch.setattr(subprocess, "Popen", skip_where_a_process_starts)
        yield


@pytest.fixture(scope="session", autouse=True)
def texts_parsed_once() -> Iterator[None]:
    """A text without faults has one tree: those of `std` are in every session, and a test looks at its own again."""
    from resnetc.compiler.formatter import formatter
    from resnetc.compiler.loader import loader

    parse, trees = loader.parse, {}

    def parse_or_recall(source: Source, sink: Sink) -> File:
        key = (source.name, source.text)
        if key not in trees:
            known = len(sink.diagnostics)
            tree = parse(source, sink)
            if len(sink.diagnostics) > known:
                return tree
            trees[key] = tree
        return trees[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in (loader, formatter):
            patch.setattr(module, "parse", parse_or_recall)
        yield


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """True where recorded outputs are to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
