"""A function is named by a verb and its object, unless it is of one of the kinds that CONTRIBUTING.md lists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERBS = set((ROOT / "tests" / "house" / "verbs.txt").read_text(encoding="utf-8").split())
PREDICATES = {"centres", "has", "holds", "is", "keeps", "may", "mentions", "pools", "reads", "reduces"}
FOLDERS = (
    *(
        "claims",
        "diagnostics",
        "driver",
        "expansion",
        "formatter",
        "ir",
        "lints",
        "loader",
        "measures",
        "names",
        "proof",
    ),
    *("remedies", "shapes", "symbolic", "vocabulary"),
)
ALGEBRA = ("compiler/symbolic/polynomials.py",)
"""Beside `compiler/sizes/`: functions are called as in mathematics, `p.plus(q)`."""

FAULTS = {"Diagnostic", "Fault", "Refusal"}
VISITORS = {"ClaimEvaluator", "Formatter", "ItemNames", "SizedEvaluator", "Statements", "TensorOperators"}
PARTS = {"equals", "expr", "flag", "group", "joined", "label", "layer", "line", "when", "word"}
UNIONS = {"claim", "item", "statement", "statements", "step"}
"""What visitors handle besides the classes of nodes: parts of a line, and nodes of several classes."""


def node_names() -> set[str]:
    """The classes of the syntax tree as methods are called after them: `set_slot`, and `uses` for several."""
    tree = ast.parse((ROOT / "compiler" / "syntax" / "tree.py").read_text(encoding="utf-8"))
    names = {
        re.sub(r"(?<=.)([A-Z])", r"_\1", node.name).lower() for node in tree.body if isinstance(node, ast.ClassDef)
    }
    return names | {f"{name}s" for name in names} | PARTS | UNIONS


def functions(node: ast.AST, owner: str = "") -> Iterator[tuple[ast.FunctionDef, str]]:
    """Every function below a node, with the class that it is a method of."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child, owner
        yield from functions(child, child.name if isinstance(child, ast.ClassDef) else owner)


def is_well_named(function: ast.FunctionDef, owner: str, rules: set[str]) -> bool:
    name = function.name.lstrip("_")
    result = ast.unparse(function.returns) if function.returns is not None else ""
    decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
    if function.name.startswith("__") or any(d.endswith("property") for d in decorators):
        return True
    if result in FAULTS or owner in VISITORS and name in rules:
        return True
    first = name.partition("_")[0]
    return (
        first in VERBS
        or name.startswith(("to_", "from_"))
        or (result == "bool" or result.startswith("TypeGuard"))
        and first in PREDICATES
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_starts_with_a_verb(folder: str) -> None:
    rules = node_names()
    paths = sorted((ROOT / "compiler" / folder).rglob("*.py"))
    assert paths
    wrong = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {function.name}"
        for path in paths
        if path.relative_to(ROOT).as_posix() not in ALGEBRA
        for function, owner in functions(ast.parse(path.read_text(encoding="utf-8")))
        if not is_well_named(function, owner, rules)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("def find_cycles(graph) -> list[str]: ...", True),
        ("def circles(graph) -> list[str]: ...", False),
        ("def of_words(text) -> str: ...", False),
        ("def strides_differ(block) -> Diagnostic: ...", True),
        ("def strides_differ(block) -> Diagnostic | None: ...", False),
        ("def is_void(region) -> bool: ...", True),
        ("def is_void(region) -> str: ...", False),
        ("@property\ndef channels(self) -> int: ...", True),
        ("def to_number(value) -> int: ...", True),
        ("def stage(self, node) -> None: ...", False),
        ("class Formatter:\n    def stage(self, node) -> None: ...", True),
        ("class Formatter:\n    def behind(self) -> None: ...", False),
    ],
)
def test_what_a_name_of_a_function_is(text: str, is_right: bool) -> None:
    ((function, owner),) = functions(ast.parse(text))
    assert is_well_named(function, owner, node_names()) is is_right


def test_every_verb_is_used() -> None:
    used = {
        function.name.lstrip("_").partition("_")[0]
        for folder in FOLDERS
        for path in (ROOT / "compiler" / folder).rglob("*.py")
        for function, _ in functions(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert VERBS - used == set()
