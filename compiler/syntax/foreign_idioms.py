"""Idioms of Python, PyTorch and other languages, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from resnetc.compiler.diagnostics.diagnostic import Edit
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
    "lambda": "define your own layer as a `block` or a `policy`",
    "not": "write the opposite comparison, such as `!=`, or compare with `false`: `flag == false`",
    "return": "write the result of a block as `out = ...`",
    "self": "there is no `self`: name a value with `let`, and a layer with a label, such as `fc: linear(10)`",
    "while": "write a loop as `each name in list { ... }`",
}
CHAINED = "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`"
INPUT_IS_IN = "the input of a block or a policy is `in`"
TENSORS = frozenset(("x", "y", "out", "output", "inputs"))
BATCH = frozenset("BNbn")
INPUT = re.compile(r"\binput\s*\[\s*\Z")
AXES = re.compile(r"\binput\s+\Z")
DOTTED = re.compile(r"(?:\s*\.\s*[A-Za-z_]\w*)*")


def answer_name(name: str, span: Span) -> Answer | None:
    """What to write where a name is not known, or None; the text behind it says what is wanted of a library."""
    from resnetc.compiler.vocabulary import answers, calls, layers

    text = span.source.text
    if name == "not":
        return answers.Answer(denied(span))
    if name in BATCH and INPUT.search(text, max(0, span.start - 100), span.start):
        return answers.Answer("an input has no batch dimension: write `input [3, H, W] = [3, 224, 224]`")
    if AXES.search(text, max(0, span.start - 20), span.start):
        return answers.Answer("an input is a list of its channels and sizes: `input [3, H, W] = [3, 224, 224]`")
    behind = DOTTED.match(text, span.end, span.end + 100)
    dotted = behind[0].rpartition(".")[2].strip() if behind else ""
    is_library = name in layers.LIBRARIES
    end = behind.end() if behind and (is_library or dotted) else span.end
    word = dotted if is_library else name
    if not is_library and dotted in ("view", "reshape", "flatten") and name in TENSORS:
        return answers.Answer("leave it off: `global_avg_pool |> linear(10)` needs no `flatten`")
    if name == "F" and not dotted:
        return answers.Answer(
            "name the branch with `let main = in |> conv(width, kernel=3) |> norm`, and add: `main + in`"
        )
    if word and (is_library or not dotted):
        before = text[max(0, span.start - 80) : span.start]
        if (call := calls.find_call(word, before, text[end : end + calls.MAX_CALL])) is not None:
            return answers.Answer(call.help, call.name, length=end - span.start + call.length)
    if name == "self":
        return answers.Answer(
            "there is no `self`: write the layer where it is applied: `conv(64, kernel=3) |> norm |> act`"
        )
    if not is_library:
        return bind(answers.find_layer(name), name, span)
    answer = answers.find_layer(dotted) if dotted else None
    help = f"specs do not call `{name}`: layers have their own names, such as `conv`, `norm` and `act`"
    if answer is None:
        return answers.Answer(help)
    return bind(answers.Answer(answer.help, answer.name, length=end - span.start if answer.name else 0), dotted, span)


def group_by_wanted(name: str, spans: Iterable[Span]) -> dict[str, list[Span]]:
    """The places of a name by what they want of it, if it is a library's: `nn.Conv2d` is no `nn.ReLU`."""
    from resnetc.compiler.vocabulary.layers import LIBRARIES

    groups: dict[str, list[Span]] = {}
    for span in spans:
        behind = DOTTED.match(span.source.text, span.end, span.end + 100) if name in LIBRARIES else None
        groups.setdefault(behind[0] if behind is not None else "", []).append(span)
    return groups


def bind(answer: Answer | None, word: str, span: Span) -> Answer | None:
    """The answer where a slot is bound: not the slot itself, but the primitive that it stands for."""
    source = span.source
    bound = re.search(r"\b(norm|act)(?:_layer|ivation)?\s*=\s*\Z", source.text[max(0, span.start - 40) : span.start])
    slot = bound[1] if bound is not None else source.name.removeprefix("--set ")
    primitive = {"norm": "batch_norm", "act": "relu"}.get(slot)
    if answer is None or answer.name != slot or primitive is None:
        return answer
    return replace(answer, help=f"`{word}` is written `{primitive}` here", name=primitive)


OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
DENIED = re.compile(r"\w+|[=!<>]=|\|>|//|\S|\s+")  # the words and signs of what stands behind a `not`
ENDS = frozenset(("and", "or", "otherwise", "when", "of", ",", ")", "]", "}", "|>", "//"))
MAX_CALL_LENGTH = 200


def opposite(span: Span) -> Edit | None:
    """The edit to what says the opposite of what stands behind a `not`; None where none is plain."""
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
    return Edit(Span(span.source, span.start, span.end + length), " ".join(said.split()))


def denied(span: Span) -> str:
    """What to write in place of a `not` or a `!`."""
    edit = opposite(span)
    return f"write `{edit.replacement}`" if edit else WORDS["not"]
