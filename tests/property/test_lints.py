"""Laws of the warnings over random specs: none crashes, none changes what is compiled, and each can be allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.testing import models
from tests.support import open_session

PAGES = Path(__file__).parents[2] / "compiler" / "diagnostics" / "pages"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def lint(text: str) -> tuple[list[tuple[str, str]], list[Diagnostic]]:
    """The digests of the networks of a text, and its warnings; no network where it has a fault."""
    session = open_session(text)
    networks = session.compile_networks()
    before = [digests(checked.network) for checked in networks]
    if session.sink.failed:
        return [], []
    session.lint(networks)
    assert [digests(checked.network) for checked in networks] == before
    assert {warning.severity for warning in session.sink.diagnostics} <= {"warning"}
    return before, session.sink.diagnostics


def allow(text: str, warnings: list[Diagnostic]) -> str:
    """The text with an allowance above the line of every warning."""
    codes: dict[int, set[str]] = {}
    for warning in warnings:
        span = warning.primary.span
        codes.setdefault(span.source.find_position(span.start).line, set()).add(warning.code)
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        lines += [f"// allow {code}: drawn at random" for code in sorted(codes.get(number, ()))]
        lines.append(line)
    return "\n".join(lines)


def assert_allowed(text: str) -> list[Diagnostic]:
    """Every warning of a text disappears where it is allowed, and the networks stay as they are."""
    networks, warnings = lint(text)
    assert [warning.message for warning in warnings if warning.code == "W0600"] == []
    assert {warning.primary.span.source.text for warning in warnings} <= {text}
    allowed, others = lint(allow(text, warnings))
    assert allowed == networks
    assert [(warning.code, warning.message) for warning in others] == []
    return warnings


@settings(max_examples=50, suppress_health_check=SLOW, deadline=None)
@given(models())
def test_every_warning_can_be_allowed_and_changes_nothing(text: str) -> None:
    assert_allowed(text)


@pytest.mark.parametrize("path", sorted(PAGES.glob("W*.md")), ids=lambda path: path.stem)
def test_the_warning_of_a_page_can_be_allowed(path: Path) -> None:
    wrong = re.findall(r"```resnet\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)[0]
    if path.stem != "W0600":
        assert path.stem in {warning.code for warning in assert_allowed(wrong)}
