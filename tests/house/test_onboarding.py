"""Every file, symbol, command and target that `docs/onboarding.md` names is there."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from resnetc.cli import parser

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PROSE)))
TOP = {path.name for path in ROOT.iterdir()}
PATHS = [s for s in SPANS if s.partition("/")[0] in TOP and "/" in s]


def symbols(path: Path) -> set[str]:
    """What a Python file defines at its top, and the methods of its classes as `Class.method`."""
    out = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.add(node.name)
        if isinstance(node, ast.ClassDef):
            out |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        out |= {target.id for target in targets if isinstance(target, ast.Name)}
    return out


@pytest.mark.parametrize("span", PATHS)
def test_a_path_leads_somewhere(span: str) -> None:
    name, colon, symbol = span.partition(":")
    assert (ROOT / name).exists()
    assert not colon or symbol in symbols(ROOT / name)


@pytest.mark.parametrize("command", [s for s in SPANS if s.split()[0] in ("make", "resnetc", "python", "pytest")])
def test_a_command_is_one(command: str) -> None:
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    elif program == "resnetc" and words:
        commands = parser()._subparsers
        assert commands is not None and f"{words[0]}" in commands._group_actions[0].choices  # type: ignore[operator]
    else:
        assert all((ROOT / word).exists() for word in words if "/" in word)


def test_every_folder_of_code_is_told_of() -> None:
    code = {p.name for p in ROOT.iterdir() if p.is_dir() and any(p.glob("*.py")) and not p.name.startswith(".")}
    told = {span.partition("/")[0] for span in PATHS}
    assert code | {"src", "tests"} <= told


def test_every_phase_of_the_driver_is_told_of() -> None:
    """The modules that `driver` calls are the way from text to module; none is left out."""
    driver = (ROOT / "compiler" / "driver.py").read_text(encoding="utf-8")
    called = set(re.findall(r"from resnetc\.compiler\.(\w+) import", driver)) | {"prove", "measure", "expect"}
    aside = {"contracts", "slots"}  # types alone
    assert {
        name for name in called if f"`compiler/{name}.py" not in PROSE and f"`compiler/{name}/" not in PROSE
    } <= aside
