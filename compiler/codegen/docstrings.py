"""Docstrings of classes and functions: the spec's own comments, as far as they are true of the code below them.

The comment of a block or policy covers everything that can be made of it; a class or function is one of these cases.
"""

from __future__ import annotations

import re

from resnetc.compiler.codegen.argument_vectors import Vector, Vectors
from resnetc.compiler.ir.network import Sequence
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

SENTENCE = re.compile(r"(?<!al)\.\s+(?=[A-Z`])")
WORD = re.compile(r"`([A-Za-z_]\w*)`")
TOKEN = re.compile(r'"[^"]*"|\|>|[=!<>]=|\d[\w.]*(?:(?<=e)[-+]\d+)?|\w[\w.]*|\S')
VALUE = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w.(]|=(?!=))")  # neither a call nor a keyword
HEADING = re.compile(r"(\w\S*(?: \w\S*)?|[^:.]+ (?:et al\. )?\d{4}):\s")  # `Option B:`, `Option A of He et al. 2015:`


def block_text(block: syntax.Block, numbers: Vectors, own: set[str]) -> str:
    """The text of a block, for a class; `numbers` are what its names stand for, `own` the names that the class has."""
    return "" if chosen_otherwise(block, numbers) else true_text(block.doc, block, numbers, own)


def policy_text(policy: syntax.Policy, group: list[Sequence], numbers: Vectors, own: set[str]) -> str:
    """The text of a policy with one case; of several those that were chosen, as the spec has them."""
    if len(policy.cases) == 1:
        return true_text(policy.doc, policy, numbers, own)
    chosen = {id(case_of(policy, sequence)) for sequence in group}
    codes = [on_one_line(case.value.span.text) for case in policy.cases if id(case) in chosen]
    if len(codes) < len(chosen) or any("//" in code for code in codes):
        return ""
    foreign = {p.name.id for p in policy.parameters} | {s.name.id for s in policy.body if isinstance(s, syntax.Let)}
    foreign -= own
    codes = [VALUE.sub(lambda word: with_number(word[0], foreign, numbers), code) for code in codes]
    heading = HEADING.match(policy.doc)
    which = " or ".join(f"`{code}`" for code in codes)
    return f"{heading[1] if heading else f'Policy `{policy.name.id}`'}: {which}."


def with_number(word: str, foreign: set[str], numbers: Vectors) -> str:
    """A word of an expression, or the number that it is wherever the function is called."""
    return shared_number(numbers.get(word, [])) or word if word in foreign else word


def true_text(doc: str, definition: syntax.Block | syntax.Policy, numbers: Vectors, own: set[str]) -> str:
    """The sentences of a text: a parameter that the class does not have is its number, or its sentence is left out."""
    names = {p.name.id for p in definition.parameters}
    names |= {s.name.id for s in definition.body if isinstance(s, syntax.Let)}
    sentences = []
    for sentence in SENTENCE.split(" ".join(doc.split())) if doc else []:
        foreign = [word for word in dict.fromkeys(WORD.findall(sentence)) if word in names - own]
        values = {word: shared_number(numbers.get(word, [])) for word in foreign}
        if all(value is not None for value in values.values()):
            text = WORD.sub(lambda word, values=values: values.get(word[1]) or word[0], sentence)
            sentences.append(text if text.endswith((".", "!", "?")) else f"{text}.")
    return " ".join(sentences)


def shared_number(vector: Vector) -> str | None:
    """A number that is the same in every occurrence; None for what differs, and for what is no number."""
    first = vector[0] if vector else None
    same = first is not None and not isinstance(first, bool | str | tuple) and all(v == first for v in vector)
    return str(first) if same else None


def chosen_otherwise(block: syntax.Block, numbers: Vectors) -> bool:
    """Whether a number is what the spec has for the other case: texts are written for the first one."""
    for statement in block.body:
        if isinstance(statement, syntax.Let) and isinstance(choice := statement.value, syntax.Choice):
            chosen, first = (numbers.get(name) for name in (statement.name.id, choice.value.span.text))
            if chosen is not None and first is not None and chosen != first:
                return True
    return False


def case_of(policy: syntax.Policy, sequence: Sequence) -> syntax.Case | None:
    """The case that modules were made of: the one that their spans lie in."""
    spans = [child.span for _, child in sequence.children]
    return next((case for case in policy.cases if any(lies_in(span, case.span) for span in spans)), None)


def lies_in(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def on_one_line(text: str) -> str:
    """The text of an expression, however it was laid out: its words, spaced as the formatter spaces them."""
    line, before = "", ""
    for word in TOKEN.findall(text):
        if word in ")]":
            line = line.removesuffix(",")
        opens = word in "([" and re.match(r"\w", before[-1:]) is not None
        tight = word in (",", ")", "]", ":", "=") or before in ("", "(", "[", "=") or opens
        line += word if tight else f" {word}"
        before = word
    return line
