"""Where git writes symbolic links as text files, a build holds every file or stops, and an import says what to run."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

LINKS = ("compiler", "grammar", "runtime", "specs")
GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "init.defaultBranch=main")
HOOK = "import sys; sys.path.insert(0, 'tools'); import build_backend; print(build_backend.{0}(sys.argv[1]))"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(folder: Path, *words: str) -> None:
    done = subprocess.run([*GIT, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def run_hook(checkout: Path, hook: str) -> subprocess.CompletedProcess[str]:
    (checkout / "dist").mkdir(exist_ok=True)
    return python(checkout, "-c", HOOK.format(hook), "dist")


@pytest.fixture(scope="module")
def repository(source_tree: Path) -> Path:
    git(source_tree, "init", "--quiet")
    git(source_tree, "add", "--all")
    git(source_tree, "commit", "--quiet", "--message", "All that a build reads")
    return source_tree


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A clone as git makes it where symbolic links are off."""
    git(tmp_path, "clone", "--quiet", "-c", "core.symlinks=false", str(repository), "clone")
    package = tmp_path / "clone" / "src" / "resnetc"
    assert all((package / name).is_file() and not (package / name).is_symlink() for name in LINKS)
    return tmp_path / "clone"


def files_in(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def files_due(checkout: Path) -> set[str]:
    endings = {".py", ".lark", ".resnet", ".j2", ".yaml", ".json", ".md"}
    paths = [path for name in LINKS for path in (checkout / name).rglob("*") if path.suffix in endings]
    return {f"resnetc/{path.relative_to(checkout).as_posix()}" for path in paths}


def test_a_wheel_holds_the_folders_behind_the_text_files(checkout: Path) -> None:
    built = run_hook(checkout, "build_wheel")
    assert built.returncode == 0, built.stderr
    (wheel,) = (checkout / "dist").glob("*.whl")
    assert files_due(checkout) - files_in(wheel) == set()
    assert all((checkout / "src" / "resnetc" / name).read_text() == f"../../{name}" for name in LINKS), "as it was"


def test_a_source_distribution_holds_them_too_and_builds_the_same_wheel(checkout: Path, tmp_path: Path) -> None:
    built = run_hook(checkout, "build_sdist")
    assert built.returncode == 0, built.stderr
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    built = run_hook(unpacked, "build_wheel")
    assert built.returncode == 0, built.stderr
    (wheel,) = (unpacked / "dist").glob("*.whl")
    assert files_due(checkout) - files_in(wheel) == set()


def test_a_build_stops_where_there_is_no_folder_to_copy(checkout: Path) -> None:
    shutil.rmtree(checkout / "grammar")
    built = run_hook(checkout, "build_wheel")
    link = checkout.resolve() / "src" / "resnetc" / "grammar"
    assert built.returncode == 1
    assert built.stderr == (
        f"{link}: this must be the folder `grammar` or a symbolic link to it; "
        "run `git config core.symlinks true && git checkout -- src/resnetc`\n"
    )
    assert not list((checkout / "dist").iterdir())


@pytest.mark.parametrize("hook", ["build_editable", "prepare_metadata_for_build_editable"])
def test_an_editable_install_stops_for_it_would_not_see_edits(checkout: Path, hook: str) -> None:
    built = run_hook(checkout, hook)
    link = checkout.resolve() / "src" / "resnetc" / "compiler"
    assert built.returncode == 1
    assert built.stderr == (
        f"{link}: this symbolic link was checked out as a text file, and an editable install needs it; "
        "run `git config core.symlinks true && git checkout -- src/resnetc`\n"
    )


def test_an_import_says_what_happened_and_what_to_run(checkout: Path) -> None:
    source = checkout.resolve() / "src"
    command = ("-c", f"import sys; sys.path.insert(0, {str(source)!r}); import resnetc; print(resnetc.compile)")
    failed = python(checkout, *command)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == (
        f"ImportError: {source / 'resnetc' / 'compiler'}: this symbolic link was checked out as a text file; in the "
        "checkout run `git config core.symlinks true && git checkout -- src/resnetc`, or install a package with "
        "`pip install .`"
    )
    git(checkout, "config", "core.symlinks", "true")
    git(checkout, "checkout", "--", "src/resnetc")
    assert python(checkout, *command).returncode == 0
