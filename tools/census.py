"""How large the language is, and who uses what of it: primitives by the specs that mention them, labels, lines.

    python tools/census.py

The tests hold the same numbers against bounds; docs/decisions/0007 says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import RESERVED, parse
from resnetc.grammar.primitives import FUNCTIONS, PRIMITIVES, TYPES

GRAMMAR = LIBRARY.parent / "grammar" / "resnet.lark"


def trees() -> dict[str, syntax.File]:
    """Every shipped spec, by its name in the library."""
    out = {}
    for path in sorted(LIBRARY.rglob("*.resnet")):
        name = path.relative_to(LIBRARY).as_posix().removesuffix(".resnet")
        out[name] = parse(Source(name, path.read_text(encoding="utf-8")), Sink())
    return out


def nodes(node: Any) -> Iterator[Any]:
    """A node of a syntax tree and all below it, but no labels, no keywords, nothing behind a dot."""
    if isinstance(node, tuple):
        for part in node:
            yield from nodes(part)
    if not is_dataclass(node) or isinstance(node, type):
        return
    yield node
    other = {syntax.Labelled: "path", syntax.Argument: "name", syntax.Attribute: "name", syntax.Stage: "path"}
    skipped = other.get(type(node))
    for field in fields(node):
        if field.name not in (skipped, "span"):
            yield from nodes(getattr(node, field.name))


def mentions(tree: syntax.File) -> set[str]:
    """The primitives that a spec mentions; a parameter or a value may have the name of one."""
    out = set()
    for item in tree.items:
        own = {n.name.id for n in nodes(item) if isinstance(n, (syntax.Parameter, syntax.Let))}
        out |= {n.id for n in nodes(item) if isinstance(n, syntax.Name) and n.id in PRIMITIVES} - own
    return out


def users() -> dict[str, list[str]]:
    """For each primitive the shipped specs that mention it."""
    seen = {name: mentions(tree) for name, tree in trees().items()}
    return {primitive: [name for name, found in seen.items() if primitive in found] for primitive in PRIMITIVES}


def steps(tree: syntax.File) -> int:
    """The operations of a spec: the steps of its pipes, and layers that are applied alone, as in a stage."""
    found = 0
    for node in nodes(tree.items):
        if isinstance(node, syntax.Pipe):
            found += len(node.steps)
        elif isinstance(node, syntax.Repeat):
            found += 1
    return found


def labels(tree: syntax.File) -> list[str]:
    return [node.path.span.text for node in nodes(tree.items) if isinstance(node, syntax.Labelled)]


def lines(path: Path) -> int:
    """The lines of a file that say something: neither blank nor a comment."""
    text = path.read_text(encoding="utf-8").splitlines()
    return sum(1 for ln in text if ln.strip() and not ln.strip().startswith("//"))


def sizes() -> dict[str, int]:
    """What there is to learn, in numbers."""
    zoo = list(LIBRARY.glob("zoo/*/*.resnet"))
    nets = sum(
        isinstance(i, syntax.Instance) for name, tree in trees().items() if name.startswith("zoo/") for i in tree.items
    )
    return {
        "primitives": len(PRIMITIVES),
        "functions": len(FUNCTIONS),
        "types": len(TYPES),
        "reserved words": len(RESERVED),
        "lines of the grammar": lines(GRAMMAR),
        "lines of specs/std": sum(lines(path) for path in LIBRARY.glob("std/*.resnet")),
        "lines of specs/zoo": sum(lines(path) for path in zoo),
        "nets that are one statement": nets,
    }


def main() -> None:
    for what, count in sizes().items():
        print(f"{count:6} {what}")
    print("\nprimitives, and the specs that mention them")
    for primitive, specs in users().items():
        print(f"  {primitive:<16} {' '.join(specs) or '-'}")
    print("\nlabels by spec, of so many operations")
    for name, tree in trees().items():
        found = labels(tree)
        print(f"  {name:<28} {len(found):3} of {steps(tree):3}  {' '.join(dict.fromkeys(found))}")


if __name__ == "__main__":
    main()
