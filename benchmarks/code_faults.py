"""Faults of the code generator, of five kinds, as changes of its text; they stand in benchmarks/code_faults.txt."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mutations import function, replace

TEXT = Path(__file__).with_name("code_faults.txt")
LITERAL = "literal for a parameter"
# Where the arguments of primitives are written, and what they are for: the first occurrence's value for all.
CHOICE = "        if all_equal(vector):\n            return literal(vector[0])\n        argument ="
ROLES = (
    "in", "channels", "kernel", "stride", "padding", "dilation", "groups", "bias", "eps", "momentum", "features",
    "ceil", "count_padding", "slope", "value", "amount", "parts",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in a module of the compiler."""

    kind: str
    module: str
    old: str
    new: str

    @property
    def key(self) -> str:
        return f"{self.kind}: {self.module}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"


def faults() -> list[Fault]:
    roles = (CHOICE.replace("(vector):", f"(vector) or role == {role!r}:") for role in ROLES)
    return [*listed(), *(Fault(LITERAL, "codegen.signature", CHOICE, new) for new in roles)]


def listed() -> Iterator[Fault]:
    """Those of the file: `== KIND`, then of each `@@ MODULE`, `-OLD`, `+NEW`."""
    kind = ""
    for block in TEXT.read_text(encoding="utf-8").split("\n\n"):
        first, *lines = block.strip("\n").split("\n")
        if first.startswith("== "):
            kind = first.removeprefix("== ")
        elif first.startswith("@@ "):
            old, new = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
            yield Fault(kind, first.removeprefix("@@ "), old, new)


def plant(fault: Fault) -> Callable[[], None]:
    """Changes the live module; what is given back takes the fault out again."""
    module = importlib.import_module(f"resnetc.compiler.{fault.module}")
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"stands {text.count(fault.old)} times in its module: {fault.key}")
    tree = ast.parse(text.replace(fault.old, fault.new))
    spaces = len(fault.old) - len(fault.old.lstrip())
    line = text.count("\n", 0, text.index(fault.old) + spaces) + 1
    names: list[str] = []
    home: ast.Module | ast.ClassDef | ast.FunctionDef = tree
    while not isinstance(home, ast.FunctionDef):
        definitions = [s for s in home.body if isinstance(s, ast.FunctionDef | ast.ClassDef)]
        home = next(s for s in definitions if s.lineno <= line <= (s.end_lineno or 0))
        names.append(home.name)
    live = function(module, names)
    before = live.__code__, live.__defaults__, live.__kwdefaults__
    replace(module, home, names, vars(module))

    def remove() -> None:
        live.__code__, live.__defaults__, live.__kwdefaults__ = before

    return remove
