"""The lines of `forward`: steps become nested calls, split where a value is used twice or a line would do too much."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resnetc.compiler.codegen.naming import NEVER
from resnetc.compiler.codegen.python_layout import WIDTH
from resnetc.compiler.fast_dataclass import record

INDENT = 8
# How loosely an expression binds: a call or a name; a product or a sign; a sum of maps, whose order is left to Python;
# a sum with a number or a difference, whose order is the spec's.
ATOM, PRODUCT, SUM, MIXED = range(4)
MAX_SHAPES = 3  # of different parts that a comment lists
TAKEN = NEVER | {"self", "torch"}  # what no variable of `forward` is called
PRIVATE_USE = 0xE000  # where Unicode has characters that no text of a module has


@record(eq=True)
class Line:
    """A statement of `forward` with the comment that gives the shape of its value; None where a line has no value."""

    code: str
    comment: str | None

    @property
    def text(self) -> list[str]:
        pad = " " * INDENT
        whole = f"{pad}{self.code}  # {self.comment}" if self.comment else pad + self.code
        return [whole] if len(whole) <= WIDTH or not self.comment else [f"{pad}# {self.comment}", pad + self.code]


@record(eq=True)
class Operation:
    """One step as text: `write` makes an expression of its operands; a heavy one (with weights) opens a line."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    write: Callable[[list[str]], str]
    heavy: bool = False
    loosest: tuple[int, ...] = ()  # what each operand may be without parentheses; anything where nothing is said
    binds: int = ATOM  # what the expression is
    solo: bool = False  # a statement of its own, such as a stage
    opens: bool = False  # a line begins with it, where what it reads took weights
    gathers: bool = False  # `write` gets its operands as one list
    stacked: bool = False  # several outputs are the slices of one tensor, not a tuple of tensors
    blocks: str = ""  # a part of a sequence whose modules are called in a loop, in place of what `write` makes

    def text(self, operands: list[str], whole: str | None = None) -> str:
        """The expression; `whole` is the name of the list that the operands are all elements of, in their order."""
        return self.write([whole or f"[{', '.join(operands)}]"] if self.gathers else operands)

    @property
    def named(self) -> set[int]:
        """The operands that must have a name: its text has them more than once."""
        marks = [chr(PRIVATE_USE + i) for i in range(len(self.inputs))]
        text = self.text(marks)
        return {ref for ref, mark in zip(self.inputs, marks, strict=True) if text.count(mark) > 1}


@dataclass(slots=True)
class Pending:
    """An expression not yet given a name."""

    text: str
    heavy: bool
    binds: int
    calls: int
    reads: frozenset[str]  # the names in it: none of them is free while it waits


def without_repeats(lines: list[Line]) -> list[Line]:
    """A shape is said once, until there is another one."""
    out, last = [], None
    for ln in lines:
        out.append(Line(ln.code, None if ln.comment == last else ln.comment))
        last = last if ln.comment is None else ln.comment
    return out


