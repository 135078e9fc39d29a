"""The names of the logs of a run besides its metrics, and whether their packages are there. Imports no torch."""

from collections.abc import Sequence
from importlib.util import find_spec

from resnetc.runtime.errors import RunError

NAMES = ("tensorboard", "wandb")


def check_names(names: Sequence[str]) -> None:
    """RunError for a log that there is not, and for one whose package, of the same name, is not installed."""
    for name in names:
        if name not in NAMES:
            raise RunError(f"--log {name}: no such log; choose from {' and '.join(NAMES)}", status=2)
        if find_spec(name) is None:
            raise RunError(f"--log {name}: the package `{name}` is not installed: pip install {name}")
