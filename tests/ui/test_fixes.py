"""Mechanical remedies: every `fix` of a recorded case, applied, makes its diagnostic disappear."""

from pathlib import Path

from resnetc.compiler.diagnostics import Diagnostic, Edit
from resnetc.compiler.driver import Session

CASES = sorted(Path(__file__).parent.glob("*.resnet"))

# The codes whose remedy is one and the same whatever the author means: at least these have it as data.
MECHANICAL = {
    *("E0101", "E0103", "E0106", "E0108", "E0109", "E0110", "E0113"),
    *("E0201", "E0202", "E0203", "E0212", "E0239", "E0314", "E0332"),
}


def found(text: str) -> list[Diagnostic]:
    session = Session()
    session.add("-", text.encode())
    session.networks()
    return session.sink.diagnostics


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    """The text after the edits, the last one first."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


def test_every_fix_makes_its_diagnostic_disappear():
    mended, left = set(), []
    for case in CASES:
        try:
            text = case.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for diagnostic in found(text):
            if diagnostic.fix:
                mended.add(diagnostic.code)
                after = {(other.code, other.message) for other in found(applied(text, diagnostic.fix))}
                if (diagnostic.code, diagnostic.message) in after:
                    left.append((case.name, diagnostic.code))
    assert left == []
    assert MECHANICAL - mended == set()
