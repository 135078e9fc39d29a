"""The numbers of operators and splits in `forward`: literals, or attributes where the occurrences of a class differ."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from resnetc.compiler.codegen.argument_vectors import Vector, all_equal
from resnetc.compiler.codegen.containers import unique_attribute
from resnetc.compiler.codegen.grouping import cuts_by_sizes
from resnetc.compiler.codegen.python_layout import literal
from resnetc.compiler.codegen.signature import Signature
from resnetc.compiler.evaluation.values import is_number
from resnetc.compiler.ir.network import Join, Leaf, Module
from resnetc.compiler.names.reserved import MODULE
from resnetc.grammar.forms import OPERATORS


def operator_numbers(column: Sequence[Module | Join]) -> Vector | None:
    """The number of an operator in every occurrence; None for other steps, and where there is no number."""
    leaves = [m for m in column if isinstance(m, Leaf) and m.primitive.name in OPERATORS]
    return [number for leaf in leaves if is_number(number := leaf.by_name.get("number"))] or None


class Operands:
    """The texts of the numbers of one class, by their steps, and the lines of `__init__` that store attributes."""

    def __init__(self, signature: Signature, attributes: set[str | int]) -> None:
        self.signature, self.attributes = signature, attributes
        self._texts: dict[int, str] = {}
        self._stored: dict[str, str] = {}

    def add(self, step: int, column: Sequence[Module | Join]) -> None:
        """The number of a step, or the sizes of its parts, if it has any."""
        if (vector := operator_numbers(column)) is not None:
            self.add_number(step, vector)
        widths = [m.get_integers("parts") for m in column if isinstance(m, Leaf) and cuts_by_sizes(m)]
        if widths and not all_equal(widths):
            self._texts[step] = self.store("parts", f"[{self.part_sizes(widths)}]")

    def add_number(self, step: int, vector: Vector) -> None:
        """What differs is an argument of the class, and an attribute of its own."""
        kind = "int" if all(isinstance(value, int) for value in vector) else "number"
        vector = vector if kind == "int" else [Fraction(value) for value in vector if is_number(value)]
        text = str(self.signature.value(vector, kind, "factor", ""))
        if len({*vector}) == 1:
            self._texts[step] = text
            return
        self._texts[step] = self.store(text if text.isidentifier() else "factor", text)

    def store(self, name: str, text: str) -> str:
        """How `forward` reads a value that `__init__` stores: once, however often it is read."""
        if text not in self._stored:
            self._stored[text] = unique_attribute(f"{name}_" if name in MODULE else name, self.attributes)
        return f"self.{self._stored[text]}"

    def part_sizes(self, widths: list[tuple[int, ...]]) -> str:
        """The sizes of parts as arguments of the class; the last may be what the others leave of the input."""
        texts: list[str] = []
        for vector in zip(*widths, strict=True):
            texts.append(self.part_size([*vector], texts, len(texts) == len(widths[0]) - 1))
        return ", ".join(texts)

    def part_size(self, vector: Vector, before: list[str], is_last: bool) -> str:
        signature = self.signature
        if all_equal(vector):
            return literal(vector[0])
        argument = signature.existing(vector, "int", "in") or signature.from_spec(vector, "int")
        if argument is None and (text := signature.multiple(vector, signature.reads_input)):
            return text
        if argument is None and is_last and signature.reads_input:
            return " - ".join([signature.input_channels().name, *before])
        return (argument or signature.add(f"part{len(before)}", "int", vector)).name

    def text(self, step: int) -> str:
        """What stands for the number of a step, or the sizes of its parts; nothing where that is written out."""
        return self._texts.get(step, "")

    @property
    def fields(self) -> list[str]:
        return [f"        self.{name} = {text}" for text, name in self._stored.items()]
