"""Idioms of Python, PyTorch and other languages, and what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resnetc.compiler.source import Span

if TYPE_CHECKING:
    from resnetc.compiler.vocabulary.answers import Answer


CHOICE = "write a conditional as `(value when condition otherwise other)`"
WORDS = {  # where a text does not follow the grammar
    "as": "a used file is named after the last part of its path: `use std.blocks` imports it as `blocks`",
    "assert": "check arguments with `require`, and state properties of the network with `expect`",
    "class": "a network is written `model name() { ... }`, and a part of it `block name() { ... }`",
    "def": "a part of a network is written `block name(width: int) { ... }`",
    "elif": CHOICE,
    "else": "write `otherwise`",
    "for": "write a loop as `each name in list { ... }`",
    "from": "import a file with `use std.blocks`, and refer to its definitions as `blocks.basic`",
    "if": CHOICE,
    "import": "import another file with `use`",
    "lambda": "define a layer of your own as a `block` or a `policy`",
    "not": "write the opposite comparison, such as `!=`, or compare with `false`: `flag == false`",
    "return": "write the result of a block as `out = ...`",
    "self": "there is no `self`: name a value with `let`, and a layer with a label, such as `fc: linear(10)`",
    "while": "write a loop as `each name in list { ... }`",
}
CHAINED = "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`"
BATCH = frozenset("BNbn")
INPUT = re.compile(r"\binput\s*\[\s*\Z")
DOTTED = re.compile(r"(?:\s*\.\s*[A-Za-z_]\w*)*")


def answer_name(name: str, span: Span) -> Answer | None:
    """What to write where a name is not known, or None; the text behind it says what is wanted of a library."""
    from resnetc.compiler.vocabulary import answers, layers

    text = span.source.text
    if name == "not":
        return answers.Answer(denied(span))
    if name in BATCH and INPUT.search(text, max(0, span.start - 100), span.start):
        return answers.Answer("an input has no batch dimension: write `input [3, H, W] = [3, 224, 224]`")
    if name not in layers.LIBRARIES:
        return answers.find_layer(name)
    behind = DOTTED.match(text, span.end, span.end + 100)
    wanted = behind[0].rpartition(".")[2].strip() if behind else ""
    answer = answers.find_layer(wanted) if wanted else None
    help = f"specs do not call `{name}`: layers have their own names, such as `conv`, `norm` and `act`"
    return answers.Answer(answer.help if answer else help)


OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
DENIED = re.compile(r"\w+|[=!<>]=|\|>|//|\S|\s+")  # the words and signs of what stands behind a `not`
ENDS = frozenset(("and", "or", "otherwise", "when", "of", ",", ")", "]", "}", "|>", "//"))
MAX_CALL_LENGTH = 200


def opposite(span: Span) -> tuple[Span, str] | None:
    """What says the opposite of what stands behind a `not`, and the text that it replaces; None where none is plain."""
    text, depth = span.source.text[span.end : span.end + MAX_CALL_LENGTH], 0
    operands: list[str] = [""]
    signs: list[str] = []
    for word in DENIED.findall(text):
        if depth == 0 and (word in ENDS or ("\n" in word and operands[-1].strip())):
            break
        depth += (word in "([") - (word in ")]")
        if word in ("in", "not", "="):
            return None
        if depth == 0 and word in OPPOSITE:
            signs.append(word)
            operands.append("")
        else:
            operands[-1] += word
    length = len("".join((*operands, *signs)).rstrip())
    sides = [operand.strip() for operand in operands]
    if depth or length >= MAX_CALL_LENGTH or len(signs) > 1 or not all(sides):
        return None
    said = f"{sides[0]} {OPPOSITE[signs[0]]} {sides[1]}" if signs else f"{sides[0]} == false"
    return Span(span.source, span.start, span.end + length), " ".join(said.split())


def denied(span: Span) -> str:
    """What to write in place of a `not` or a `!`."""
    edit = opposite(span)
    return f"write `{edit[1]}`" if edit else WORDS["not"]
