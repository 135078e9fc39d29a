"""`// allow W0601: reason` on the line before a statement: the warning of that code is not given there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source, Span

ALLOW = r"[ \t]*(?P<whole>//[ \t]*allow[ \t]+(?P<code>[EW]\d{4})(?::[ \t]*(?P<reason>[^\r\n]*))?[^\r\n]*)"


@record
class Allowance:
    """One `allow`: the code, the line that it is about, and where it stands."""

    source: Source
    code: str
    line: int
    reason: str
    span: Span

    def find_fault(self, silences: bool) -> Diagnostic | None:
        """What is wrong with the allowance itself."""
        if self.code[0] != "W":
            return self._warning(f"`{self.code}` is an error, and errors cannot be allowed", "remove this comment")
        if not self.reason:
            return self._warning(f"`allow {self.code}` gives no reason", f"say why: `// allow {self.code}: the reason`")
        if not silences:
            return self._warning(f"nothing on the next line warns with `{self.code}`", "remove this comment")
        return None

    def _warning(self, message: str, help: str) -> Diagnostic:
        label = Label(self.span, "allowed here")
        return Diagnostic("W0600", message, label, helps=(help,))


def find_allowances(source: Source) -> Iterator[Allowance]:
    """The allowances of a text; several above each other are all about the first line below them."""
    if "allow" not in source.text:  # most texts have none: the expression is compiled for those that do
        return
    allow = re.compile(ALLOW)
    lines = source.text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for number, line in enumerate(lines):
        match = allow.match(line)
        if match is None:
            continue
        below = number + 1
        while below < len(lines) and allow.match(lines[below]):
            below += 1
        start, end = (starts[number] + offset for offset in match.span("whole"))
        span = Span(source, start, start + len(source.text[start:end].rstrip()))
        yield Allowance(
            source=source, code=match["code"], line=below + 1, reason=(match["reason"] or "").strip(), span=span
        )