class Forward:
    """Writes the statements for the operations of a scope. `name` and `shape` say what a value is called and has."""

    def __init__(
        self,
        operations: list[Operation],
        output: int,
        names: dict[int, str],
        shape: Callable[[int], str],
        reuse_input: bool = False,
        results: dict[str, int] | None = None,
        remarks: Mapping[int, list[str]] = MappingProxyType({}),
    ) -> None:
        self.operations, self.output, self.names, self.shape = operations, output, names, shape
        self.reuse_input, self.results = reuse_input, results
        self.remarks = dict(remarks)  # comments on lines of their own, before the statement that begins with a value
        self.uses: dict[int, int] = dict.fromkeys(results.values(), 2) if results else {output: 1}
        for operation in operations:
            for ref in operation.inputs:
                self.uses[ref] = self.uses.get(ref, 0) + 1
        self.left = dict(self.uses)
        self.next: dict[int, int] = {}
        for operation in operations:
            for ref in operation.inputs if operation.outputs else ():
                self.next.setdefault(ref, operation.outputs[0])
        self.variables: dict[int, str] = {0: "x"}
        self.value_of: dict[str, int] = {"x": 0}
        self.lists: dict[tuple[int, ...], str] = {}  # values that one expression has as a whole
        self.pending: dict[int, Pending] = {}
        self.lines: list[Line] = []

    def write(self) -> list[Line]:
        for operation in self.operations:
            self.step(operation)
        if self.results:
            pairs = [f'"{name}": {self.variables[ref]}' for name, ref in self.results.items()]
            whole = f"return {{{', '.join(pairs)}}}"
            broken = ["return {", *(f"    {pair}," for pair in pairs), "}"]
            self.lines += [Line(code, "") for code in ([whole] if len(whole) + INDENT <= WIDTH else broken)]
            return self.lines
        last = self.pending.get(self.output)
        text = last.text if last else self.variables[self.output]
        self.lines.append(Line(f"return {text}", self.shape(self.output)))
        return without_repeats(self.lines)

    def step(self, operation: Operation) -> None:
        if remark := self.remarks.pop(operation.outputs[0], None) if operation.outputs else None:
            for ref in dict.fromkeys(ref for ref in operation.inputs if ref in self.pending):
                self.assign(ref)
            self.lines += [Line(f"# {text}", None) for text in remark]
        if operation.blocks:
            self.loop(operation)
            return
        if not self.pending.keys().isdisjoint(operation.inputs):
            for ref in operation.named & self.pending.keys():
                self.assign(ref)
        texts, calls, heavy, binds = [], 0, operation.heavy, operation.binds
        reads: set[str] = set()
        for i, ref in enumerate(operation.inputs):
            waiting = self.pending.get(ref)
            if waiting is not None and waiting.heavy and (operation.heavy or operation.opens):
                self.assign(ref)
                waiting = None
            if waiting is not None:
                wrap = waiting.binds > (operation.loosest[i] if operation.loosest else MIXED)
                binds = max(binds, waiting.binds) if binds >= SUM and not wrap else binds
                texts.append(f"({waiting.text})" if wrap else waiting.text)
                calls, heavy = calls + waiting.calls, heavy or waiting.heavy
                reads |= waiting.reads
            else:
                texts.append(self.variables[ref])
                reads.add(self.variables[ref])
        text = operation.text(texts, self.lists.get(operation.inputs))
        if len(text) > WIDTH - INDENT - 24 and any(ref in self.pending for ref in operation.inputs):
            for ref in operation.inputs:
                if ref in self.pending and self.pending[ref].calls:
                    self.assign(ref)
            self.step(operation)
            return
        for ref in operation.inputs:
            self.left[ref] -= 1
            self.pending.pop(ref, None)
        if len(operation.outputs) > 1 or not operation.outputs:
            self.unpack(operation, text)
            return
        (ref,) = operation.outputs
        self.pending[ref] = Pending(text=text, heavy=heavy, binds=binds, calls=calls + 1, reads=frozenset(reads))
        named = ref in self.names and self.pending[ref].calls > 1
        if self.uses.get(ref, 0) > 1 or ((named or operation.solo) and ref != self.output):
            self.assign(ref)

    def loop(self, operation: Operation) -> None:
        """Modules one after the other: a slice of an `nn.Sequential` is a module that no tracer of torch.fx knows."""
        (before,), (ref,) = operation.inputs, operation.outputs
        self.left[before] -= 1
        if before in self.pending and self.left[before] == 0:  # what goes in has the name of what comes out
            start = self.pending.pop(before).text
        else:
            if before in self.pending:
                self.assign(before)
            start = self.variables[before]
        base, last = (self.names.get(number, "").rstrip("0123456789") for number in (before, ref))
        name = self.free("out" if last and base == last else self.called(ref), ref)  # not `x3`, as it was `x0` too
        if name != start:
            self.lines.append(Line(f"{name} = {start}", self.shape(before)))
        self.variables[ref], self.value_of[name] = name, ref
        plural = re.search(r"\.([a-z]\w+)s$", operation.blocks)
        element = plural[1] if plural and plural[1] not in TAKEN | {name} else "block"
        block, shape = self.free(element, -1), self.shape(ref)
        self.lines.append(Line(f"for {block} in {operation.blocks}:", shape))
        self.lines.append(Line(f"    {name} = {block}({name})", None))

    def unpack(self, operation: Operation, text: str) -> None:
        """A list of values: one name for the list, its elements by index."""
        first = operation.outputs[0]
        name = self.free(self.names.get(first, "parts"), -1)
        self.value_of[name] = -2  # a list stays until the end
        shapes = [self.shape(ref) for ref in operation.outputs]
        comment = f"{len(shapes)} x {shapes[0] or 'a map'}"
        if len(set(shapes)) > 1:
            comment = ", ".join(shapes) if all(shapes) and len(shapes) <= MAX_SHAPES else f"{len(shapes)} parts"
        self.lines.append(Line(f"{name} = {text}", comment))
        self.lists[operation.outputs] = f"{name}.unbind()" if operation.stacked else name
        for i, ref in enumerate(operation.outputs):
            self.variables[ref] = f"{name}[{i}]"

    def assign(self, ref: int) -> None:
        """Gives a pending expression a name: its own, or that of the value it is on the way to."""
        waiting = self.pending.pop(ref)
        name = self.free(self.called(ref), ref)
        self.lines.append(Line(f"{name} = {waiting.text}", self.shape(ref)))
        self.variables[ref], self.value_of[name] = name, ref

    def called(self, ref: int) -> str:
        at: int | None = ref
        results = self.results.values() if self.results else ()
        while at is not None and (at == ref or at not in results):
            if at in self.names:
                return self.names[at]
            at = self.next.get(at)
        return "x" if self.reuse_input or not self.left.get(0) else "out"

    def free(self, name: str, ref: int) -> str:
        """A name whose value is no longer needed, by an operation to come or by an expression that waits."""
        unique, n = name, 2
        while (
            unique in self.value_of
            and self.value_of[unique] != ref
            and (
                self.value_of[unique] == -2
                or self.left.get(self.value_of[unique], 0) > 0
                or any(unique in waiting.reads for waiting in self.pending.values())
            )
        ):
            unique, n = f"{name}{n}", n + 1
        return unique
