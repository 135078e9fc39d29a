"""Mutants of a module: each changes one node of its syntax tree, and is applied to the live module of a process.

Not mutated: annotations, docstrings, decorators, fields, assertions, and `strict=` of `zip`, which is an assertion too.
"""

from __future__ import annotations

import ast
import copy
import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

BINARY: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip
COMPARED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
SKIPPED = {"annotation", "returns", "decorator_list", "type_comment"}


@dataclass(frozen=True)
class Mutant:
    """One change of one top-level statement of a module."""

    key: str  # where and what, in words that survive a change of other lines
    module: str
    lines: range  # of the statement; of a definition all
    constant: bool  # outside of every function
    path: tuple[str | int, ...]  # of fields and indices, from the module down to the node
    new: ast.AST


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a node."""

    def changed(**fields: Any) -> ast.AST:
        new = copy.copy(node)
        for name, value in fields.items():
            setattr(new, name, value)
        return new

    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in BINARY:
            yield changed(op=BINARY[type(op)]())
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                if type(op) in COMPARED:
                    yield changed(ops=[*ops[:i], COMPARED[type(op)](), *ops[i + 1 :]])
        case ast.BoolOp(op=op):
            yield changed(op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield changed(value=not value)
        case ast.Constant(value=int() as value):
            yield changed(value=value + 1)
        case ast.Constant(value=str() as value):
            yield changed(value=f"XX{value}")
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield changed(func=ast.Name(NAMES[name], ast.Load()))
        case ast.Return(value=value) if value and not (isinstance(value, ast.Constant) and value.value is None):
            yield changed(value=ast.Constant(None))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
    if isinstance(node, (ast.AugAssign, ast.Raise)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()
    if isinstance(node, (ast.If, ast.IfExp, ast.While)) and isinstance(node.test, (ast.Name, ast.Call, ast.Attribute)):
        yield changed(test=ast.UnaryOp(ast.Not(), node.test))


def nodes(node: ast.AST, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], ast.AST]]:
    """The nodes that may be changed, with their paths."""
    for field, value in ast.iter_fields(node):
        if field in SKIPPED or (field == "keywords" and not isinstance(node, ast.Call)):
            continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            here = (*path, field) if i is None else (*path, field, i)
            match child:
                case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.keyword(arg="strict"):
                    continue
                case ast.Expr(value=ast.Constant()):  # a docstring
                    continue
                case ast.Assign() | ast.AnnAssign() if isinstance(node, ast.ClassDef):
                    continue
                case ast.Assign(targets=[ast.Name(id="__all__")]):
                    continue
                case ast.AST():
                    yield here, child
                    yield from nodes(child, here)


def reached(tree: ast.AST, path: tuple[str | int, ...]) -> Any:
    value: Any = tree
    for part in path:
        value = value[part] if isinstance(part, int) else getattr(value, part)
    return value


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its text."""
    file = importlib.import_module(module).__file__
    assert file
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    for path, node in nodes(tree):
        for new in changes(node):
            home = [reached(tree, path[:i]) for i in range(len(path))]
            names = [h.name for h in home if isinstance(h, (ast.FunctionDef, ast.ClassDef))]
            statement = next(h for h in [*home, node][::-1] if isinstance(h, ast.stmt))
            place = ".".join([module.removeprefix("resnetc.compiler."), *names])
            key = f"{place}: {words(statement, home)} [{words(node, home)} -> {words(new, home)}]"
            seen[key] += 1
            numbered = key if seen[key] == 1 else f"{key} (#{seen[key]})"
            constant = not any(isinstance(h, ast.FunctionDef) for h in home)
            yield Mutant(numbered, module, lines(statement), constant, path, new)


def lines(statement: ast.stmt) -> range:
    """The lines of a statement, without the body of a conditional one."""
    body = None if isinstance(statement, ast.FunctionDef) else getattr(statement, "body", None)
    end = body[0].lineno if body else (statement.end_lineno or statement.lineno) + 1
    return range(statement.lineno, max(end, statement.lineno + 1))


def words(node: ast.AST, home: list[ast.AST]) -> str:
    """A node as text; of a statement with a body the first line."""
    if any(isinstance(h, ast.JoinedStr) for h in home) and isinstance(node, ast.Constant):
        return repr(node.value)
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).partition("\n")[0]


def function(module: Any, names: list[str]) -> FunctionType:
    """The function behind its decorators."""
    found = module
    for name in names:
        found = vars(found)[name]
        found = found.fget if isinstance(found, property) else getattr(found, "__wrapped__", found)
    assert isinstance(found, FunctionType)
    return found


def apply(mutant: Mutant) -> None:
    """Changes the live module, in a fork."""
    module = sys.modules[mutant.module]
    assert module.__file__
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    parent = reached(tree, mutant.path[:-1])
    if isinstance(mutant.path[-1], int):
        parent[mutant.path[-1]] = mutant.new
    else:
        setattr(parent, mutant.path[-1], mutant.new)
    ast.fix_missing_locations(tree)
    home = [reached(tree, mutant.path[:i]) for i in range(len(mutant.path) + 1)]
    outer = [h for h in home if isinstance(h, (ast.FunctionDef, ast.ClassDef))]
    first = next((i for i, h in enumerate(outer) if isinstance(h, ast.FunctionDef)), None)
    if first is None:  # a constant of the module
        (statement,) = [s for s in tree.body if s in home]
        before = dict(vars(module))
        exec(compile(ast.Module([statement], []), module.__file__, "exec"), vars(module))
        for name, value in before.items():
            if (now := vars(module)[name]) is not value:
                for other in [m for n, m in sys.modules.items() if n.startswith("resnetc.")]:
                    if vars(other).get(name) is value:
                        setattr(other, name, now)
        return
    replace(module, outer[first], [h.name for h in outer[: first + 1]], vars(module))


def replace(module: Any, definition: ast.FunctionDef, names: list[str], scope: dict[str, Any]) -> None:
    """Gives a live function the body of another definition."""
    definition.decorator_list = []
    scope = dict(scope)
    exec(compile(ast.Module([ast.fix_missing_locations(definition)], []), str(module.__file__), "exec"), scope)
    live, made = function(module, names), scope[definition.name]
    live.__code__, live.__defaults__, live.__kwdefaults__ = made.__code__, made.__defaults__, made.__kwdefaults__


def watch(name: str, seen: set[tuple[str, int]]) -> None:
    """Lets every statement in the functions of a module add its line to `seen`, in a fork."""
    module = sys.modules[name]
    module._reached = seen.add
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for home in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for definition in [node for node in home.body if isinstance(node, ast.FunctionDef)]:
            for node in list(ast.walk(definition)):
                for field in ("body", "orelse", "finalbody"):
                    if isinstance(block := getattr(node, field, None), list):
                        noted = [(ast.parse(f"_reached(({name!r}, {s.lineno}))").body[0], s) for s in block]
                        setattr(node, field, [statement for pair in noted for statement in pair])
            names = [home.name] if isinstance(home, ast.ClassDef) else []
            replace(module, definition, [*names, definition.name], vars(module))
