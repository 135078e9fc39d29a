"""Writes a drawn network on which an assertion fails to a file, and adds to the failure how to replay it."""

from __future__ import annotations

import inspect
import os
import re
import shlex
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from resnetc.testing.arguments import call_of, checked
from resnetc.testing.trial import Trial

Given = ParamSpec("Given")
Result = TypeVar("Result")


def hold(true: bool, message: str) -> None:
    """Raises an AssertionError. `assert` would not under `python -O`, and pytest would add to what it says."""
    if not true:
        raise AssertionError(message)


def replayable(check: Callable[Given, Result]) -> Callable[Given, Result]:
    """An assertion about `compiled` that notes, where it fails on a `Trial`, the file and the command.

    Hypothesis ends with the smallest failing example, so the file holds that one. Wrong arguments are no failure.
    """
    signature = inspect.signature(check)

    @wraps(check)
    def wrapped(*arguments: Given.args, **options: Given.kwargs) -> Result:
        with call_of(check.__name__):
            bound = signature.bind(*arguments, **options)
            checked(bound.arguments)
        values = bound.arguments
        try:
            return check(*bound.args, **bound.kwargs)
        except Exception as error:
            if isinstance(trial := values["compiled"], Trial) and not getattr(error, "__notes__", None):
                words = ["python", "-m", "resnetc.testing", "FILE", "--model", trial.network.name]
                if "sizes" in values:
                    words += ["--input", "x".join(map(str, (trial.network.input.channels, *values["sizes"])))]
                words += ["--batch", str(values["batch"])] if "batch" in values else []
                error.add_note(write_replay(trial.text, words))
            raise

    return wrapped


def write_replay(spec: bytes | str, command: list[str]) -> str:
    """Writes a spec below Hypothesis's own folder, named after the test; what to run, with the file for `FILE`."""
    folder = Path(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY", ".hypothesis")) / "resnetc"
    test = re.search(r"(\w+)[^:]*$", os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0])
    path = folder / f"{test[1] if test else 'failure'}.resnet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(spec.encode("utf-8", "surrogatepass") if isinstance(spec, str) else spec)
    except OSError as error:
        return f"the spec cannot be saved in {path}: {error.strerror}"
    again = shlex.join(path.as_posix() if word == "FILE" else word for word in command)
    return f"written to {path.as_posix()}; to replay: {again}"
