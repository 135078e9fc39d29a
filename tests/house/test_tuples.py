"""What a function returns has names: a record, not a tuple of several parts that a caller counts off."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("compiler", "runtime", "src/resnetc")
MAX_PARTS = 2  # of a tuple of different things that a function returns
SUGGESTION = "tuple[str, tuple[Edit, ...]]"  # is a `Suggestion`
EXCEPTIONS = {"src/resnetc/pytest_plugin.py: reportinfo"}  # as pytest declares it
PENDING = ("compiler/codegen/", "compiler/sizes/")  # folders whose functions do not all do so yet


def is_bare(annotation: ast.expr) -> bool:
    """Whether a type has a tuple of more than two parts in it, or spells a record's out."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "tuple" and isinstance(node.slice, ast.Tuple):
            if len(node.slice.elts) > MAX_PARTS or ast.unparse(node) == SUGGESTION:
                return True
    return False


def bare_tuples(text: str) -> Iterator[tuple[int, str]]:
    """The functions that return such a tuple, and other names for `Suggestion`, with their lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.returns is not None and is_bare(node.returns):
            yield node.lineno, node.name
        elif isinstance(node, ast.Assign) and ast.unparse(node.value) == SUGGESTION:
            yield node.lineno, ast.unparse(node.targets[0])


def test_what_a_function_returns_has_names() -> None:
    paths = {path.relative_to(ROOT).as_posix(): path for root in FOLDERS for path in (ROOT / root).rglob("*.py")}
    assert {"compiler/syntax/suggestions.py", "runtime/train.py", "src/resnetc/cli/train.py"} <= paths.keys()
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items() if not name.startswith(PENDING)}
    places = {f"{name}: {what}": line for name, text in texts.items() for line, what in bare_tuples(text)}
    assert {place: line for place, line in places.items() if place not in EXCEPTIONS} == {}


def test_tuples_that_should_be_records_are_seen() -> None:
    text = """
def pair() -> tuple[int, str]: ...
def triple() -> tuple[int, str, bool] | None: ...
def many() -> list[tuple[int, tuple[int, int], str]]: ...
def numbers() -> tuple[int, ...]: ...
def suggestion() -> tuple[str, tuple[Edit, ...]]: ...
Remedy = tuple[str, tuple[Edit, ...]]
"""
    assert list(bare_tuples(text)) == [(3, "triple"), (4, "many"), (6, "suggestion"), (7, "Remedy")]
