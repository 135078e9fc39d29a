"""The signature of a class or function while its text is generated: each argument with its value for every occurrence.

If all values of a vector are equal, the value is written out. If they differ, they become an argument, named after the
parameter or `let` of the spec that has the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resnetc.compiler.codegen.argument_vectors import Vector, Vectors, all_equal, axis_of, shared_ratio
from resnetc.compiler.codegen.derived_arguments import default_text, line_of
from resnetc.compiler.codegen.naming import Names
from resnetc.compiler.codegen.python_layout import Call, Code, literal
from resnetc.compiler.syntax import tree as syntax

POSITIONAL = 2  # so many arguments of a call go without their keywords
TYPES = {"int": "int", "bool": "bool", "number": "float", "module": "nn.Module", "string": "str"}
NONE = "None"  # a module that some calls go without


@dataclass(slots=True)
class Argument:
    """A constructor argument: its name, its annotation, and its value for each occurrence."""

    name: str
    kind: str  # int, size, bool, number, string or module
    values: Vector
    definition: str | None = None  # by other arguments, where it follows from them: a local then, and no parameter
    default: str | None = None  # what calls leave out
    declared_name: str = ""  # in the spec, where something else has that name in the module

    def __post_init__(self) -> None:
        if NONE in self.values:
            self.default = NONE

    @property
    def type(self) -> str:
        return annotation(self.values, self.kind) + (" | None" if NONE in self.values else "")

    def text(self, occurrence: int) -> Code:
        """What the call for one occurrence gives: a module's text, or a literal."""
        value = self.values[occurrence]
        return literal(value) if isinstance(value, int | float | Fraction | tuple) else value


