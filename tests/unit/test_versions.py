"""The compiler on every Python it is for: the same bytes from 3.11, 3.12 and 3.13."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lark
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(lark.__file__).parents[1]  # lark, jinja2 and rich are plain Python


def interpreter(version: str) -> str:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python{version}"))
    for found in (shutil.which(f"python{version}"), *map(str, beside)):
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    pytest.skip(f"python{version} is not installed on the path, nor beside {sys.base_prefix}")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_same_bytes(version: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [interpreter(version), "-m", "resnetc", "compile", "specs/imagenet", "-o", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for made in sorted(tmp_path.iterdir()):
        assert made.read_bytes() == (ROOT / "generated" / "imagenet" / made.name).read_bytes()
