"""The two ways a run ends early: an error in the user's input, or a signal. Imports nothing heavy."""

import difflib
import importlib.util
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from resnetc.terminal import message


class RunError(Exception):
    """An error in the user's input, with one message that names the place and the remedy.

    `status` is the exit status: 1 if a file or a value in one is at fault, 2 if the command line is. Quoted user text
    is escaped and shortened, so the message is safe to print on a terminal.
    """

    def __init__(self, text: str, *, status: int = 1) -> None:
        super().__init__(message(text))
        self.status = status


class Diverged(RunError):
    """The loss of a run is no longer a number."""


class Stopped(Exception):
    """A signal stopped a run that has saved its state; `status` is 130 for Ctrl-C and 75 for SIGTERM."""

    def __init__(self, number: int, step: int, out: Path) -> None:
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        text = f"stopped by {name} after step {step}; saved in {out}: continue with resnetc train --resume --out {out}"
        super().__init__(message(text))
        self.status = 130 if number == signal.SIGINT else 75
        self.step = step
        self.out = out


def require_packages(*packages: str, extra: str = "run") -> None:
    """Raise a RunError that names the extra to install unless every package can be found; imports none of them."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise RunError(f"{', '.join(missing)} not installed: pip install '.[{extra}]'")


def describe_no_folder(path: Path) -> str:
    """What is said of a path that should be a folder, and is none."""
    return "a file, not a folder" if os.path.lexists(path) else "no such folder"


def suggest_name(word: str, names_allowed: Iterable[str]) -> str:
    """The end of a message about an unknown word: `; a similar name exists: ...` if any, else `; known: ...`."""
    names = sorted(names_allowed)
    matches = difflib.get_close_matches(word.lower(), names, n=1)
    return f"; a similar name exists: `{matches[0]}`" if matches else f"; known: {', '.join(names)}"
