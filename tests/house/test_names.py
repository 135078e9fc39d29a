"""No value has a name that says what was done to it, and every limit is called `MAX_` or `MIN_`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VAGUE = {"found", "made", "known", "given", "kept", "seen", "held", "told", "judged", "asked", "meant"}
LIMIT = re.compile(r"_?(MOST|LONGEST|LARGEST|WIDEST|LEAST|DEEPEST|REACH|BACK|ENOUGH|TRIES)(_|$)")
FOLDERS = ("compiler", "runtime", "src/resnetc")


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a module gives to a value or a function, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_name_says_what_a_value_is(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert len(paths) > 10
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for line, name in bound_names(ast.parse(path.read_text(encoding="utf-8")))
        if name.lstrip("_") in VAGUE or LIMIT.match(name)
    ]
    assert wrong == []


def test_vague_names_and_other_words_for_limits_are_seen() -> None:
    tree = ast.parse("_MOST = 3\ndef told(given): found = self.kept = given\nMAX_FILES = held(given)\n")
    names = [name for _, name in bound_names(tree)]
    wrong = {name for name in names if name.lstrip("_") in VAGUE or LIMIT.match(name)}
    assert wrong == {"_MOST", "told", "given", "found", "kept"}
