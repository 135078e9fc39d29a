"""The tokens of a text in order, with the comments between them."""

from __future__ import annotations

import re

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source
from resnetc.compiler.syntax.lalr_tables import lex

COMMENT = re.compile(r"//[^\n]*")


@record(eq=True)
class Note:
    """A comment: whether it stands on a line of its own, and whether a blank line comes before it."""

    text: str
    own: bool
    blank: bool


@record(eq=True)
class Gap:
    """What stands before a token: comments, and whether the author left a blank line behind the last of them."""

    notes: tuple[Note, ...]
    blank: bool


class Tokens:
    """Reads a text token by token.

    Whoever reads a token says which one; a comment that nobody asked for waits for the next place where a line may
    end, so that none is lost and none overtakes another.
    """

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.tokens = [(str(t), t.start_pos or 0, t.end_pos or 0) for t in lex(source.text)]
        self.closing = self._match_parentheses()
        self.at = 0
        self.waiting: list[Note] = []
        self.blank = self.broken = False  # before the next token: an empty line, the end of a line
        self._read_trivia()

    def _match_parentheses(self) -> dict[int, int]:
        """Where the parenthesis stands that closes each opening one, by the number of the token that opens."""
        out, opened = {}, []
        for i, (token, start, _) in enumerate(self.tokens):
            if token == "(":
                opened.append(i)
            elif token == ")":
                out[opened.pop()] = start
        return out

    def _read_trivia(self) -> None:
        """Reads what stands before the next token."""
        low = self.tokens[self.at - 1][2] if self.at else 0
        high = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        end = low
        for comment in COMMENT.finditer(self.text, low, high):
            lines = self.text.count("\n", end, comment.start())
            own = lines > 0 or low == 0
            self.waiting.append(Note(comment.group().rstrip(), own, lines > 1))
            end = comment.end()
        self.blank = self.text.count("\n", end, high) > 1
        self.broken = "\n" in self.text[low:high]

    @property
    def next(self) -> str:
        """The next token, unread; empty at the end."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def read(self, *expected: str) -> str:
        """Reads the next token, which must be one of those expected, if any are."""
        token = self.next
        assert token and token in (expected or (token,)), (expected, token)
        self.waiting = [Note(note.text, False, False) for note in self.waiting]
        self.at += 1
        self._read_trivia()
        return token

    def skip(self, token: str) -> bool:
        """Reads the next token if it is this one."""
        if self.next == token:
            self.read()
            return True
        return False

    def skip_parentheses(self, end: int) -> int:
        """Reads the parentheses around all that stands from here to `end` in the text; returns their number."""
        count = 0
        while self.closing.get(self.at, -1) >= end:
            self.read("(")
            count += 1
        return count

    def take_trailing_comment(self) -> str | None:
        """The comment that belongs behind what was read last; there is place for one."""
        if not self.waiting or self.waiting[0].own:
            return None
        first, *others = self.waiting
        self.waiting = [Note(note.text, True, note.blank) for note in others]
        return first.text

    def take_gap(self) -> Gap:
        """All comments that wait, at a place where a line may end."""
        notes, self.waiting = tuple(self.waiting), []
        return Gap(notes, self.blank)
