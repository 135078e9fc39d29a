"""What the files of the repository must not say, and how long they may get."""

import re
from pathlib import Path

from tests.house.class_index import MAX_LINES

ROOT = Path(__file__).parents[2]
FOLDERS = ("compiler", "grammar", "specs", "generated", "runtime", "src", "tests", "benchmarks", "tools", "docs", ".ci")
SUFFIXES = {".py", ".lark", ".resnet", ".j2", ".yaml", ".toml", ".md", ".txt", ".json", ".stderr", ".stdout", ""}


def files(*suffixes: str) -> list[Path]:
    """The repository's own files (links apart), with one of these suffixes."""
    inside = [path for folder in FOLDERS if (ROOT / folder).is_dir() for path in (ROOT / folder).rglob("*")]
    candidates = [*ROOT.glob("*"), *inside]
    left_out = {"__pycache__", ".git"}  # `.git` is a file where the tree is one of several of a repository
    return sorted(p for p in candidates if p.is_file() and p.suffix in suffixes and left_out.isdisjoint(p.parts))


def found(pattern: str, paths: list[Path]) -> list[str]:
    lines = (
        (path, n, line) for path in paths for n, line in enumerate(path.read_text(errors="replace").split("\n"), 1)
    )
    return [f"{path.relative_to(ROOT)}:{n}: {line.strip()}" for path, n, line in lines if re.search(pattern, line)]


def test_no_mark_of_unfinished_work_is_left():
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3])
    assert found(rf"\b({marks})\b", files(".py", ".lark", ".resnet", ".j2")) == []


def test_no_path_of_one_machine_is_written_down():
    homes = "|".join(["ro" + "ot", "ho" + r"me/\w", "Us" + r"ers/\w", "wo" + "rk", "op" + "t"])
    assert found(rf"(?<![\w.$/}}>])/({homes})\b", files(*SUFFIXES)) == []


def test_no_file_is_longer_than_one_reads():
    code = [
        path for path in files(".py", ".lark", ".j2") if path.relative_to(ROOT).parts[0] not in ("generated", "tests")
    ]
    lengths = {path: len(path.read_text().splitlines()) for path in code}
    longest = sorted(code, key=lengths.__getitem__, reverse=True)
    print(*(f"{lengths[path]:5} {path.relative_to(ROOT)}" for path in longest), sep="\n")
    assert [str(path.relative_to(ROOT)) for path in longest if lengths[path] > MAX_LINES] == []


def test_every_module_says_in_its_docstring_what_it_is_for():
    modules = [path for path in files(".py") if path.stat().st_size]
    assert [str(p.relative_to(ROOT)) for p in modules if not re.match(r'(#.*\n)*r?"""\S', p.read_text())] == []
