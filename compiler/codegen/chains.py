"""Chains of a list's modules: `for unit in self.units`, where each takes what the one before it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from resnetc.compiler.codegen.forward import Operation
from resnetc.compiler.codegen.functional import loop
from resnetc.compiler.ir.paths import Path

MIN_LENGTH = 3  # two calls are as short as a loop


def with_loops(
    operations: list[Operation], stored: Collection[Path], marked: Collection[int], shape: Callable[[int], str]
) -> list[Operation]:
    """Whole lists whose modules are called one after the other as loops, where no shape changes on the way.

    Values that are `marked` are seen elsewhere.
    """
    lengths = lists(stored)
    if not lengths:
        return operations
    uses: dict[int, int] = dict.fromkeys(marked, 2)
    for operation in operations:
        for ref in operation.inputs:
            uses[ref] = uses.get(ref, 0) + 1
    elements = [element(operation) for operation in operations]
    out: list[Operation] = []
    i = 0
    while i < len(operations):
        name, index = elements[i] or ("", -1)
        length = lengths.get(name, 0)
        run = operations[i : i + length]
        if (
            length
            and index == 0
            and elements[i : i + length] == [(name, n) for n in range(length)]
            and len({shape(operation.outputs[0]) for operation in run}) == 1
            and all(b.inputs == a.outputs and uses[a.outputs[0]] == 1 for a, b in zip(run, run[1:], strict=False))
        ):
            out.append(loop(run[0].inputs, run[-1].outputs, f"self.{name}"))
            i += length
        else:
            out.append(operations[i])
            i += 1
    return out


def lists(stored: Collection[Path]) -> Mapping[str, int]:
    """The attributes that are lists of at least `MIN_LENGTH` modules, with their lengths."""
    indices: dict[str, list[str | int]] = {}
    for name, *rest in stored:
        indices.setdefault(str(name), []).append(rest[0] if len(rest) == 1 else "")
    return {name: len(n) for name, n in indices.items() if len(n) >= MIN_LENGTH and sorted(n, key=str) == whole(len(n))}


def whole(length: int) -> list[str | int]:
    return sorted(range(length), key=str)


def element(operation: Operation) -> tuple[str, int] | None:
    """`("units", 0)` of an operation that is `self.units[0](x)` and no more."""
    if len(operation.inputs) != 1 or len(operation.outputs) != 1 or operation.blocks or operation.gathers:
        return None
    match = re.fullmatch(r"self\.(\w+)\[(\d+)\]\(x\)", operation.write(["x"]))
    return (match[1], int(match[2])) if match else None
