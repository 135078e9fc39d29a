"""Names and documentation of the generated classes, taken from the spec."""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache

from resnetc.compiler.codegen.python_layout import WIDTH
from resnetc.compiler.ir.network import ExpandedBlock

NEVER = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins)))  # what no class or function is called


class Names:
    """Names in one generated module: no definition or variable of the network is called like what the file itself uses.

    Nor is a variable called like a definition: which of the two comes first is a matter of the network.
    """

    def __init__(self, own: frozenset[str]) -> None:
        self.own = own
        self.definitions: set[str] = set()
        self.variables: set[str] = set()

    def definition(self, name: str) -> str:
        """`name`, or with the first number from 2 on that makes it free: a class or function from here on."""
        taken = (self.own, NEVER, self.definitions, self.variables)
        unique, n = name, 2
        while any(unique in names for names in taken):
            unique, n = f"{name}{n}", n + 1
        self.definitions.add(unique)
        return unique

    def variable(self, name: str, beside: set[str]) -> str:
        """`name`, or `name_2` and so on, free beside the other arguments of a class or function."""
        taken = (self.own, self.definitions, beside)
        unique, n = name, 2
        while any(unique in names for names in taken):
            unique, n = f"{name}_{n}", n + 1
        self.variables.add(unique)
        return unique

    def result(self, stage: str) -> str:
        """What `forward` calls the map of a stage: `stages[0].blocks` -> `stages_0_blocks`."""
        name = re.sub(r"\W+", "_", stage.rstrip("]"))
        return f"{name}_" if name in self.own else name


@lru_cache(maxsize=256)  # of blocks, which many networks have
def class_name(name: str, doc: str) -> str:
    """`resnet50` -> `ResNet50`: each part as the documentation spells it, else capitalised.

    An underscore stays before a digit only: `resnext50_32x4d` -> `ResNeXt50_32x4d`.
    """
    out = ""
    for part in name.split("_"):
        if not part:
            continue
        spelled = spelling(part, doc)
        joint = "_" if out and spelled[0].isdigit() else ""
        out += joint + spelled
    return out if out and not out[0].isdigit() else f"Net{out}"


def spelling(part: str, doc: str) -> str:
    """How the documentation writes a word, or what of it stands before a number; else with a capital."""
    word = occurrence(part, doc)
    if word:
        return word
    for end in heads(part):
        word = occurrence(part[:end], doc)
        if word:
            return word + part[end:]
    return part[:1].upper() + part[1:]


def occurrence(part: str, doc: str) -> str:
    """A word as the documentation has it first, whatever its case, hyphens aside; empty where it is not there."""
    if part.lower() not in doc.replace("-", "").replace(" ", "").lower():
        return ""  # of most words, without a pattern to compile
    pattern = "[- ]?".join(re.escape(c) for c in part)
    match = re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", doc, re.IGNORECASE | re.ASCII)
    word = re.sub(r"[- ]", "", match.group()) if match else ""
    return word[:1].upper() + word[1:]


def heads(part: str) -> Iterator[int]:
    """Where a number begins inside of a word, the last one first: `res2net|50`, `res|2net50`."""
    return (m.end() for m in reversed(list(re.finditer(r"[a-z](?=\d)", part))))


def safe(text: str) -> str:
    """Text for a docstring: one line, nothing that could end it or that a reader would not see."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("\\", "\\\\").replace('"""', "'''").strip()


def wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words: `pre-activated` stays together."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


def comment_lines(text: str) -> list[str]:
    """A comment in `forward`, without the signs that make it one."""
    return wrapped(safe(text), WIDTH - 10)


@lru_cache(maxsize=256)  # of blocks, which many networks have
def documentation(doc: str, otherwise: str, indent: int) -> tuple[str, ...]:
    """The lines of a docstring, quotes included."""
    paragraphs = [safe(p) for p in doc.split("\n")] if doc.strip() else [otherwise]
    text = " ".join(p for p in paragraphs if p)
    if text.endswith('"'):
        text += " "
    pad = " " * indent
    first = f'{pad}"""{text}"""'
    if len(first) <= WIDTH:
        return (first,)
    sentence, rest = summary(text)
    lines = wrapped(sentence, WIDTH - indent - 3)
    if len(lines) == 1 and not rest:  # formatters put the closing quotes of a single line behind it, however long
        lines = wrapped(sentence, WIDTH - indent - 20)
    body = [*lines, *(["", *wrapped(rest, WIDTH - indent)] if rest else [])]
    return (f'{pad}"""{body[0]}', *(f"{pad}{ln}".rstrip() for ln in body[1:]), f'{pad}"""')


def summary(text: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    breaks = re.finditer(r"(?<!al)(\.)\s+(?=[A-Z`])|:\s+(?=[a-z])", text)
    end = next((m for m in breaks if m.group(1) or m.start() > 20), None)
    if end is None:
        return text, ""
    return text[: end.start()] + ".", text[end.end() :][:1].upper() + text[end.end() :][1:]


def quoted(names: list[str]) -> str:
    """`a`, `b` and `c`."""
    *most, last = [f"`{name}`" for name in names] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def name_wires(template: ExpandedBlock, alias: Mapping[int, int]) -> dict[int, str]:
    """The spec's own names of what steps make; of one that is an alias, the first name of what it stands for."""
    names: dict[int, str] = {}
    for ref, wire in enumerate(template.wires):
        if wire.name is not None:
            names.setdefault(alias.get(ref, ref), re.sub(r"\W", "", wire.name))  # `y[1]` is `y1`
    return names
