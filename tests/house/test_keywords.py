"""A constructor of many fields is called with keywords: nobody counts to the seventh argument of a call."""

import ast
from collections.abc import Iterator

from tests.house.class_index import File, Found, find_class, read_file, read_files

MAX_FIELDS = 4  # of a class whose fields a call may give by their order alone
MAX_POSITIONAL = 3  # arguments that a call of a larger class may give by their order
RECORDS = {"dataclass", "record"}


def last_name(node: ast.expr) -> str:
    """`record` of `@dataclasses.record(eq=True)`; the word by which a decorator or a base is known."""
    node = node.func if isinstance(node, ast.Call) else node
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def list_fields(files: dict[str, File], module: str, owner: ast.ClassDef) -> list[str]:
    """What a class is constructed of, in order: its own `__init__`, or the fields of its bases and its own."""
    for part in owner.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return [argument.arg for argument in [*part.args.args, *part.args.kwonlyargs]][1:]
    bases = [base for base in (find_class(files, module, base) for base in owner.bases) if base]
    fields = [field for base in bases for field in list_fields(files, *base)]
    words = {last_name(node) for node in owner.decorator_list}
    if words & RECORDS or "NamedTuple" in {last_name(base) for base in owner.bases}:
        own = [part for part in owner.body if isinstance(part, ast.AnnAssign)]
        own = [part for part in own if "ClassVar" not in ast.unparse(part.annotation)]
        own = [part for part in own if part.value is None or "init=False" not in ast.unparse(part.value)]
        fields += [ast.unparse(part.target) for part in own if ast.unparse(part.target) not in fields]
    return fields


def long_calls(files: dict[str, File], module: str) -> Iterator[tuple[ast.Call, list[str]]]:
    """The calls of a module that give many fields by their order alone, or unpack them; with the fields' names."""
    owners = {id(call): owner for owner in files[module].classes.values() for call in ast.walk(owner)}
    for call in ast.walk(files[module].tree):
        if not isinstance(call, ast.Call):
            continue
        owner = find_class(files, module, call.func)
        if owner is None and isinstance(call.func, ast.Name) and call.func.id == "cls" and id(call) in owners:
            owner = Found(module, owners[id(call)])
        fields = list_fields(files, *owner) if owner else []
        is_long = len(call.args) > MAX_POSITIONAL or any(isinstance(part, ast.Starred) for part in call.args)
        if len(fields) > MAX_FIELDS and is_long:
            yield call, fields


FILES = read_files()


def folder_of(module: str) -> str:
    """`compiler/syntax` of `resnetc.compiler.syntax.parser`, `cli` of `resnetc.cli.main`."""
    parts = module.split(".")[1:-1]
    return "/".join(parts[: 2 if parts[:1] == ["compiler"] else 1])


def test_many_fields_are_given_by_their_names() -> None:
    assert {"compiler/syntax", "compiler/claims", "runtime", "cli", "testing"} <= {folder_of(name) for name in FILES}
    calls = [(name, call) for name in FILES for call, _ in long_calls(FILES, name)]
    assert sorted(f"{name}:{call.lineno}: {ast.unparse(call.func)}" for name, call in calls) == []


def test_calls_that_give_many_fields_by_their_order_are_seen() -> None:
    shapes = """
from dataclasses import dataclass, field
class Plain:
    def __init__(self, a, b, c, d, *, e): ...
@dataclass(frozen=True)
class Base:
    a: int
    b: int
    c: ClassVar[int] = 1
    d: int = field(init=False)
@record
class Wide(Base):
    e: int
    f: int
    g: int
    @classmethod
    def make(cls): return cls(1, 2, 3, 4, 5)
class Small(NamedTuple):
    a: int
    b: int
    c: int
    d: int
"""
    calls = """
from resnetc import shapes
from resnetc.shapes import Small, Wide as Broad
Broad(1, 2, 3, 4, 5)
Broad(1, 2, 3, f=4, g=5)
shapes.Plain(1, 2, 3, 4, e=5)
Broad(*fields)
Small(1, 2, 3, 4)
unknown.Wide(1, 2, 3, 4, 5)
"""
    files = {"resnetc.shapes": read_file(shapes), "resnetc.calls": read_file(calls)}
    assert [(call.lineno, fields) for call, fields in long_calls(files, "resnetc.shapes")] == [(17, [*"abefg"])]
    expected = [(4, [*"abefg"]), (6, [*"abcde"]), (7, [*"abefg"])]
    assert [(call.lineno, fields) for call, fields in long_calls(files, "resnetc.calls")] == expected
