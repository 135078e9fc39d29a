"""The two ways a run ends early: the user's input is at fault, or a signal stopped it. Imports nothing heavy."""

import difflib
import importlib.util
import signal
from collections.abc import Iterable
from pathlib import Path

_CONTROLS = [*range(0x00, 0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]  # and ends of lines
_HIDDEN = {code: "?" for code in [*_CONTROLS, *_DIRECTIONS]} | {n: f"\\u{n:04x}" for n in range(0xD800, 0xE000)}


def harmless(text: str) -> str:
    """The text as every terminal prints it and none obeys it: controls, but for line ends, and directions as `?`.

    Half a surrogate pair, as of a file's name that is no UTF-8, is written in digits, so that the text can be encoded.
    """
    return text.translate(_HIDDEN)


class RunError(Exception):
    """A fault of the user's input, in one message that names the place and the remedy.

    `status` is the exit status it calls for: 1 where a file or a value in one is at fault, 2 where the command line is.
    Control characters of quoted input are replaced by `?`, so that the message is safe to print on a terminal.
    """

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(harmless(message))
        self.status = status


class Stopped(Exception):
    """A signal stopped a run that has saved its state; `status` is 130 for Ctrl-C and 75 for SIGTERM."""

    def __init__(self, number: int, step: int, out: Path) -> None:
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        message = f"stopped by {name} after step {step}; saved in {out}: go on with --resume --out {out}"
        super().__init__(harmless(message))
        self.status = 130 if number == signal.SIGINT else 75
        self.step = step
        self.out = out


def require(*packages: str, extra: str = "run") -> None:
    """Raise a RunError that names the extra to install unless every package can be found; imports none of them."""
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if absent:
        raise RunError(f"{', '.join(absent)} not installed: pip install '.[{extra}]'")


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` where a known word is close to `word`, else `; known: ...`, to end a message with."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known: {', '.join(names)}"
