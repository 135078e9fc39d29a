"""Anti-unification: from several occurrences of one thing, the text they share and the arguments that differ."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable
from fractions import Fraction
from functools import lru_cache

from resnetc.compiler.codegen.argument_vectors import Number, Vector, all_equal
from resnetc.compiler.codegen.naming import Names
from resnetc.compiler.codegen.python_layout import Call, Code, Conditional, line, named
from resnetc.compiler.codegen.shared_texts import SharedTexts
from resnetc.compiler.codegen.signature import Argument, PartialSignature, Signature
from resnetc.compiler.codegen.torch_modules import POOLED, Column, module_name
from resnetc.compiler.evaluation.values import is_number
from resnetc.compiler.ir.network import ExpandedBlock, External, Leaf, Module, Sequence

IDENTITY = Call("nn.Identity")


Build = Callable[[list[Module]], list[Code]]


class Writer:
    """Writes modules as constructor calls. `blocks` and `policies` say how an occurrence of either is called.

    `imported` says what a class of the user's own is called. `texts` may be those of other networks too.
    """

    def __init__(
        self,
        blocks: Build,
        policies: Callable[[list[Sequence]], list[Code] | None],
        imported: Callable[[External], str],
        texts: SharedTexts,
    ) -> None:
        self.blocks = blocks
        self.policies = policies
        self.names: dict[str, list[Argument]] = {}
        self.imported = imported
        self.texts = texts
        self.forms: dict[int, str] = {}  # the constructors of layers that their place in a sequence decides

    def anti_unify(self, modules: list[Module], signature: Signature | PartialSignature, place: str) -> Code | None:
        """One text for all occurrences, its differences as arguments of `signature`; None where they differ in kind."""
        # Texts are compared from the leaves up, not line by line: two calls of one class whose arguments differ are one
        # call with arguments of its own, so a number that only the innermost convolution has can travel through any
        # number of classes. What cannot be shared (a kind that differs) is left to the caller, who has two ways out:
        # `a if stride == 1 else b`, and an argument that holds the whole module. Which is shorter is known there alone.
        first = modules[0]
        if len(modules) > 1:
            kind = self.identify_kind(first)
            if any([self.identify_kind(m) != kind for m in modules]):
                return None
        if isinstance(first, Leaf):
            return self.write_leaf([m for m in modules if isinstance(m, Leaf)], signature, place)
        if isinstance(first, ExpandedBlock):
            return merge(self.blocks(modules), signature, place, self.names)
        sequences = [m for m in modules if isinstance(m, Sequence)]
        called = self.policies(sequences)
        if called is not None:
            return merge(called, signature, place, self.names)
        return self.write_children(sequences, signature, place)

    def identify_kind(self, module: Module) -> tuple[Hashable, ...]:
        """What two modules must share to be written by one text."""
        if isinstance(module, Leaf):
            return self.texts.leaf(module).kind
        if isinstance(module, ExpandedBlock):
            return ("block", module.definition)
        return ("sequence", module.origin, tuple([key for key, _ in module.children]))

    def write_children(
        self, sequences: list[Sequence], signature: Signature | PartialSignature, place: str
    ) -> Code | None:
        """`nn.Sequential(...)` of the children, position by position."""
        entries: list[tuple[str, Code]] = []
        for i, (key, _) in enumerate(sequences[0].children):
            column = [s.children[i][1] for s in sequences]
            name = place if key.isdigit() else key
            code = self.anti_unify(column, signature, name) or self.write_conditional(column, signature, name)
            if code is None:
                return None
            entries.append((key, code))
        return write_sequential(entries)

    def write_conditional(
        self, modules: list[Module], signature: Signature | PartialSignature, place: str
    ) -> Code | None:
        """`a if stride == 1 else b` for two kinds that an argument tells apart; not inside a side of such a choice."""
        if isinstance(signature, PartialSignature):
            return None
        groups: dict[Hashable, list[int]] = {}
        for i, module in enumerate(modules):
            groups.setdefault(self.identify_kind(module), []).append(i)
        if len(groups) != 2:
            return None
        ordered = sorted(groups.values(), key=lambda g: self.identify_kind(modules[g[0]])[1] != "identity")
        for pick in (ordered, ordered[::-1]):
            condition = signature.selector(pick)
            if condition is None:
                continue
            sides: list[Code] = []
            for group in pick:
                part = PartialSignature(signature, group)
                code = self.anti_unify([modules[i] for i in group], part, place)
                if code is None:
                    return None
                sides.append(code)
            return Conditional(sides[0], condition, sides[1])
        return None

    def write_leaf(self, leaves: list[Leaf], signature: Signature | PartialSignature, place: str) -> Code:
        if leaves[0].is_parameter:
            return write_parameter(leaves, signature, place)
        rows = [self.texts.leaf(leaf).columns for leaf in leaves]
        arguments: list[tuple[str | None, Code]] = []
        for i, column in enumerate(rows[0]):
            vector = [row[i].value for row in rows]
            if column.default is not None and column.value == column.default and all_equal(vector):
                continue
            if leaves[0].external is not None:
                arguments.append((column.keyword, write_extern_argument(column, vector, signature, place)))
                continue
            if column.role == "padding" and (half := write_half_kernel(rows, signature, place)):
                arguments.append((column.keyword, half))
                continue
            arguments.append((column.keyword, signature.value(vector, column.type, column.role, place)))
        external = leaves[0].external
        if external is not None:
            return Call(self.imported(external), tuple(arguments))
        name = module_name(leaves[0])
        if self.forms and (forms := [self.forms.get(id(leaf)) for leaf in leaves]).count(None) < len(forms):
            name = POOLED if POOLED in forms else forms[0] if len(set(forms)) == 1 and forms[0] else name
        return Call(name, tuple(arguments))

    def write_occurrence(self, module: Module) -> Code:
        """One occurrence written out, all its numbers literal."""
        alone = Signature([], [module.shape_in.channels], Names(frozenset()))
        code = self.anti_unify([module], alone, "")
        assert code is not None
        return code


def write_parameter(leaves: list[Leaf], signature: Signature | PartialSignature, place: str) -> Code:
    """`nn.Parameter(torch.zeros(width))`: the constructor of a parameter of the class."""
    inits = [value for leaf in leaves if is_number(value := leaf.get_argument("init"))]
    shapes = [leaf.get_integers("shape") for leaf in leaves]
    sizes = [signature.value([shape[i] for shape in shapes], "int", "channels", place) for i in range(len(shapes[0]))]
    shape: list[tuple[str | None, Code]] = [(None, size) for size in sizes]
    if all_equal(inits) and inits[0] in (0, 1) and sizes:
        tensor = Call("torch.ones" if inits[0] else "torch.zeros", tuple(shape))
    else:
        init = signature.value([Fraction(value) for value in inits], "number", "init", place)
        whole = f"({', '.join(map(line, sizes))}{',' if len(sizes) == 1 else ''})"
        tensor = Call("torch.full", ((None, whole), (None, init))) if sizes else Call("torch.tensor", ((None, init),))
    return Call("nn.Parameter", ((None, tensor),))


def write_extern_argument(column: Column, vector: Vector, signature: Signature | PartialSignature, place: str) -> Code:
    """An argument of a class of the user's own: a text as it is, or the argument that stands for it."""
    if column.type != "string":
        return signature.value(vector, column.type, column.role, place)
    return str(vector[0]) if all_equal(vector) else signature.named(vector, "string", column.role, place).name


