"""The pages of `resnetc explain`: each tells the truth about its code, and every code has one."""

import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from resnetc.cli import explain
from resnetc.compiler.driver.session import UsageError
from tests.support import warn

ROOT = Path(__file__).parents[3]
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs" / "errors").glob("[EW]*.md"))}
SPEC = re.compile(r"^```resnet\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Faults of files and folders, and of texts that would fill pages: these are described.
WITHOUT_SPECS = {*("E0112", "E0114"), *(f"E{number:04}" for number in range(501, 511) if number != 505)}


def test_every_code_has_its_page_under_its_title():
    assert list(PAGES) == list(explain.list_titles())
    headings = {code: text.partition("\n")[0] for code, text in PAGES.items()}
    assert headings == {code: f"# {code}: {title}" for code, title in explain.list_titles().items()}


def test_no_line_of_a_page_is_longer_than_a_terminal_shows():
    assert [code for code, text in PAGES.items() if max(map(len, SPEC.sub("", text).split("\n"))) > 120] == []


@pytest.mark.parametrize("code", sorted(PAGES.keys() - WITHOUT_SPECS))
def test_the_first_spec_of_a_pair_has_the_fault_of_its_page_and_the_second_has_none(code):
    specs = SPEC.findall(PAGES[code])
    assert specs
    for wrong, right in zip(specs[::2], specs[1::2], strict=True):
        assert [fault.code for fault in warn(wrong)] == [code]
        assert warn(right) == []


@pytest.mark.parametrize("code", sorted(WITHOUT_SPECS))
def test_a_page_without_specs_has_none(code):
    assert SPEC.findall(PAGES[code]) == []


@pytest.mark.parametrize("typed", ["E0301", "e0301"])
def test_explain_prints_the_page_into_a_pipe_as_it_is(typed, capsys):
    assert explain.explain(Namespace(code=typed)) == 0
    assert capsys.readouterr().out == PAGES["E0301"]


def test_explain_sets_the_page_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert explain.explain(Namespace(code="E0301")) == 0
    out = capsys.readouterr().out
    assert "E0301: a sum of maps with different channels" in out
    assert "```" not in out and "block twice(width: int) {" in out


def test_explain_without_a_code_lists_all(capsys):
    assert explain.explain(Namespace(code=None)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "E0101  an unexpected token"
    assert len(lines) == len(PAGES)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "E301",
            "no diagnostic has the code `E301`; a similar one exists: `E0301`, a sum of maps with different channels",
        ),
        ("nonsense", "no diagnostic has the code `nonsense`; `resnetc explain` lists all codes"),
        ("../README", "no diagnostic has the code `../README`; `resnetc explain` lists all codes"),
    ],
)
def test_an_unknown_code_is_a_fault_of_the_command_line(typed, message):
    with pytest.raises(UsageError) as raised:
        explain.explain(Namespace(code=typed))
    assert str(raised.value) == message
