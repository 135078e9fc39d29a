"""Names and documentation of the generated classes, after the spec's own words."""

from __future__ import annotations

import re
import textwrap

from resnetc.compiler.backend.code import WIDTH


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
    """How the documentation writes a word: found whatever its case, hyphens aside."""
    pattern = "[- ]?".join(re.escape(c) for c in part)
    found = re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", doc, re.IGNORECASE)
    if found:
        word = re.sub(r"[- ]", "", found.group())
        return word[0].upper() + word[1:]
    head = re.match(r"[a-z]+", part)
    if head and head.end() < len(part):
        inner = spelling(head.group(), doc)
        return inner + part[head.end() :]
    return part[:1].upper() + part[1:]


def safe(text: str) -> str:
    """Text for a docstring: one line, nothing that could end it or that a reader would not see."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("\\", "\\\\").replace('"""', "'''").strip()


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
    lines = textwrap.wrap(sentence, WIDTH - indent - 3)
    if len(lines) == 1 and not rest:  # formatters put the closing quotes of a single line behind it, however long
        lines = textwrap.wrap(sentence, WIDTH - indent - 20)
    body = [*lines, *(["", *textwrap.wrap(rest, WIDTH - indent)] if rest else [])]
    return (f'{pad}"""{body[0]}', *(f"{pad}{ln}".rstrip() for ln in body[1:]), f'{pad}"""')


def summary(text: str) -> tuple[str, str]:
    """The first sentence, and the rest."""
    breaks = re.finditer(r"(?<!al)(\.)\s+(?=[A-Z`])|:\s+(?=[a-z])", text)
    found = next((m for m in breaks if m.group(1) or m.start() > 20), None)
    if found is None:
        return text, ""
    return text[: found.start()] + ".", text[found.end() :][:1].upper() + text[found.end() :][1:]
