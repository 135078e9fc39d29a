"""Anti-unification: from several occurrences of one thing, the text they share and the arguments in which they differ.

A *vector* holds one value for each occurrence. If all values are equal, the value is written out. If they differ, they
become an argument, named after the parameter or `let` of the spec that has the same values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from resnetc.compiler.codegen.derived import Vectors, default_text, line_of
from resnetc.compiler.codegen.naming import Names
from resnetc.compiler.codegen.python_layout import Call, Choose, Code, literal, named
from resnetc.compiler.codegen.torch_modules import POOLED, columns, gain, module_name
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Sequence
from resnetc.compiler.syntax import tree as syntax

IDENTITY = Call("nn.Identity")
POSITIONAL = 2  # so many arguments of a call go without their keywords
TYPES = {"int": "int", "bool": "bool", "number": "float", "module": "nn.Module"}


@dataclass(slots=True)
class Argument:
    """A constructor argument: its name, its annotation, and its value for each occurrence."""

    name: str
    kind: str  # int, size, bool, number or module
    values: list[Any]
    definition: str | None = None  # by other arguments, where it follows from them: a local then, and no parameter
    default: str | None = None  # what calls leave out

    def __post_init__(self) -> None:
        if "None" in self.values:  # a module that some calls go without
            self.default = "None"

    @property
    def type(self) -> str:
        return annotation(self.values, self.kind) + (" | None" if "None" in self.values else "")


class Signature:
    """The arguments of a class or function while its text is made: in the order of first use, until it is `settled`."""

    def __init__(self, numbers: list[tuple[str, str, list[Any]]], channels: list[int], names: Names) -> None:
        self.numbers = numbers  # name, type, vector: the parameters and `let` numbers of the definition
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
    def declarations(self) -> tuple[tuple[str, str], ...]:
        """The parameters as `def` has them: name and type; a bare `*` where one with a default stands before others."""
        out: list[tuple[str, str]] = []
        starred = False
        for parameter in self.parameters:
            out.append((parameter.name, parameter.type + (f" = {parameter.default}" if parameter.default else "")))
            starred = starred or (parameter.default is None and " = " in "".join(type for _, type in out))
        if starred:
            out.insert(POSITIONAL, ("*", ""))
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
                if len(more) > len(lines) + 1:  # `width` in place of both `inner` and `outer`
                    self.add(name, kind, values)
                    lines = self.lines(definitions, vectors)
        for argument in self.arguments:
            argument.definition = lines.get(argument.name)
        declared = [name for name, _, _ in self.numbers]

        def place(argument: Argument) -> tuple[int, int]:
            if argument.name == "in_channels" or argument.kind == "module":
                return (0 if argument.name == "in_channels" else 3), 0
            return (1, declared.index(argument.name)) if argument.name in declared else (2, 0)

        self.arguments.sort(key=place)
        for argument in (a for a in self.parameters[POSITIONAL:] if a.default is None):
            argument.default = default_text(definitions.get(argument.name))

    def lines(self, definitions: dict[str, syntax.Expr], vectors: Vectors, more: str = "") -> dict[str, str]:
        """The arguments that follow from other ones (and from one `more`), with what they are."""
        integers = {a.name: a.values for a in self.arguments if a.kind == "int"}
        names = {name for name in vectors if integers.get(name) == vectors[name]} | ({more} - {""})
        out: dict[str, str] = {}
        free: dict[str, list[Any]] = {}  # what follows from nothing, in the order of the spec
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

    def value(self, vector: list[Any], kind: str, role: str, place: str) -> Code:
        """The text of a value: a literal, the argument that stands for it, or a multiple of one."""
        if all_equal(vector):
            return literal(vector[0])
        found = self.known(vector, kind, role) or self.told(vector, kind)
        if found is None and kind == "size" and (text := self.each_axis(vector)):
            return text
        if found is None and kind == "int" and (text := self.multiple(vector, role == "in")):
            return text
        return (found or self.add(combined(place, role), kind, vector)).name

    def named(self, vector: list[Any], kind: str, role: str, place: str) -> Argument:
        return (
            self.known(vector, kind, role) or self.told(vector, kind) or self.add(combined(place, role), kind, vector)
        )

    def known(self, vector: list[Any], kind: str, role: str) -> Argument | None:
        """The argument that already has these values. The channels of the input come first for what reads the input."""
        if role == "in" and self.reads_input and vector == self.channels:
            return self.input_channels()
        if kind == "module":  # two attributes with one module would share its weights
            return None
        return next(
            (a for a in self.arguments if a.values == vector and a.kind == kind and a.name != "in_channels"), None
        )

    def told(self, vector: list[Any], kind: str) -> Argument | None:
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

    def multiple(self, vector: list[Any], of_input: bool) -> str | None:
        """`2 * channels` or `width // 2` of an argument that is there already, or of the input's channels."""
        known = [(a.name, a.values) for a in self.arguments if a.kind == "int" and all(a.values)]
        if of_input and not any(name == self.input_name for name, _ in known):
            known.append((self.input_name, self.channels))
        for name, values in known:
            ratios = {Fraction(v, value) for v, value in zip(vector, values, strict=True)}
            ratio = ratios.pop()
            if ratios or ratio == 1 or 1 not in (ratio.numerator, ratio.denominator):
                continue
            if name == self.input_name:
                self.input_channels()
            return f"{name} // {ratio.denominator}" if ratio.numerator == 1 else f"{ratio.numerator} * {name}"
        return None

    def each_axis(self, vector: list[Any]) -> str | None:
        """`(1, stride, stride)`: sizes whose axes are numbers or what the spec has a name for."""
        rank = max(len(v) if isinstance(v, tuple) else 1 for v in vector)
        if rank == 1:
            return None
        axes = [[v[i] if isinstance(v, tuple) else v for v in vector] for i in range(rank)]
        sizes = [values for _, kind, values in self.numbers if kind == "size"]
        if any(axis not in sizes and not all_equal(axis) for axis in axes):
            return None
        parts = []
        for axis in axes:
            found = None if all_equal(axis) else self.known(axis, "size", "") or self.told(axis, "size")
            parts.append(literal(axis[0]) if found is None else found.name)
        return f"({', '.join(parts)})"

    def add(self, name: str, kind: str, vector: list[Any]) -> Argument:
        argument = Argument(self.names.variable(name, {a.name for a in self.arguments}), kind, vector)
        self.arguments.append(argument)
        return argument

    def shown(self, vector: list[Any]) -> str | None:
        """How a comment calls a value: its literal or the argument that has it; None where nothing does."""
        if all_equal(vector):
            return literal(vector[0])
        same = [a for a in self.arguments if a.values == vector]
        return same[-1].name if same else self.multiple(vector, False)

    def selector(self, groups: list[list[int]]) -> str | None:
        """A condition on an argument that is true for the first group of occurrences only."""
        first, rest = groups[0], [i for g in groups[1:] for i in g]
        sizes = [(n, v) for n, kind, v in self.numbers if kind == "size"]  # a stride decides before a width does
        options = [*sizes, *((a.name, a.values) for a in self.arguments), *((n, v) for n, _, v in self.numbers)]
        for name, values in options:
            inside = {values[i] for i in first}
            if len(inside) == 1 and isinstance(value := inside.pop(), int) and all(values[i] != value for i in rest):
                known = next((a for a in self.arguments if a.values == values), None)
                kind = next((k for n, k, v in self.numbers if v == values), "int")
                if isinstance(value, bool) and not value:
                    continue  # the other side has it: `a if flag else b`
                chosen = known or self.add(name, kind, values)
                return chosen.name if isinstance(value, bool) else f"{chosen.name} == {literal(value)}"
        return None


