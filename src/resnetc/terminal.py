"""The border to the terminal: what people read is spelt so that no terminal obeys it, and cut where it has no end.

Comments, names, paths and values are a user's, or a stranger's: in them may stand whatever moves a cursor, renames a
window or turns the reading round. While a command runs, `Guarded` streams stand in the place of standard output and
standard error, and spell all of it out. Colours come through where this module has set them: by a mark that is drawn
anew in every process, so that no text can bring it along.
"""

from __future__ import annotations

import io
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, formats (directions, zero width), surrogates, ends of lines
MAX_LINE, MAX_WORD = 1000, 500  # characters of a message
MAX_RESULT = 5000  # characters of a line of a result; no path is longer
MARK = "\x1b" + os.urandom(8).hex()
SEQUENCE = re.compile(rf"{MARK}(\[[0-9;]*m)")


def harmless(text: str) -> str:
    r"""`text` with every character that a terminal would obey, or not show, as `\x1b` or `\u202e`.

    Newlines and tabs are kept. Half a surrogate pair, as in a file name that is not UTF-8, becomes encodable.
    """
    if text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else spelt(c) for c in text)


def spelt(character: str) -> str:
    if unicodedata.category(character) not in HIDDEN:
        return character  # a wide space, or a character that this Python has not heard of
    return character.encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """The same, in which ends of lines and tabs are spelt out too: a name ends no line of a message."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def brief(text: str, most: int = MAX_WORD) -> str:
    """`text` of at most `most` characters: of a longer one, its beginning and its end."""
    if len(text) <= most:
        return text
    last = (most - 3) // 3
    return f"{text[: most - 3 - last]}...{text[len(text) - last :]}"


def bounded(text: str, line: int = MAX_LINE, word: int = MAX_WORD) -> str:
    """A message, whatever it quotes: long words are cut first, so that what stands around them is still said."""
    if len(text) <= word:
        return text
    words = re.sub(rf"\S{{{word + 1},}}", lambda match: brief(match[0], word), text)
    return "\n".join(brief(part, line) for part in words.split("\n"))


def message(text: str, line: int = MAX_LINE, word: int = MAX_WORD) -> str:
    """What is said that quotes a user's text; a megabyte is cut before it is looked through."""
    return bounded(harmless(bounded(text, line, word)), line, word)


def remark(text: str) -> str:
    """A line of a diagnostic, which quotes a spec."""
    return bounded(one_line(bounded(text)))


# -- colours ----------------------------------------------------------------------------------------------------------


def paint(text: str, codes: str) -> str:
    """`text` in a colour, for a guarded stream."""
    return f"{MARK}[{codes}m{text}{MARK}[0m"


def console(stream: TextIO, **options: Any) -> Console:
    """A console of rich's that spells out what it is given, and alone writes past the guard of its stream."""
    from rich.console import Console
    from rich.segment import Segment

    class Harmless(Console):
        def render(self, *arguments: Any, **options: Any) -> Iterator[Segment]:
            for segment in super().render(*arguments, **options):
                yield segment if segment.control else Segment(harmless(segment.text), segment.style)

    return Harmless(file=stream.stream if isinstance(stream, Guarded) else stream, **options)


def drawn(draw: Callable[[Console], None], width: int, color: bool) -> str:
    """What `draw` prints to a console of rich's, for a guarded stream; no line ends with blanks."""
    stream, system = io.StringIO(), "standard" if color else None
    draw(console(stream, width=width, force_terminal=color, color_system=system, highlight=False))
    lines = (line.rstrip() + "\n" for line in stream.getvalue().splitlines())
    return "".join(lines).replace("\x1b", MARK)


# -- streams ----------------------------------------------------------------------------------------------------------


class Guarded:
    """A stream for people; `document` is for programs."""

    def __init__(self, stream: TextIO, line: int = MAX_LINE, word: int = MAX_WORD) -> None:
        self.stream, self.line, self.word = stream, line, word
        self.encoding, self.errors = stream.encoding, stream.errors

    def write(self, text: str) -> int:
        parts = SEQUENCE.split(text)
        parts[::2] = (message(part, self.line, self.word) for part in parts[::2])
        parts[1::2] = (f"\x1b{codes}" for codes in parts[1::2])
        self.stream.write("".join(parts))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def document(self, text: str) -> None:
        """Writes what a program reads, as it is; only a terminal does not get it raw."""
        self.stream.write(harmless(text) if self.isatty() else text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()


@contextmanager
def guarded() -> Iterator[None]:
    """Inside, standard output and standard error are guarded."""
    before = sys.stdout, sys.stderr
    if not isinstance(sys.stdout, Guarded):
        sys.stdout = cast(TextIO, Guarded(sys.stdout, MAX_RESULT, MAX_RESULT))
    if not isinstance(sys.stderr, Guarded):
        sys.stderr = cast(TextIO, Guarded(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def document(text: str) -> None:
    """Writes to standard output what a program reads."""
    if isinstance(sys.stdout, Guarded):
        sys.stdout.document(text)
    else:
        sys.stdout.write(text)