class Signature:
    """The arguments of a class or function while its text is made: in the order of first use, until it is `settled`."""

    def __init__(
        self,
        numbers: list[tuple[str, str, Vector]],
        channels: list[int],
        names: Names,
        deciding: frozenset[str] = frozenset(),
    ) -> None:
        self.numbers = numbers  # name, type, vector: the parameters and `let` numbers of the definition
        self.deciding = deciding  # of their names: those that a `when` compares with a number
        self.channels = channels  # of the input
        self.arguments: list[Argument] = []
        self.names = names
        self.reads_input = True  # whether what is being written reads the input, not something made of it

    @property
    def parameters(self) -> list[Argument]:
        """The arguments that a call gives."""
        return [a for a in self.arguments if a.definition is None]

    @property
    def locals(self) -> list[str]:
        """The lines that define the other ones."""
        return [f"{a.name} = {a.definition}" for a in self.arguments if a.definition is not None]

    @property
    def defaults(self) -> tuple[tuple[str, str], ...]:
        return tuple((a.name, a.default) for a in self.parameters if a.default is not None)

    @property
    def positional(self) -> int:
        """How many arguments a call gives without their keywords."""
        first = self.parameters[:POSITIONAL]
        named = (i for i, a in enumerate(first) if a.kind in ("module", "bool") or a.default is not None)
        return next(named, len(first))

    @property
    def declarations(self) -> tuple[tuple[str, str], ...]:
        """The parameters as `def` has them: name and type; a bare `*` where one with a default stands before others."""
        out: list[tuple[str, str]] = []
        starred = False
        for parameter in self.parameters:
            out.append((parameter.name, parameter.type + (f" = {parameter.default}" if parameter.default else "")))
            starred = starred or (parameter.default is None and " = " in "".join(type for _, type in out))
        if starred:
            out.insert(self.positional, ("*", ""))
        return tuple(out)

    def settle(self, definitions: dict[str, syntax.Expr]) -> None:
        """What follows from other arguments becomes a local; the others stand in the order of the spec.

        The channels of the input come first, modules last; what nothing in the spec names stands in between.
        """
        vectors = {name: values for name, _, values in self.numbers}
        lines = self.lines(definitions, vectors)
        for name, kind, values in self.numbers:
            if kind == "int" and not all_equal(values) and name not in {a.name for a in self.arguments}:
                more = self.lines(definitions, vectors, name)
                # `width` in place of both `inner` and `outer`, or of one where every call of the spec must give it
                if len(more) > len(lines) + (name in definitions):
                    self.add(name, kind, values)
                    lines = self.lines(definitions, vectors)
        for argument in self.arguments:
            argument.definition = lines.get(argument.name)
        declared = [name for name, _, _ in self.numbers]

        def rank(argument: Argument) -> tuple[int, int]:
            if argument.name == "in_channels" or argument.kind == "module":
                return (0 if argument.name == "in_channels" else 3), 0
            name = argument.declared_name or argument.name
            return (1, declared.index(name)) if name in declared else (2, 0)

        self.arguments.sort(key=rank)
        for argument in (a for a in self.parameters if a.default is None):
            argument.default = default_text(definitions.get(argument.declared_name or argument.name))

    def lines(self, definitions: dict[str, syntax.Expr], vectors: Vectors, more: str = "") -> dict[str, str]:
        """The arguments that follow from other ones (and from one `more`), with what they are."""
        integers = {a.name: a.values for a in self.arguments if a.kind == "int"}
        names = {name for name in vectors if integers.get(name) == vectors[name]} | ({more} - {""})
        out: dict[str, str] = {}
        free: dict[str, Vector] = {}  # what follows from nothing, in the order of the spec
        for name in (name for name in vectors if name in names):
            text = line_of(name, definitions[name], vectors, set(free)) if name in definitions else None
            if text is None:
                free[name] = vectors[name]
            else:
                out[name] = text
        for name, values in integers.items():  # what the spec has no name for
            if name not in vectors and name != "in_channels" and (text := whole_multiple(values, free)):
                out[name] = text
        return out

    def call(self, function: str, occurrence: int) -> Call:
        """The call for one occurrence: by keyword from the third argument, module, flag or default on."""
        positional = self.positional
        keyed = [(a.name if i >= positional else None, a.text(occurrence)) for i, a in enumerate(self.parameters)]
        return Call(function, tuple(keyed), self.defaults)

    def value(self, vector: Vector, kind: str, role: str, place: str) -> Code:
        """The text of a value: a literal, the argument that stands for it, or a multiple of one."""
        if all_equal(vector):
            return literal(vector[0])
        argument = self.existing(vector, kind, role) or self.from_spec(vector, kind)
        if argument is None and kind == "size" and (text := self.each_axis(vector)):
            return text
        if argument is None and kind == "int" and (text := self.multiple(vector, role == "in")):
            return text
        return (argument or self.add(combined(place, role), kind, vector)).name

    def named(self, vector: Vector, kind: str, role: str, place: str) -> Argument:
        """The argument for a vector, a new one where there is none."""
        argument = self.existing(vector, kind, role) or self.from_spec(vector, kind)
        return argument or self.add(combined(place, role), kind, vector)

    def existing(self, vector: Vector, kind: str, role: str) -> Argument | None:
        """The argument that already has these values. The channels of the input come first for what reads the input."""
        if role == "in" and self.reads_input and vector == self.channels:
            return self.input_channels()
        if kind == "module":  # two attributes with one module would share its weights
            return None
        same = (a for a in self.arguments if a.values == vector and a.kind == kind and a.name != "in_channels")
        argument = next(same, None)
        if argument is not None and any(type(value) is Fraction for value in vector):
            argument.values = vector  # a float where one use of it needs one
        return argument

    def from_spec(self, vector: Vector, kind: str) -> Argument | None:
        """A new argument for a parameter or `let` of the spec that has these values, or for the input's channels."""
        for name, type, values in self.numbers:
            if type in (kind, "int") and values == vector:
                return self.add(name, kind, vector)
        return self.input_channels() if kind == "int" and vector == self.channels else None

    @property
    def input_name(self) -> str:
        """`in_channels`, or the parameter or `let` of the spec that always equals them."""
        same = (name for name, kind, values in self.numbers if kind == "int" and values == self.channels)
        return next(same, "in_channels")

    def input_channels(self) -> Argument:
        name = self.input_name
        return next((a for a in self.arguments if a.name == name), None) or self.add(name, "int", self.channels)

    def multiple(self, vector: Vector, of_input: bool) -> str | None:
        """`2 * channels` or `width // 2` of an argument that is there already, or of the input's channels."""
        bases = [(a.name, a.values) for a in self.arguments if a.kind == "int"]
        if of_input and not any(name == self.input_name for name, _ in bases):
            bases.append((self.input_name, self.channels))
        for name, values in bases:
            ratio = shared_ratio(vector, values)
            if ratio is None or ratio == 1 or 1 not in (ratio.numerator, ratio.denominator):
                continue
            if name == self.input_name:
                self.input_channels()
            return f"{name} // {ratio.denominator}" if ratio.numerator == 1 else f"{ratio.numerator} * {name}"
        return None

    def each_axis(self, vector: Vector) -> str | None:
        """`(1, stride, stride)`: sizes whose axes are numbers or what the spec has a name for."""
        rank = max(len(value) if isinstance(value, tuple) else 1 for value in vector)
        if rank == 1:
            return None
        axes = [axis_of(vector, i) for i in range(rank)]
        sizes = [values for _, kind, values in self.numbers if kind == "size"]
        if any(axis not in sizes and not all_equal(axis) for axis in axes):
            return None
        parts = []
        for axis in axes:
            argument = None if all_equal(axis) else self.existing(axis, "size", "") or self.from_spec(axis, "size")
            parts.append(literal(axis[0]) if argument is None else argument.name)
        return f"({', '.join(parts)})"

    def add(self, name: str, kind: str, vector: Vector) -> Argument:
        unique = self.names.variable(name, {a.name for a in self.arguments})
        argument = Argument(unique, kind, vector, declared_name=name)
        self.arguments.append(argument)
        return argument

    def shown(self, vector: Vector) -> str | None:
        """How a comment calls a value: its literal or the argument that has it; None where nothing does."""
        if all_equal(vector):
            return literal(vector[0])
        same = [a for a in self.arguments if a.values == vector]
        return same[-1].name if same else self.multiple(vector, False)

    def selector(self, groups: list[list[int]]) -> str | None:
        """A condition on an argument that is true for the first group of occurrences only."""
        first, rest = groups[0], [i for g in groups[1:] for i in g]
        sizes = [(n, v) for n, kind, v in self.numbers if kind == "size"]  # a stride decides before a width does
        stated = [(n, v) for n, _, v in self.numbers if n in self.deciding]
        options = [
            *sizes,
            *stated,
            *((a.name, a.values) for a in self.arguments),
            *((n, v) for n, _, v in self.numbers),
        ]
        for name, values in options:
            inside = {values[i] for i in first}
            if len(inside) != 1 or not isinstance(value := inside.pop(), int) or any(values[i] == value for i in rest):
                continue
            if value is False:
                continue  # the other side has it: `a if flag else b`
            existing = next((a for a in self.arguments if a.values == values), None)
            kind = next((k for n, k, v in self.numbers if v == values), "int")
            chosen = existing or self.add(name, kind, values)
            return chosen.name if value is True else f"{chosen.name} == {literal(value)}"
        return None