def whole_multiple(vector: list[Any], bases: dict[str, list[Any]]) -> str | None:
    """`2 * width`, where that is so at every call."""
    for name, values in bases.items():
        if all(values) and len(ratios := {Fraction(v, n) for v, n in zip(vector, values, strict=True)}) == 1:
            ratio = ratios.pop()
            if ratio.denominator == 1 and ratio > 1:
                return f"{ratio} * {name}"
    return None


def combined(place: str, role: str) -> str:
    """The name of an argument that nothing in the spec names: the attribute it is for, and what it is there."""
    name = "_".join(p for p in (place, "in_channels" if role == "in" else role) if p)
    return name if name and not name[0].isdigit() else f"module_{name}".rstrip("_")


def annotation(vector: list[Any], type: str) -> str:
    if type == "size":
        ranks = {len(v) if isinstance(v, tuple) else 1 for v in vector}
        tuples = [f"tuple[{', '.join(['int'] * n)}]" for n in sorted(ranks - {1})]
        return " | ".join((["int"] if 1 in ranks else []) + tuples)
    return TYPES.get(type, type)


def all_equal(vector: list[Any]) -> bool:
    return all(v == vector[0] for v in vector)


def sort(module: Module) -> tuple[Any, ...]:
    """What two modules must share to be written by one text."""
    match module:
        case Leaf(primitive):
            return ("leaf", primitive.name, module.shape_in.rank, gain(module))
        case Sequence(children, origin=origin):
            return ("sequence", origin, tuple(key for key, _ in children))
        case ExpandedBlock(definition):
            return ("block", definition)


