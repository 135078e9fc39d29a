"""Docstrings of classes and functions: the spec's own comments, as far as they are true of the code below them.

The comment of a block or policy covers everything that can be made of it; a class or function is one of these cases.
"""

from __future__ import annotations

import re

from resnetc.compiler.codegen.argument_vectors import Vector, Vectors, numbers_of
from resnetc.compiler.codegen.functional import changes_nothing
from resnetc.compiler.codegen.module_words import sequences_in_words
from resnetc.compiler.ir.network import ExpandedBlock, Network, Sequence
from resnetc.compiler.syntax import tree as syntax

SENTENCE = re.compile(r"(?<!al)\.\s+(?=[A-Z`])")
WORD = re.compile(r"`([A-Za-z_]\w*)`")
CONDITION = re.compile(r"Where `([A-Za-z_]\w*)`, (\w)")
HEADING = re.compile(r"(\w\S*(?: \w\S*)?|[^:.]+ (?:et al\. )?\d{4}):\s")  # `Option B:`, `Option A of He et al. 2015:`


def block_text(block: syntax.Block, numbers: Vectors, own: set[str], unused: frozenset[str]) -> str:
    """The text of a block, for a class.

    `numbers` are what its names stand for, `own` the names that the class has, `unused` slots that nothing fills.
    """
    return "" if chosen_otherwise(block, numbers) else true_text(block.doc, names_of(block) | unused, numbers, own)


def policy_text(policy: syntax.Policy, group: list[Sequence], numbers: Vectors, own: set[str]) -> str:
    """The text of a policy with one case; of several the modules that were chosen, in words."""
    if len(policy.cases) == 1:
        return true_text(policy.doc, names_of(policy), numbers, own)
    heading, words = HEADING.match(policy.doc), sequences_in_words(group)
    if not words:
        return ""
    return f"{heading[1]}: {words}." if heading else f"{words[0].upper()}{words[1:]}."


def network_text(network: Network, own: set[str]) -> str:
    """The text of a model, its parameters by their numbers in this network."""
    numbers: Vectors = {name: [number] for name, number in numbers_of(network.parameters).items()}
    return true_text(network.doc, set(numbers), numbers, own)


def told_conditions(block: syntax.Block, numbers: Vectors) -> frozenset[str]:
    """The conditions of the text of a block that are true at every occurrence."""
    return frozenset(flag for flag, _ in CONDITION.findall(block.doc) if is_always(numbers.get(flag, []), True))


def is_always(vector: Vector, value: bool) -> bool:
    return len(vector) > 0 and all(v is value for v in vector)


def names_of(definition: syntax.Block | syntax.Policy) -> set[str]:
    """The parameters of a definition and what it calls its values."""
    names = {p.name.id for p in definition.parameters}
    return names | {s.name.id for s in definition.body if isinstance(s, syntax.Let)}


def true_text(doc: str, names: set[str], numbers: Vectors, own: set[str]) -> str:
    """The sentences of a text: a name that the class does not have is its number, or its sentence is left out.

    "Where `fits`, the input is added." is told without its condition where that is true at every occurrence.
    """
    sentences = []
    for sentence in SENTENCE.split(" ".join(doc.split())) if doc else []:
        condition = CONDITION.match(sentence)
        if condition is not None and is_always(numbers.get(condition[1], []), True):
            sentence = condition[2].upper() + sentence[condition.end() :]
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


def find_unused_slots(group: list[ExpandedBlock]) -> frozenset[str]:
    """The slots that are the identity at every occurrence: their names say nothing to a reader of the class."""
    steps = [step for template in group for step in template.steps if step.slot is not None]
    filled = {step.slot for step in steps if not changes_nothing(step.operation)}
    return frozenset(step.slot for step in steps if step.slot is not None and step.slot not in filled)
