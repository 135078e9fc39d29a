"""The numbers of operators in `forward`: literals, or attributes where the occurrences of a class differ in them."""

from __future__ import annotations

from collections.abc import Sequence

from resnetc.compiler.codegen.argument_vectors import Vector
from resnetc.compiler.codegen.containers import unique_attribute
from resnetc.compiler.codegen.signature import Signature
from resnetc.compiler.evaluation.values import is_number
from resnetc.compiler.ir.network import Join, Leaf, Module
from resnetc.compiler.names.reserved import MODULE
from resnetc.grammar.primitives import OPERATORS


def operator_numbers(column: Sequence[Module | Join]) -> Vector | None:
    """The number of an operator in every occurrence; None for other steps, and where there is no number."""
    leaves = [m for m in column if isinstance(m, Leaf) and m.primitive.name in OPERATORS]
    return [number for leaf in leaves if is_number(number := dict(leaf.arguments).get("number"))] or None


class Operands:
    """The texts of the numbers of one class, by their steps, and the lines of `__init__` that store attributes."""

    def __init__(self, signature: Signature, attributes: set[str | int]) -> None:
        self.signature, self.attributes = signature, attributes
        self._texts: dict[int, str] = {}
        self._stored: dict[str, str] = {}

    def add(self, step: int, vector: Vector) -> None:
        """The number of a step. What differs is an argument of the class, and an attribute of its own."""
        kind = "int" if all(isinstance(value, int) for value in vector) else "number"
        text = str(self.signature.value(vector, kind, "factor", ""))
        if len({*vector}) == 1:
            self._texts[step] = text
            return
        if text not in self._stored:
            name = text if text.isidentifier() else "factor"
            self._stored[text] = unique_attribute(f"{name}_" if name in MODULE else name, self.attributes)
        self._texts[step] = f"self.{self._stored[text]}"

    def text(self, step: int) -> str:
        """What stands for the number of a step; nothing where it has none."""
        return self._texts.get(step, "")

    @property
    def fields(self) -> list[str]:
        return [f"        self.{name} = {text}" for text, name in self._stored.items()]
