"""The two ways a run ends early: the user's input is at fault, or a signal stopped it. Imports nothing heavy."""

import difflib
import importlib.util
import signal
from collections.abc import Iterable
from pathlib import Path

from resnetc.terminal import message


class RunError(Exception):
    """A fault of the user's input, in one message that names the place and the remedy.

    `status` is the exit status it calls for: 1 where a file or a value in one is at fault, 2 where the command line is.
    What it quotes is spelt out and cut, so that the message can be printed on a terminal, by whoever catches it.
    """

    def __init__(self, text: str, *, status: int = 1) -> None:
        super().__init__(message(text))
        self.status = status


class Stopped(Exception):
    """A signal stopped a run that has saved its state; `status` is 130 for Ctrl-C and 75 for SIGTERM."""

    def __init__(self, number: int, step: int, out: Path) -> None:
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        text = f"stopped by {name} after step {step}; saved in {out}: continue with --resume --out {out}"
        super().__init__(message(text))
        self.status = 130 if number == signal.SIGINT else 75
        self.step = step
        self.out = out


def require_packages(*packages: str, extra: str = "run") -> None:
    """Raise a RunError that names the extra to install unless every package can be found; imports none of them."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise RunError(f"{', '.join(missing)} not installed: pip install '.[{extra}]'")


def suggest_name(word: str, names_allowed: Iterable[str]) -> str:
    """`; did you mean ...?` where a known word is close to `word`, else `; known: ...`, to end a message with."""
    names = sorted(names_allowed)
    matches = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean `{matches[0]}`?" if matches else f"; known: {', '.join(names)}"