Build = Callable[[list[Module]], list[Code]]


class Writer:
    """Writes modules as constructor calls. `blocks` and `policies` say how an occurrence of either is called."""

    def __init__(self, blocks: Build, policies: Callable[[list[Sequence]], list[Code] | None]) -> None:
        self.blocks = blocks
        self.policies = policies
        self.names: dict[str, list[Argument]] = {}
        self.pooled: set[int] = set()  # each `linear` of a sequence that takes a map of one position

    def shared(self, modules: list[Module], signature: Signature, place: str) -> Code | None:
        """One text for all occurrences, its differences as arguments of `signature`; None where they differ in kind."""
        kinds = {sort(m) for m in modules}
        if len(kinds) > 1:
            return None
        first = modules[0]
        if isinstance(first, Leaf):
            return self.leaf([m for m in modules if isinstance(m, Leaf)], signature, place)
        if isinstance(first, ExpandedBlock):
            return merge(self.blocks(modules), signature, place, self.names)
        sequences = [m for m in modules if isinstance(m, Sequence)]
        called = self.policies(sequences)
        if called is not None:
            return merge(called, signature, place, self.names)
        return self.children(sequences, signature, place)

    def children(self, sequences: list[Sequence], signature: Signature, place: str) -> Code | None:
        """`nn.Sequential(...)` of the children, position by position."""
        entries: list[tuple[str, Code]] = []
        for i, (key, _) in enumerate(sequences[0].children):
            column = [s.children[i][1] for s in sequences]
            name = place if key.isdigit() else key
            code = self.shared(column, signature, name) or self.chosen(column, signature, name)
            if code is None:
                return None
            entries.append((key, code))
        return sequential(entries)

    def chosen(self, modules: list[Module], signature: Signature, place: str) -> Code | None:
        """`a if stride == 1 else b` for two kinds that an argument tells apart."""
        groups: dict[Any, list[int]] = {}
        for i, module in enumerate(modules):
            groups.setdefault(sort(module), []).append(i)
        if len(groups) != 2:
            return None
        ordered = sorted(groups.values(), key=lambda g: sort(modules[g[0]])[1] != "identity")
        for pick in (ordered, ordered[::-1]):
            condition = signature.selector(pick)
            if condition is None:
                continue
            sides: list[Code] = []
            for group in pick:
                part = Subset(signature, group)
                code = self.shared([modules[i] for i in group], part, place)
                if code is None:
                    return None
                sides.append(code)
            return Choose(sides[0], condition, sides[1])
        return None

    def leaf(self, leaves: list[Leaf], signature: Signature, place: str) -> Code:
        rows = [columns(leaf) for leaf in leaves]
        arguments: list[tuple[str | None, Code]] = []
        for i, column in enumerate(rows[0]):
            vector = [row[i].value for row in rows]
            if column.default is not None and all(v == column.default for v in vector):
                continue
            if column.role == "padding" and (half := halved(rows, signature, place)):
                arguments.append((column.keyword, half))
                continue
            arguments.append((column.keyword, signature.value(vector, column.type, column.role, place)))
        name = POOLED if id(leaves[0]) in self.pooled else module_name(leaves[0])
        return Call(name, tuple(arguments))

    def occurrence(self, module: Module) -> Code:
        """One occurrence written out, all its numbers literal."""
        alone = Signature([], [module.shape_in.channels], Names(frozenset()))
        code = self.shared([module], alone, "")
        assert code is not None
        return code


