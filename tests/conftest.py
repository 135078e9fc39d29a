"""What every test shares: `--update` for recorded outputs, and Hypothesis's profiles."""

import gc
import os
import signal

import hypothesis
import pytest

collect_ignore_glob = ["*.resnet"]  # the specs below are broken on purpose; the plugin of resnetc would collect them

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite recorded outputs instead of comparing; review them")


def pytest_configure() -> None:
    gc.set_threshold(100_000)  # Python looks for rubbish a sixth of the time, and syntax trees have none
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs this in the background has it ignored
    hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """True where recorded outputs are to be rewritten."""
    return bool(request.config.getoption("--update"))
