"""`// allow CODE: reason` silences one warning at one line, and is itself looked at."""

import pytest

from resnetc.compiler.driver.session import Session
from resnetc.compiler.lints.allowances import find_allowances
from resnetc.compiler.source import Source
from tests.support import warn

NET = """edition 1
block halving() {
  out = in |> conv(8, kernel=3, stride=2)
}
model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  LINE
  stage layer1 = 2 of halving
  head = identity
}
"""


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("", ["W0601"]),
        ("// allow W0601: every block halves", []),
        ("//allow W0601:every block halves", []),
        ("// allow W0601", ["W0600"]),
        ("// allow W0601:", ["W0600"]),
        ("// allow W0604: another code", ["W0600", "W0601"]),
        ("// it would allow W0601: no", ["W0601"]),
        ("/// allow W0601: documentation", ["W0601"]),
        ("// allow W0604: two\n  // allow W0601: of them", ["W0600"]),
        ("// allow W0601: a blank line lies between\n", ["W0600", "W0601"]),
    ],
)
def test_an_allowance_silences_its_code_on_the_next_line(line: str, codes: list[str]) -> None:
    text = NET.replace("  LINE\n", f"  {line}\n" if line else "")
    if line.startswith("///"):
        text = text.replace(f"  {line}\n", "").replace("model net", f"{line}\nmodel net")
    assert sorted(warning.code for warning in warn(text)) == codes


def test_lines_end_as_the_system_has_it() -> None:
    text = NET.replace("LINE", "// allow W0601: every block halves")
    assert [(a.line, a.reason) for a in find_allowances(Source("net", text))] == [(9, "every block halves")]
    assert [(a.line, a.reason) for a in find_allowances(Source("net", text.replace("\n", "\r\n")))] == [
        (9, "every block halves")
    ]


def test_a_denied_warning_is_an_error() -> None:
    for denied, severity in ((), "warning"), (("W0601",), "error"), (("warnings",), "error"), (("W0604",), "warning"):
        session = Session()
        session.add_text(NET.replace("  LINE\n", ""))
        session.lint(session.compile_networks(), denied)
        assert [fault.severity for fault in session.sink.diagnostics] == [severity]
        assert session.sink.failed == (severity == "error")
