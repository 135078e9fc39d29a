"""Which operation to blame where two branches differ in size, and what to write instead, tried before it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from resnetc.compiler import shapes
from resnetc.compiler.diagnostics import Edit, Fault, Label
from resnetc.compiler.ir import Condition, Leaf, Module, Sequence, Shape, Step, Template
from resnetc.compiler.sizes import Affine, SizeFn, SizeSet, from_minimum, from_residues, identity, step
from resnetc.compiler.source import Span
from resnetc.compiler.values import describe, normal_size, show_path
from resnetc.grammar.primitives import REQUIRED

LONGEST_TEXT = 48
ROWS = {1: ("position",), 2: ("row", "column"), 3: ("frame", "row", "column")}

Geometry = tuple[int, int]
"""Stride and delta of `ceil((n + delta) / stride)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a branch: what it does to the size of each axis, None where that is no stride and delta."""

    text: str
    span: Span
    step: Step
    leaf: Leaf | None
    geometry: tuple[Geometry | None, ...]

    def does(self, axis: int) -> Geometry | None:
        """What it does to the size of one axis."""
        return self.geometry[axis] if axis < len(self.geometry) else None

    def effect(self, axis: int) -> str:
        """The same in words, besides a plain stride."""
        stride, delta = self.does(axis) or (1, 0)
        row = ROWS[len(self.geometry)][axis]
        if stride == 2 and delta == -1:
            return f"loses the last {row} of an odd map"
        if stride > 1 and delta == 1 - stride:
            return f"loses the {row}s beyond a multiple of {stride}"
        count = f"{abs(delta)} {row}{'s' if abs(delta) > 1 else ''}"
        return f"takes {count} off its map" if delta < 0 else f"adds {count} to its map"


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One side of an addition: from the value that both sides come from to the one that is added."""

    name: str
    start: Shape
    end: Shape
    operations: tuple[Operation, ...]

    def stride(self, axis: int) -> int | None:
        """The stride of the whole branch."""
        found = [o.does(axis) for o in self.operations]
        return prod(g[0] for g in found if g) if all(found) else None

    def contributions(self, axis: int) -> list[tuple[Operation, int]]:
        """The operations that add to D in `ceil((n + D) / c)` of the whole branch, with what they add."""
        found, before = [], 1
        for operation in self.operations:
            stride, delta = operation.does(axis) or (1, 0)
            if delta:
                found.append((operation, delta * before))
            before *= stride
        return found

    def sizes(self) -> tuple[SizeFn, ...] | None:
        """The sizes at the end, computed from the operations."""
        sizes = self.start.sizes
        for operation in self.operations:
            if len(operation.geometry) != len(sizes) or None in operation.geometry:
                return None
            sizes = tuple(step(f, *does) for f, does in zip(sizes, operation.geometry, strict=True) if does)
        return sizes


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to write instead, the sizes that both sides then have at every input size, and the edits that do it."""

    operation: Operation
    text: str
    sizes: tuple[SizeFn, ...]
    fix: tuple[Edit, ...]


# -- branches ---------------------------------------------------------------------------------------------------------


def branches(template: Template, condition: Condition, number: int) -> tuple[Branch, Branch]:
    """Both sides of the step whose operands must have equal sizes, from their nearest common origin on."""
    left, right = operands(template, condition, number)
    origins = set(chain(template, left))
    shared = next(ref for ref in chain(template, right) if ref in origins)
    names = [called(template, ref) for ref in (left, right)]
    if names[0] == names[1]:  # elements of one list
        names = [called(template, ref, by_path=True) for ref in (left, right)]
    return branch(template, shared, left, names[0]), branch(template, shared, right, names[1])


def operands(template: Template, condition: Condition, number: int) -> tuple[int, int]:
    """The two values that a condition compares: the first input, and the first that has the other size."""
    first, *others = template.steps[number].inputs
    odd = (ref for ref in others if template.wires[ref].shape.sizes[condition.axis] == condition.other)
    return first, next(odd, others[0])


def chain(template: Template, ref: int) -> list[int]:
    """The values that one value was made of, backwards to `in`; through an addition or a gate along its map."""
    found = [ref]
    while (number := template.wires[ref].step) is not None:
        inputs, sizes = template.steps[number].inputs, template.wires[ref].shape.sizes
        ref = next((r for r in inputs if template.wires[r].shape.sizes == sizes), inputs[0])
        found.append(ref)
    return found


def branch(template: Template, start: int, end: int, name: str) -> Branch:
    """The operations between two values of a template, in their order."""
    refs = chain(template, end)
    operations: list[Operation] = []
    for ref in reversed(refs[: refs.index(start)]):
        number = template.wires[ref].step
        assert number is not None  # only `in` has none, and it lies before the start
        made = template.steps[number]
        if not isinstance(made.operation, str):
            operations.extend(operation(made, module) for module in opened(made.operation))
    return Branch(name, template.wires[start].shape, template.wires[end].shape, tuple(operations))


def opened(module: Module) -> Iterator[Leaf | Template]:
    """The operations of a chain, nested chains opened; blocks stay closed."""
    pending = [module]
    while pending:
        module = pending.pop()
        if isinstance(module, Sequence):
            pending.extend(child for _, child in reversed(module.children))
        else:
            yield module


def called(template: Template, ref: int, by_path: bool = False) -> str:
    """How a value is called: by its name, or by the text or the path of the layer that makes it."""
    wire = template.wires[ref]
    if wire.step is None:
        return "in"
    made = template.steps[wire.step]
    return show_path(made.path) if by_path else wire.name or short(made.span.text)


def operation(made: Step, module: Leaf | Template) -> Operation:
    if isinstance(module, Template):
        sizes = zip(module.shape_in.sizes, module.shape_out.sizes, strict=False)
        return Operation(short(made.span.text), made.span, made, None, tuple(between(f, g) for f, g in sizes))
    text = module.span.text if complete(module) else canonical(module)
    return Operation(short(text), module.span, made, module, geometry(module))


def geometry(leaf: Leaf) -> tuple[Geometry | None, ...]:
    """Stride and delta on each axis, read off what the shape rule makes of a size that is the input's own."""
    free = tuple(Shape(s.channels, (identity(),) * s.rank) for s in leaf.inputs)
    try:
        (shape, *_) = shapes.rule(leaf.primitive, dict(leaf.arguments), free, leaf.span, [])
    except Fault:  # it takes constant sizes only
        return (None,) * leaf.shape_in.rank
    return tuple(between(identity(), size) for size in shape.sizes)


def between(before: SizeFn, after: SizeFn) -> Geometry | None:
    """The stride and delta that lead from one size to another, if that is what they differ by."""
    if before == after:
        return 1, 0
    if not (isinstance(before, Affine) and isinstance(after, Affine) and before.u == after.u == 1):
        return None
    (stride, rest), (delta, odd) = divmod(after.c, before.c), divmod(after.D - before.D, before.c)
    return None if rest or odd else (stride, delta)


def most_changing(sides: tuple[Branch, Branch], axis: int) -> Operation | None:
    """The operation that changes a size most, besides its stride."""
    found = [pair for side in sides for pair in side.contributions(axis)]
    return max(found, key=lambda pair: abs(pair[1]), default=(None, 0))[0]


# -- calls as they are written ----------------------------------------------------------------------------------------


def short(text: str) -> str:
    """A piece of source in one line; only its head where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else text.partition("(")[0][:LONGEST_TEXT] + "(...)"


def complete(leaf: Leaf) -> bool:
    """Whether an operation's own text says all that it needs; where a slot stands for it, it may be the slot's name."""
    given = arguments(leaf.span.text)
    positional = sum(not name for name, _ in given)
    needed = [p.name for p in leaf.primitive.parameters if p.default is REQUIRED]
    return all(i < positional or name in dict(given) for i, name in enumerate(needed))


def canonical(leaf: Leaf) -> str:
    """An operation with the arguments that are not its defaults; a default of None was derived from the others."""
    usual = {p.name: p.default for p in leaf.primitive.parameters}
    given = [(n, describe(v)) for n, v in leaf.arguments if usual[n] is not None and v != usual[n]]
    return call(leaf.primitive.name, [("", value) for _, value in given[:1]] + given[1:])


def arguments(text: str) -> list[tuple[str, str]]:
    """The arguments of a call as they are written, each with its name; by position they have none."""
    found = re.fullmatch(r"[\w.\s]+\((.*)\)", text, re.DOTALL)
    pieces, depth = [""], 0
    for c in found[1] if found else "":
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += c
    named = (re.fullmatch(r"\s*(?:(\w+)\s*=(?!=))?\s*(.*?)\s*", piece, re.DOTALL) for piece in pieces if piece.strip())
    return [(m[1] or "", m[2]) for m in named if m]


def call(text: str, given: list[tuple[str, str]]) -> str:
    """A call with other arguments."""
    inside = ", ".join(f"{name}={value}" if name else value for name, value in given)
    return f"{text.partition('(')[0].strip()}({inside})"


def rewritten(text: str, changes: dict[str, str], order: list[str]) -> str:
    """A call with some arguments changed: where they stand, or behind the others."""
    given = arguments(text)
    known = [name or (order[i] if i < len(order) else "") for i, (name, _) in enumerate(given)]
    kept = [(name, changes.get(key, value)) for key, (name, value) in zip(known, given, strict=True)]
    return call(text, kept + [(name, value) for name, value in changes.items() if name not in known])


# -- remedies ---------------------------------------------------------------------------------------------------------


def remedy(sides: tuple[Branch, Branch], axis: int) -> Remedy | None:
    """The first change that makes both sides equal on every axis, for every size: of one operation, or of a side's."""
    for mine, other in (sides, sides[::-1]):
        blamed = [operation for operation, _ in mine.contributions(axis)]
        for change in [*(((o, c),) for o in blamed for c in changes(o.leaf)), *neutral(blamed)]:
            changed = {id(o): replace(o, geometry=geometry(leaf)) for o, (leaf, _, _) in change}
            sizes = replace(mine, operations=tuple(changed.get(id(o), o) for o in mine.operations)).sizes()
            if sizes is not None and sizes == other.end.sizes:
                texts = dict.fromkeys(f"`{text}`" for _, (_, text, _) in change)
                fix = tuple(edit for _, (_, _, edits) in change for edit in edits)
                return Remedy(change[0][0], " and ".join(texts), sizes, fix)
    return None


Change = tuple[Leaf, str, tuple[Edit, ...]]
"""A leaf with other arguments, how that is written, and the edit where that is in the user's own file."""


def neutral(blamed: list[Operation]) -> Iterator[tuple[tuple[Operation, Change], ...]]:
    """All operations changed so that none adds anything, if each can be."""
    found = []
    for operation in blamed:
        for change in changes(operation.leaf):
            if all(does and does[1] == 0 for does in geometry(change[0])):
                found.append((operation, change))
                break
    if len(found) == len(blamed) > 1:
        yield tuple(found)


def changes(leaf: Leaf | None) -> Iterator[Change]:
    """What else a window might say: `ceil=true` on a pool, the padding of an odd kernel, an odd kernel."""
    if leaf is None or "padding" not in (values := dict(leaf.arguments)):
        return
    kernel, dilation, rank = values["kernel"], values.get("dilation", 1), leaf.shape_in.rank
    odd = [shapes.axis(kernel, i) // 2 * 2 + 1 for i in range(rank)]
    pads = [shapes.axis(dilation, i) * (k - 1) // 2 for i, k in enumerate(odd)]
    padding = {"padding": normal_size(tuple(pads))}
    if values.get("ceil") is False:
        yield changed(leaf, {"ceil": True}, {})
    if all(shapes.axis(kernel, i) % 2 for i in range(rank)):
        yield changed(leaf, padding, {})
    elif "ceil" not in values:
        yield changed(leaf, {"kernel": normal_size(tuple(odd))}, padding)


def changed(leaf: Leaf, said: dict[str, Any], implied: dict[str, Any]) -> Change:
    """A leaf with arguments that are written, and others that follow from them by default."""
    other = replace(leaf, arguments=tuple({**dict(leaf.arguments), **said, **implied}.items()))
    texts = {name: describe(value) for name, value in said.items()}
    place, names = leaf.span, {name for name, _ in arguments(leaf.span.text)}
    own = place.text.startswith(leaf.primitive.name)  # a slot has parameters of its own
    if complete(leaf) and (own or texts.keys() <= names):
        text = rewritten(place.text, texts, [p.name for p in leaf.primitive.parameters] if own else [])
        return other, text, () if shipped(place) else (Edit(place, text),)
    return other, rewritten(canonical(leaf), texts, []), ()


def shipped(span: Span) -> bool:
    """Whether a text is the library's, which its user does not edit."""
    return span.source.name.startswith("std/")


# -- strides ----------------------------------------------------------------------------------------------------------


def strided(sides: tuple[Branch, Branch], axis: int) -> tuple[Label, ...]:
    """The operations whose strides have no partner on the other side, and where a side without any should have one."""
    strides = [[(o, does[0]) for o in side.operations if (does := o.does(axis)) and does[0] > 1] for side in sides]
    labels = []
    for side, mine, other in zip(sides, strides, reversed(strides), strict=True):
        partners = [stride for _, stride in other]
        for operation, stride in mine:
            if stride in partners:
                partners.remove(stride)
            else:
                labels.append(Label(operation.span, f"`{side.name}` has stride {stride} from here"))
        calls = [o.step for o in side.operations if arguments(o.step.span.text)]
        if not mine and calls:
            labels.append(Label(calls[-1].span, f"`{side.name}` has stride 1"))
    return tuple(labels)


def stride_to_give(template: Template, sides: tuple[Branch, Branch], axis: int) -> str:
    """What to write where strides differ: a slot's call with the stride of the other side, if there is such a call."""
    names = {name: shapes.axis(value, axis) for name, type, value in template.numbers if type == "size"}
    # A stride is forgotten more often than one too many is written.
    low, high = sorted(sides, key=lambda side: side.stride(axis) or 1)
    for mine, other in ((low, high), (high, low)):
        for made in {id(o.step): o.step for o in mine.operations if o.step.slot and not convolves(o)}.values():
            have = prod((o.does(axis) or (1, 0))[0] for o in mine.operations if o.step is made)
            need = have * (other.stride(axis) or 1) // (mine.stride(axis) or 1)
            given = arguments(made.span.text)
            values = [names.get(text, int(text) if text.isdigit() else 0) for _, text in given]
            if need in values:
                example = ", such as `shortcuts.project`" if made.slot == "shortcut" else ""
                return f"bind `{made.slot}` to a policy that takes the stride {need}{example}"
            if have in values:
                place = len(values) - 1 - values[::-1].index(have)
                right = next((name for name, value in names.items() if value == need), str(need))
                given[place] = (given[place][0], right)
                return f"give the {made.slot} the stride of `{other.name}`: `{call(made.span.text, given)}`"
    need = (high.stride(axis) or 1) // (low.stride(axis) or 1)
    if low.operations:
        return f"give `{low.name}` a further stride of {need}, or take it from `{high.name}`"
    return f"send `{low.name}` through a shortcut of that stride: `{low.name} |> shortcut({high.end.channels}, {need})`"


def convolves(operation: Operation) -> bool:
    """Whether a slot's call is itself the convolution, whose stride is the branch's own business."""
    leaf = operation.leaf
    return leaf is not None and leaf is operation.step.operation and leaf.primitive.rule == "conv"


# -- conditions behind an input ---------------------------------------------------------------------------------------


def allowing(sizes: SizeSet, symbol: str, declared: int) -> str | None:
    """A condition for `when` under which every size is in `sizes`, and the declared one is allowed if it can be."""
    least = sizes.next_from(sizes.onset) or sizes.min
    if least is None:
        return None
    if sizes.is_finite:
        first = sizes.min or 1
        last = ((~sizes).next_from(first) or first + 1) - 1
        return f"{symbol} == {first}" if first == last else f"{symbol} >= {first} and {symbol} <= {last}"
    modulus = sizes.period
    if modulus == 1:
        return f"{symbol} >= {least}"
    for residues, text in patterns(sizes, symbol, declared if declared in sizes else least):
        allowed = from_residues(modulus, residues)
        if declared in sizes - allowed:
            continue
        if allowed.subset_of(sizes):
            return text
        if (allowed & from_minimum(least)).subset_of(sizes):
            return f"{text} and {symbol} >= {least}"
    return None


def patterns(sizes: SizeSet, symbol: str, size: int) -> Iterator[tuple[Iterable[int], str]]:
    """Residues as conditions say them: the multiples, one run, those of one size."""
    modulus = sizes.period
    yield [0], f"{symbol} % {modulus} == 0"
    bits = f"{sizes.residues:0{modulus}b}"[::-1]
    runs = re.findall("1+", bits.lstrip("1") + bits[: len(bits) - len(bits.lstrip("1"))])
    if len(runs) == 1:
        start = (bits + bits).index("01") + 1
        moved = f"({symbol} - {start})" if start <= modulus // 2 else f"({symbol} + {modulus - start})"
        yield range(start, start + len(runs[0])), f"{moved} % {modulus} < {len(runs[0])}"
    yield [size % modulus], f"{symbol} % {modulus} == {size % modulus}"
