"""What the tests that build a package share."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that a build reads: setuptools leaves its `build` folder behind."""
    tree = tmp_path_factory.mktemp("source") / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("compiler", "grammar", "runtime", "specs", "src"):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=ignored)
    (tree / "tools").mkdir()
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "tools/build_backend.py"):
        shutil.copy(ROOT / name, tree / name)
    return tree
