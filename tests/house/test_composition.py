"""Classes are built by holding one another: none is spread over files, left open, or grows attributes as it runs."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("compiler", "runtime", "src/resnetc")
    for path in (ROOT / folder).rglob("*.py")
    if path.is_file() and not any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(ROOT))
)
MAX_LINES = 400
BORN = ("__init__", "__post_init__")  # where attributes may be born


@cache
def parsed(text: str) -> tuple[ast.Module, list[ast.ClassDef]]:
    tree = ast.parse(text)
    return tree, [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def left_open(text: str) -> list[int]:
    """The lines that raise `NotImplementedError`: a method for another file to fill in is an argument."""
    raised = (node for node in ast.walk(parsed(text)[0]) if isinstance(node, ast.Raise))
    return [r.lineno for r in raised if r.exc is not None and "NotImplementedError" in ast.unparse(r.exc)]


def stored(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Attribute]:
    """The attributes that a method sets on its first argument."""
    receiver = method.args.args[0].arg if method.args.args else None
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            if node.value.id == receiver:
                yield node


def declared(owner: ast.ClassDef) -> set[str]:
    """The names that the body of a class and its `__init__` know."""
    names = set()
    for part in owner.body:
        if isinstance(part, ast.AnnAssign):
            names.add(ast.unparse(part.target))
        elif isinstance(part, ast.Assign):
            names |= {ast.unparse(target) for target in part.targets}
        elif isinstance(part, ast.FunctionDef) and part.name in BORN:
            names |= {node.attr for node in stored(part)}
    return names


def born_late(text: str) -> list[tuple[int, str]]:
    """The attributes that a method sets and nothing declares, with their lines."""
    out = []
    for owner in parsed(text)[1]:
        known = declared(owner)
        methods = [part for part in owner.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
        late = (node for method in methods if method.name not in BORN for node in stored(method))
        out += [(node.lineno, f"{owner.name}.{node.attr}") for node in late if node.attr not in known]
    return sorted(out)


def spread(text: str) -> list[tuple[int, str]]:
    """The classes that extend one of another file of this project, with their lines.

    A protocol may: it says what is asked of others, and has no method of its own.
    """
    tree, classes = parsed(text)
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("resnetc")]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    out = []
    for owner in classes:
        bases = [ast.unparse(base.value if isinstance(base, ast.Subscript) else base) for base in owner.bases]
        if "Protocol" not in bases:
            out += [(owner.lineno, f"{owner.name}({base})") for base in bases if base.partition(".")[0] in names]
    return out


def test_every_file_builds_its_classes_by_holding() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
    faults = {name: (left_open(text), born_late(text), spread(text)) for name, text in texts.items()}
    assert {name: lines for name, lines in faults.items() if any(lines)} == {}


def test_no_file_is_so_long_that_something_wants_to_move_out() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_what_is_left_open_born_late_or_spread_is_seen() -> None:
    text = """
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.ir import dataflow
class Caller(Evaluator):
    known: int
    def __init__(self): self.held = 1
    def call(self): raise NotImplementedError("later")
    def set(self):
        self.known = self.held = 2
        self.first, self.held = 3, 4
        self.second += 1
class Builder(dataflow.Dataflow, Protocol): ...
class Flow(dataflow.Dataflow): ...
class Fault(Exception): ...
"""
    assert left_open(text) == [7]
    assert born_late(text) == [(10, "Caller.first"), (11, "Caller.second")]
    assert spread(text) == [(4, "Caller(Evaluator)"), (13, "Flow(dataflow.Dataflow)")]


def test_every_file_is_looked_at() -> None:
    assert {"compiler/claims/checker.py", "runtime/train.py", "src/resnetc/testing/claims.py"} <= {
        path.relative_to(ROOT).as_posix() for path in FILES
    }
    assert len(FILES) == len({path.resolve() for path in FILES})
