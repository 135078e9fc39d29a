"""The committed modules: up to date, tidy, typed, and as short as a person would write them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from resnetc.cli import main

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "generated").rglob("*.py"))
PARTS = {"specs/imagenet": "generated/imagenet", "specs/cifar": "generated/cifar", "specs/digits.resnet": "generated"}


@pytest.mark.parametrize("spec", PARTS)
def test_up_to_date(spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["compile", spec, "-o", PARTS[spec], "--check"]) == 0, capsys.readouterr().out


def test_nothing_is_left_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    made = set()
    for spec, folder in PARTS.items():
        target = tmp_path / folder
        assert main(["compile", spec, "-o", str(target)]) == 0
        made |= {p.relative_to(tmp_path) for p in target.rglob("*.py")}
    assert made == {p.relative_to(ROOT) for p in FILES}


@pytest.mark.parametrize("width", ["88", "120"])
def test_clean_under_ruff(width: str) -> None:
    base = [sys.executable, "-m", "ruff"]
    files = [str(f) for f in FILES]
    formatted = subprocess.run(
        [*base, "format", "--isolated", "--line-length", width, "--check", *files], capture_output=True, text=True
    )
    assert formatted.returncode == 0, formatted.stdout
    checked = subprocess.run([*base, "check", "--isolated", *files], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_clean_under_strict_mypy(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            "/dev/null",
            "--strict",
            "--no-warn-return-any",
            "--cache-dir",
            str(tmp_path),
            "--scripts-are-modules",
            *(str(f) for f in FILES),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_imports_torch_only(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(a.name.split(".")[0] == "torch" for a in node.names)
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] == "torch"


def test_resnet50_fits_on_two_screens() -> None:
    text = (ROOT / "generated" / "imagenet" / "resnet50.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110
