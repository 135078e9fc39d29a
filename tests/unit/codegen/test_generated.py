"""The committed modules: up to date, tidy, and as short as a person would write them.

`../property/test_compiler.py` has their types checked.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from resnetc.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
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


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_imports_torch_and_little_of_the_standard_library(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(a.name.split(".")[0] == "torch" for a in node.names)
        if isinstance(node, ast.ImportFrom):
            names = [(node.module, a.name) for a in node.names]
            standard = names in ([("collections", "OrderedDict")], [("typing", "Any")])
            assert standard or (node.module or "").split(".")[0] == "torch"


def test_resnet50_fits_on_two_screens() -> None:
    text = (ROOT / "generated" / "imagenet" / "resnet50.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110


LONG = """edition 1

policy average_of_every_window_and_a_projection(width: int) {
  otherwise => avg_pool(2, stride=2) |> conv(width, kernel=1)
}

policy short(channels: int, stride: size) {
  when stride == 1 => identity |> norm
  otherwise => average_of_every_window_and_a_projection(channels) |> norm
}

block unit(width: int, first stride: size = 1) { out = in |> short(width, stride) }

model net() {
  input [4, H, W] = [4, 32, 32] when H % 8 == 0 and W % 8 == 0
  stem = conv(16, kernel=3)
  stage layer1 = 2 of unit(32, stride=2)
  stage layer2 = 2 of unit(64, stride=2)
  head = global_avg_pool |> fc: linear(10)
}
"""


def test_a_side_of_a_choice_is_built_where_it_is_taken_alone(tmp_path: Path) -> None:
    import torch

    import resnetc

    (tmp_path / "net.resnet").write_text(LONG, encoding="utf-8")
    source = resnetc.compile(str(tmp_path / "net.resnet")).source
    function = source[source.index("def short(") : source.index("class Unit")]
    assert "        else average_of_every_window_and_a_projection(" in function
    assert " = " not in function  # nothing is built before it is known which side is taken
    assert resnetc.load(str(tmp_path / "net.resnet"))(torch.rand(2, 4, 16, 16)).shape == (2, 10)
