"""The built wheel holds every file that a run needs, and no other: setuptools drops a forgotten one without a word."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("compiler", "grammar", "runtime", "specs")
DATA = {".lark", ".resnet", ".j2", ".yaml", ".json", ".md"}
BUILD = "import sys; sys.path.insert(0, 'tools'); import build_backend; build_backend.build_wheel('dist')"


@pytest.fixture(scope="module")
def wheel(source_tree) -> zipfile.ZipFile:
    """Built without network or isolation."""
    built = subprocess.run([sys.executable, "-c", BUILD], cwd=source_tree, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (file,) = (source_tree / "dist").glob("*.whl")
    return zipfile.ZipFile(file)


def test_it_holds_one_package_and_its_metadata(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top.partition("-")[0] for top in tops} == {"resnetc"}
    assert len(tops) == 2


def test_it_holds_what_a_run_reads(wheel):
    names = set(wheel.namelist())
    assert names >= {
        "resnetc/__init__.py",
        "resnetc/py.typed",
        "resnetc/pytest_plugin.py",
        "resnetc/cli/main.py",
        "resnetc/compiler/syntax/parser.py",
        "resnetc/compiler/codegen/render.py",
        "resnetc/grammar/resnet.lark",
        "resnetc/runtime/recipes/digits.yaml",
        "resnetc/specs/digits.resnet",
        "resnetc/specs/std/blocks.resnet",
        "resnetc/specs/imagenet/resnet50.resnet",
    }
    assert any(name.startswith("resnetc/compiler/codegen/templates/") and name.endswith(".j2") for name in names)


def test_it_names_the_program_and_the_plugin_of_pytest(wheel):
    (entries,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    text = wheel.read(entries).decode()
    assert "[console_scripts]\nresnetc = resnetc.cli.main:main\n" in text
    assert "[pytest11]\nresnetc = resnetc.pytest_plugin\n" in text


def test_it_holds_every_file_of_the_packages(wheel):
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in DATA | {".py"}]
    expected = {f"resnetc/{path.relative_to(ROOT).as_posix()}" for path in paths}
    assert expected - set(wheel.namelist()) == set()


def test_it_works_where_it_is_unpacked(wheel, tmp_path):
    wheel.extractall(tmp_path / "site")
    command = [sys.executable, "-m", "resnetc", "compile", "imagenet/resnet50", "-o", "-"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")
    assert "class " in process.stdout