def write_half_kernel(rows: list[list[Column]], signature: Signature | PartialSignature, place: str) -> str | None:
    """`kernel // 2`, times a dilation, where the kernel is an argument and the padding keeps the size."""
    places = {column.role: i for i, column in reversed(list(enumerate(rows[0])))}
    kernel = [row[places["kernel"]].value for row in rows]
    if all_equal(kernel):
        return None
    padding = [row[places["padding"]].value for row in rows]
    dilation = [row[places["dilation"]].value for row in rows] if "dilation" in places else [1] * len(rows)
    pairs = [(k, d) for k, d in zip(kernel, dilation, strict=True) if isinstance(k, int) and isinstance(d, int)]
    if len(pairs) < len(rows) or padding != [d * (k // 2) for k, d in pairs]:
        return None
    half = f"{signature.named(kernel, 'size', 'kernel', place).name} // 2"
    if all(d == 1 for d in dilation):
        return half
    return f"{signature.value(dilation, 'size', 'dilation', place)} * ({half})"


def write_sequential(entries: list[tuple[str, Code]]) -> Code:
    if all(key.isdigit() for key, _ in entries):
        return Call("nn.Sequential", tuple((None, code) for _, code in entries))
    return named([e for e in entries if e[1] != IDENTITY] or entries)  # among names no place has to be held


def merge(
    codes: list[Code], signature: Signature | PartialSignature, place: str, names: dict[str, list[Argument]]
) -> Code:
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
        if any(c != code for c in column):
            code = write_forwarded_argument(column, argument, signature, place)
        out.append((keyword, code))
    return Call(calls[0].function, tuple(out), calls[0].defaults)


def write_forwarded_argument(
    column: list[Code], argument: Argument, signature: Signature | PartialSignature, place: str
) -> Code:
    """An argument handed through: numbers keep their names, modules are arguments of their own."""
    values = [value for c in column if (value := read_number(c)) is not None]
    if argument.kind in ("module", "string") or len(values) < len(column):
        kind = "string" if argument.kind == "string" else "module"
        return signature.named(column, kind, argument.name, place).name
    return signature.value(values, argument.kind, "in" if argument.name == "in_channels" else argument.name, place)


def read_number(code: Code) -> Number | None:
    """The number that a literal is, None for other text."""
    return read_literal(code) if isinstance(code, str) else None


@lru_cache(maxsize=1024)  # the same few numbers stand in most calls, and Python's parser is slow to start
def read_literal(code: str) -> Number | None:
    try:
        value: object = ast.literal_eval(code)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, int | float | tuple) else None