class PartialSignature:
    """A signature as some of the occurrences see it: an argument is known by its values there, a new one is of all.

    It has the arguments of the whole signature, and none of its own: what is written by it stands in a `def` of that.
    """

    def __init__(self, whole: Signature, indices: list[int]) -> None:
        self.whole, self.indices = whole, indices

    def value(self, vector: Vector, kind: str, role: str, place: str) -> Code:
        """The text of a value, as `Signature.value` has it."""
        if all_equal(vector) and (role != "stride" or vector[0] == 1):  # a stride that is chosen is an argument
            return literal(vector[0])
        argument = self.existing(vector, kind) or self.from_spec(vector, kind)
        if argument is None and all_equal(vector):
            return literal(vector[0])
        return (argument or self.add(combined(place, role), kind, vector)).name

    def named(self, vector: Vector, kind: str, role: str, place: str) -> Argument:
        """The argument for a vector, a new one where there is none."""
        argument = self.existing(vector, kind) or self.from_spec(vector, kind)
        return argument or self.add(combined(place, role), kind, vector)

    def existing(self, vector: Vector, kind: str) -> Argument | None:
        if kind == "module":  # two attributes with one module would share its weights
            return None
        same = (a for a in self.whole.arguments if (a.kind == "bool") == (kind == "bool"))
        return next((a for a in same if self.restrict(a.values) == vector), None)

    def from_spec(self, vector: Vector, kind: str) -> Argument | None:
        for name, type, values in self.whole.numbers:
            if type in (kind, "int") and self.restrict(values) == vector:
                return self.whole.add(name, kind, values)
        return None

    def add(self, name: str, kind: str, vector: Vector) -> Argument:
        """A new argument of the whole signature; calls that do not use it leave a module out, or give any number."""
        full = [NONE if kind == "module" else vector[0]] * len(self.whole.channels)
        for i, value in zip(self.indices, vector, strict=True):
            full[i] = value
        return self.whole.add(name, kind, full)

    def restrict(self, values: Vector) -> Vector:
        return [values[i] for i in self.indices]


def whole_multiple(vector: Vector, bases: dict[str, Vector]) -> str | None:
    """`2 * width`, where that is so at every call."""
    for name, values in bases.items():
        ratio = shared_ratio(vector, values)
        if ratio is not None and ratio.denominator == 1 and ratio > 1:
            return f"{ratio} * {name}"
    return None


def combined(place: str, role: str) -> str:
    """The name of an argument that nothing in the spec names: the attribute it is for, and what it is there."""
    parts = (part for part in (place, "in_channels" if role == "in" else role) if part)
    name = "_".join(parts).replace("-", "_")  # of a label in quotes
    return name if name and not name[0].isdigit() else f"module_{name}".rstrip("_")


def annotation(vector: Vector, type: str) -> str:
    """The type of an argument: a size is an `int`, or a tuple of one for each axis."""
    if type == "size":
        ranks = {len(value) if isinstance(value, tuple) else 1 for value in vector}
        tuples = [f"tuple[{', '.join(['int'] * n)}]" for n in sorted(ranks - {1})]
        return " | ".join((["int"] if 1 in ranks else []) + tuples)
    return TYPES.get(type, type)
