"""The classes of the repository, and which of them a name in one of its files stands for."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MAX_LINES = 400  # of a file: past this, ask which of its nouns wants to move out
ROOTS = ("compiler", "runtime", "src/resnetc")


class File(NamedTuple):
    """A module: its classes, its other names for things, and what it has imported, by dotted names."""

    tree: ast.Module
    classes: dict[str, ast.ClassDef]
    aliases: dict[str, ast.expr]  # `Base` of `Base = evaluator.Evaluator`
    imported: dict[str, str]


class Found(NamedTuple):
    """A class and the dotted name of its module."""

    module: str
    owner: ast.ClassDef


def read_file(text: str) -> File:
    tree = ast.parse(text)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    aliases = {ast.unparse(node.targets[0]): node.value for node in assigned}
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            imported |= {alias.asname: alias.name for alias in node.names if alias.asname}
            imported |= {top: top for alias in node.names if not alias.asname for top in [alias.name.split(".")[0]]}
    return File(tree, classes, aliases, imported)


def iterate_paths() -> Iterator[Path]:
    """The files of the repository, each once: `src/resnetc` links to the other folders."""
    for root in ROOTS:
        for path in sorted((ROOT / root).rglob("*.py")):
            outer = [parent for parent in path.parents if parent.is_relative_to(ROOT)]
            if path.is_file() and not any(parent.is_symlink() for parent in outer):
                yield path


def module_name(path: Path) -> str:
    inside = path.relative_to(ROOT / "src" if path.is_relative_to(ROOT / "src") else ROOT)
    name = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
    return name if name.startswith("resnetc") else f"resnetc.{name}"


def read_files() -> dict[str, File]:
    """All modules by their dotted names."""
    return {module_name(path): read_file(path.read_text(encoding="utf-8")) for path in iterate_paths()}


def find_class(files: dict[str, File], module: str, expression: ast.expr) -> Found | None:
    """The class of the repository that an expression in a module names, where it names one."""
    if isinstance(expression, ast.Subscript):
        return find_class(files, module, expression.value)
    dotted, file = ast.unparse(expression), files[module]
    first, _, rest = dotted.partition(".")
    if dotted in file.classes:
        return Found(module, file.classes[dotted])
    if dotted in file.aliases and ast.unparse(file.aliases[dotted]) != dotted:
        return find_class(files, module, file.aliases[dotted])
    if first not in file.imported:
        return None
    home, _, name = (file.imported[first] + (f".{rest}" if rest else "")).rpartition(".")
    return find_class(files, home, ast.Name(name)) if home in files and home != module else None
