"""Every file, symbol, command and target that `docs/onboarding.md` names is there, and its example can be followed."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resnetc.cli.main import build_parser

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
        commands = build_parser()._subparsers
        assert commands is not None and f"{words[0]}" in commands._group_actions[0].choices  # type: ignore[operator]
    else:
        assert all((ROOT / word).exists() for word in words if "/" in word)


def test_every_folder_of_code_is_told_of() -> None:
    code = {p.name for p in ROOT.iterdir() if p.is_dir() and any(p.glob("*.py")) and not p.name.startswith(".")}
    told = {span.partition("/")[0] for span in PATHS}
    assert code | {"src", "tests"} <= told


def test_every_folder_of_tests_is_told_of() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    told = [path.rstrip("/") for path in PATHS]
    assert {f for f in folders if f not in told and not f.startswith("tests/unit/")} == set()


def test_every_phase_is_told_of() -> None:
    phases = {f"compiler/{path.name}/" for path in (ROOT / "compiler").iterdir() if any(path.glob("*.py"))}
    assert phases <= set(PATHS)


def test_every_folder_of_the_runtime_is_told_of() -> None:
    folders = [path for path in (ROOT / "runtime").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert {f"runtime/{path.name}/" for path in folders} <= set(PATHS)


def test_every_type_of_a_phase_is_one() -> None:
    """The columns `in` and `out` of the phases: each capitalised word in backticks is a definition."""
    table = TEXT.split("| folder | in | out |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([A-Z]\w*)`", table))
    files = [*(ROOT / "compiler").rglob("*.py"), ROOT / "grammar" / "primitives.py"]
    assert len(named) > 20 and named <= set().union(*map(symbols, files))


def test_unit_tests_stand_where_what_they_test_stands() -> None:
    folders = {
        path.parent.relative_to(ROOT / "tests" / "unit") for path in (ROOT / "tests" / "unit").rglob("test_*.py")
    }
    own = [ROOT, ROOT / "compiler", ROOT / "src" / "resnetc"]
    assert {folder for folder in folders if not any((place / folder).is_dir() for place in own)} == set()


def applied(body: str, text: str) -> str:
    """A text after a change: lines that stay and lines that go stand in it once, as a whole."""
    lines = body.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    assert text.count(before) == 1 and text[: text.index(before)].endswith("\n"), before
    return text.replace(before, "".join(line[1:] for line in lines if line[0] in " +"))


SELU = """edition 1
use std.blocks

model net() {
  set act = selu
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3) |> norm |> act
  stage layer1 = 1 of blocks.basic(8, stride=2)
  head = global_avg_pool |> fc: linear(10)

  expect receptive_field == 9
}
"""


@pytest.mark.slow
def test_the_new_primitive_of_the_page_is_all_there_is_to_it(tmp_path: Path) -> None:
    """Its changes, made in a copy, are enough for the command, for the documents and for the census."""
    changes = re.findall(r"^```diff (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in changes} >= {"grammar/primitives.py", "compiler/codegen/torch_modules.py"}
    left_out = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
    for folder in ("compiler", "docs", "grammar", "runtime", "specs", "src", "tests", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name, body in changes:
        path = tmp_path / name
        path.write_text(applied(body, path.read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / "net.resnet").write_text(SELU, encoding="utf-8")
    inside = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}

    def ran(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=inside, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "receptive_field == 9; holds on the module" in ran("resnetc", "test", "net.resnet", "--examples", "4")
    tests = (
        "tests/docs/test_language.py::test_the_primitives",
        "tests/docs/test_language.py::test_the_shapes_of_primitives",
        "tests/unit/test_census.py::test_every_primitive_is_used_by_a_shipped_spec",
        "tests/unit/test_census.py::test_the_counts_of_the_decision",
        "tests/oracle/test_places.py::test_a_primitive_means_the_same_in_a_sequence[selu]",
    )
    assert "5 passed" in ran("pytest", "-q", "-p", "no:cacheprovider", *tests)
