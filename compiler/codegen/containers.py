"""How modules are stored: attributes and containers in registration order; runs of equal blocks are written once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TypeAlias

from resnetc.compiler.codegen.python_layout import (
    WIDTH,
    Call,
    Code,
    DictLiteral,
    ListLiteral,
    NumberedRun,
    Pair,
    Repeat,
    broken,
    format_lines,
    line,
    must_break,
    named,
    ordered,
)
from resnetc.compiler.codegen.signature import Argument
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock
from resnetc.compiler.ir.paths import Path

Node: TypeAlias = "Code | dict[str | int, Node]"
Tree = dict[str | int, Node]  # modules by the parts of their paths


def runs(codes: list[Code], names: Mapping[str, list[Argument]]) -> list[Code]:
    """Equal neighbours as one generator; neighbours that differ in one number too."""
    out: list[Code] = []
    i = 0
    while i < len(codes):
        code, j = codes[i], i + 1
        while j < len(codes) and (codes[j] is code or codes[j] == code):
            j += 1
        if isinstance(code, Call) and j - i > 1:
            out.append(Repeat(code, j - i))
            i = j
            continue
        swept = sweep(codes, i, names)
        if swept is not None:
            run = codes[i : swept[1]]
            out += [swept[0]] if height([swept[0]]) < height(run) else run
            i = swept[1]
            continue
        out.append(code)
        i += 1
    return out


def in_sequence(entries: list[tuple[str, Code]], names: Mapping[str, list[Argument]]) -> Call:
    """`nn.Sequential` of modules called by their positions or by names: runs of equal ones are written once."""
    if [key for key, _ in entries] == [str(i) for i in range(len(entries))]:
        return Call("nn.Sequential", tuple((None, code) for code in runs([code for _, code in entries], names)))
    pairs: list[Code] = []
    counted = [re.fullmatch(r"(.*?)(0|[1-9]\d*)", key) for key, _ in entries]
    i = 0
    while i < len(entries):
        j = i + 1
        while j < len(entries) and follows(counted[i], counted[j], j - i):
            j += 1
        for code in runs([code for _, code in entries[i:j]], names):
            key, match = entries[i][0], counted[i]
            if isinstance(code, Repeat) and match is not None:
                pairs.append(NumberedRun(match[1], int(match[2]), code))
                i += code.count
            else:
                pairs.append(Pair(key, code))
                i += 1
    return ordered(pairs)


def follows(first: re.Match[str] | None, other: re.Match[str] | None, distance: int) -> bool:
    """Whether a name is another one with a number that is so much higher."""
    return bool(first and other and first[1] == other[1] and int(first[2]) + distance == int(other[2]))


def height(codes: list[Code]) -> int:
    """How many lines calls take in a stage."""
    return sum(len(format_lines("", code, 12, ",")) for code in codes)


def sweep(codes: list[Code], i: int, names: Mapping[str, list[Argument]]) -> tuple[Repeat, int] | None:
    """From `i` on, at least three calls that differ in one numeric argument only."""
    first = codes[i]
    if not isinstance(first, Call) or i + 2 >= len(codes):
        return None
    position: int | None = None
    values = []
    j = i
    while j < len(codes):
        call = codes[j]
        if not isinstance(call, Call) or call.function != first.function or len(call.arguments) != len(first.arguments):
            break
        differing = [k for k, (a, b) in enumerate(zip(call.arguments, first.arguments, strict=True)) if a != b]
        if len(differing) > 1 or (differing and position is not None and differing[0] != position):
            break
        if differing:
            position = differing[0]
        values.append(call)
        j += 1
    if position is None or len(values) < 3:
        return None
    texts = [c.arguments[position][1] for c in values]
    if not all(isinstance(t, str) for t in texts):
        return None
    parameters = names.get(first.function, [])
    name = parameters[position].name if position < len(parameters) else "value"
    arguments = tuple((k, name if n == position else c) for n, (k, c) in enumerate(first.arguments))
    element = Call(first.function, arguments, first.defaults)
    return Repeat(element, len(values), name, tuple(str(t) for t in texts)), j


@record
class Fields:
    """The lines that store modules, and how `forward` reaches each, and those of each stage as one.

    Stages that are only `parts` of a sequence are reached as slices.
    """

    lines: list[str]
    reach: dict[Path, str]
    stages: dict[tuple[Path, ...], str]
    parts: set[tuple[Path, ...]]


def containers(
    stored: dict[Path, Code],
    keeping: set[Path],
    stages: Collection[tuple[Path, ...]] = (),
    names: Mapping[str, list[Argument]] = MappingProxyType({}),
) -> Fields:
    """Stores modules under their paths. Those of a stage are parts of a sequence, so that they are called as one.

    A container stands where the first of its modules that are `keeping` state does: there are its keys.
    """
    paths = list(stored)
    places: dict[Path, int] = {}
    for i, path in sorted(enumerate(paths), key=lambda place: place[1] not in keeping):
        for end in range(1, len(path) + 1):
            places.setdefault(path[:end], i)
    tree: Tree = {}
    for path in sorted(paths, key=lambda path: [places[path[:end]] for end in range(1, len(path) + 1)]):
        node = tree
        for part in path[:-1]:
            inner = node.setdefault(part, {})
            assert isinstance(inner, dict)
            node = inner
        node[path[-1]] = stored[path]
    out = Fields([], {}, {}, set())
    writer = Containers({members[0][:-1] for members in stages if len(members) > 1}, names)
    for name, child in tree.items():
        writer.reach(child, (name,), f"self.{name}", out.reach)
    for members in stages:
        writer.reach_stage(members, out)
    in_stages = {path for members in stages for path in members}
    called = {path: text for path, text in out.reach.items() if path not in in_stages}
    nested = {path[0] for path, text in called.items() if is_nested(text)}
    nested |= {members[0][0] for members, text in out.stages.items() if is_nested(text)}
    for name, child in tree.items():
        # The elements of a container are of type Module, which has none itself: only Any lets `forward` reach further.
        start = f"self.{name}: Any = " if name in nested else f"self.{name} = "
        equal = repeated(name, child) if (name,) not in writer.sequences else []
        out.lines.extend(equal or format_lines(start, writer.write(child, (name,)), 8))
    return out


def is_nested(text: str) -> bool:
    """Whether a module is reached through a container in another one."""
    return text.count("[") > 1


def repeated(name: str | int, node: Node) -> list[str]:
    """A list of equal modules, written once; nothing for another node."""
    codes = list(node.values()) if isinstance(node, dict) and all(isinstance(k, int) for k in node) else []
    if len(codes) <= 2 or not isinstance(code := codes[0], Call) or any(other != code for other in codes):
        return []
    whole = f"        self.{name} = nn.ModuleList({line(code)} for _ in range({len(codes)}))"
    if len(whole) <= WIDTH and not must_break(code):
        return [whole]
    return [
        f"        self.{name} = nn.ModuleList(",
        *broken(code, 12),
        f"            for _ in range({len(codes)})",
        "        )",
    ]


class Containers:
    """Writes containers. Those that stages fill are `sequences`: their modules are reached by position."""

    def __init__(self, sequences: set[Path], names: Mapping[str, list[Argument]]) -> None:
        self.sequences, self.names = sequences, names
        self.texts: dict[Path, tuple[str, list[str | int]]] = {}  # of each sequence: how it is reached, its keys

    def write(self, node: Node, path: Path) -> Code:
        if not isinstance(node, dict):
            return node
        codes = {key: self.write(child, (*path, key)) for key, child in node.items()}
        if path in self.sequences:
            return in_sequence([(str(key), code) for key, code in codes.items()], self.names)
        if is_list(node):
            return Call("nn.ModuleList", ((None, ListLiteral(tuple(codes.values()))),))
        entries = [(str(key), code) for key, code in codes.items()]
        if is_single(node):
            return named(entries)
        return Call("nn.ModuleDict", ((None, DictLiteral(tuple(entries))),))

    def reach(self, node: Node, path: Path, text: str, out: dict[Path, str]) -> None:
        if not isinstance(node, dict):
            out[path] = text
            return
        if path in self.sequences:
            self.texts[path] = text, list(node)
            for i, (key, child) in enumerate(node.items()):
                self.reach(child, (*path, key), f"{text}[{i}]", out)
            return
        for key, child in node.items():
            index = str(key) if is_list(node) else f'"{key}"'
            self.reach(child, (*path, key), text if is_single(node) else f"{text}[{index}]", out)

    def reach_stage(self, members: tuple[Path, ...], out: Fields) -> None:
        """A module, a sequence where the stage is all of it, or a part of one."""
        if len(members) == 1:
            out.stages[members] = out.reach[members[0]]
            return
        text, keys = self.texts[members[0][:-1]]
        start = keys.index(members[0][-1])
        end = start + len(members)
        out.stages[members] = text
        if len(members) < len(keys):
            out.stages[members] = f"list({text})[{start or ''}:{end if end < len(keys) else ''}]"
            out.parts.add(members)


def is_list(node: Tree) -> bool:
    """Whether a container is an `nn.ModuleList`: no element is left out or behind a later one."""
    return list(node) == list(range(len(node)))


def is_single(node: Tree) -> bool:
    """Whether a container is the sequence of the one module in it, applied as a whole."""
    only = next(iter(node.values()))
    return len(node) == 1 and not is_list(node) and (not isinstance(only, dict) or is_single(only))


def in_text_order(order: list[Path], template: ExpandedBlock, stored: dict[Path, Code]) -> list[Path]:
    """Registration order, with what keeps no state where it is first used."""
    registered = [p for p in order if p in template.order]
    out = list(registered)
    for path in (p for p in order if p not in template.order):
        base = re.sub(r"\d+$", "", str(path[0]))
        index = next(
            (i for i, p in enumerate(template.order) if p and re.sub(r"\d+$", "", str(p[0])) == base), len(out)
        )
        before = [p for p in template.order[:index] if p in out]
        out.insert(out.index(before[-1]) + 1 if before else 0, path)
    return out


def unique_attribute(base: str, taken: set[str | int]) -> str:
    out, n = base, 2
    while out in taken:
        out, n = f"{base}{n}", n + 1
    taken.add(out)
    return out