def halved(rows: list[list[Any]], signature: Signature, place: str) -> str | None:
    """`kernel // 2`, times a dilation, where the kernel is an argument and the padding keeps the size."""
    values = {c.role: [next(d.value for d in row if d.role == c.role) for row in rows] for c in rows[0]}
    kernel, padding, dilation = values["kernel"], values["padding"], values.get("dilation", [1] * len(rows))
    if all_equal(kernel) or any(isinstance(n, tuple) for n in (*kernel, *dilation)):
        return None
    if padding != [d * (k // 2) for k, d in zip(kernel, dilation, strict=True)]:
        return None
    half = f"{signature.named(kernel, 'size', 'kernel', place).name} // 2"
    if all(d == 1 for d in dilation):
        return half
    return f"{signature.value(dilation, 'size', 'dilation', place)} * ({half})"


class Subset(Signature):
    """A signature seen by some of the occurrences: an argument is known by its values there."""

    def __init__(self, whole: Signature, indices: list[int]) -> None:
        self.whole, self.indices = whole, indices
        super().__init__([], [whole.channels[i] for i in indices], whole.names)

    def value(self, vector: list[Any], kind: str, role: str, place: str) -> Code:
        if all_equal(vector) and (role != "stride" or vector[0] == 1):  # a stride that is chosen is an argument
            return literal(vector[0])
        for argument in self.whole.arguments:
            if [argument.values[i] for i in self.indices] == vector:
                return argument.name
        for name, type, values in self.whole.numbers:
            if type in (kind, "int") and [values[i] for i in self.indices] == vector:
                return self.whole.add(name, kind, values).name
        if all_equal(vector):
            return literal(vector[0])
        full: list[Any] = [vector[0]] * len(self.whole.channels)
        for i, v in zip(self.indices, vector, strict=True):
            full[i] = v
        return self.whole.add(combined(place, role), kind, full).name


def sequential(entries: list[tuple[str, Code]]) -> Code:
    if all(key.isdigit() for key, _ in entries):
        return Call("nn.Sequential", tuple((None, code) for _, code in entries))
    return named([e for e in entries if e[1] != IDENTITY] or entries)  # among names no place has to be held


def merge(codes: list[Code], signature: Signature, place: str, names: dict[str, list[Argument]]) -> Code:
    """Calls that differ in some arguments -> one call that takes them from `signature`.

    `names` are the parameters of the module's own classes and functions: what is handed through is called after them.
    """
    first = codes[0]
    if all(code == first for code in codes):
        return first
    calls = [code for code in codes if isinstance(code, Call)]
    if len(calls) != len(codes) or len({(c.function, len(c.arguments)) for c in calls}) > 1:
        return signature.named(codes, "module", place, "").name
    parameters = names.get(calls[0].function, [])
    out: list[tuple[str | None, Code]] = []
    for i, (keyword, code) in enumerate(calls[0].arguments):
        column = [c.arguments[i][1] for c in calls]
        argument = parameters[i] if i < len(parameters) else Argument(keyword or "value", "int", [])
        out.append((keyword, code if all(c == code for c in column) else passed(column, argument, signature, place)))
    return Call(calls[0].function, tuple(out), calls[0].defaults)


def passed(column: list[Code], argument: Argument, signature: Signature, place: str) -> Code:
    """An argument handed through: numbers keep their names, modules are arguments of their own."""
    values = [constant(c) for c in column]
    if argument.kind == "module" or any(v is None for v in values):
        return signature.named(column, "module", argument.name, place).name
    return signature.value(values, argument.kind, "in" if argument.name == "in_channels" else argument.name, place)


def constant(code: Code) -> Any:
    """The value of a literal, None for other text."""
    if not isinstance(code, str):
        return None
    try:
        return ast.literal_eval(code)
    except (ValueError, SyntaxError):
        return None
