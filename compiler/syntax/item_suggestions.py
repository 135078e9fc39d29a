"""What an item has to have: its parts, its parameters and its name, where one is missing or written as elsewhere."""

from __future__ import annotations

import re

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.error_context import Place, span_of

LAYOUT = {
    "block": "a block contains `let`, `require`, `set` and `each`, then `out`",
    "policy": "a policy contains `let` and `require`, then its `when` cases, then `otherwise`",
    "model": (
        "a model contains `each`; `let`, `require` and `set`; `input`; `stem`; `stage`; `head`; `expect`, in this order"
    ),
}
PARTS = {  # which no item of its kind is without, with what may be missing before it
    "INPUT": "a model declares its input before the stem: `input [3, H, W] = [3, 224, 224]`",
    "STEM": "a model has a stem before its stages: `stem = conv(64, kernel=3) |> norm |> act`",
    "HEAD": "a model ends with its head: `head = global_avg_pool |> fc: linear(10)`",
    "OUT": "a block ends with its result: `out = ...`",
    "OTHERWISE": "a policy ends with its default case: `otherwise => identity`",
}
OPENERS_ELSEWHERE = {  # what others open an item with
    "block": "layer module function func fn component sub subroutine procedure residual residual_block unit",
    "model": "network net architecture arch",
}
TRAINING = frozenset("compile fit train eval evaluate predict summary load_state_dict to cuda".split())
MAX_BODY = 2_000  # characters of a body in which an input is looked for
INPUT = re.compile(r"(?:(?!\n\}).)*?\n\s*input\b", re.DOTALL)
DEFAULT = re.compile(r"\s*=\s*([^,)\n]*)")
TYPES = (  # of a parameter, by its default
    (re.compile(r"None|none|identity|relu|norm|act"), "layer"),
    (re.compile(r"[Tt]rue|[Ff]alse"), "bool"),
    (re.compile(r"-?\d+"), "int"),
    (re.compile(r"[-\d.eE/ ]+"), "number"),
    (re.compile(r"\[.*"), "list"),
    (re.compile(r"[\"'].*"), "string"),
    (re.compile(r"[A-Za-z_][\w.]*"), "layer"),
)
TYPE_OF_NAME = {
    "size": "stride strides kernel kernel_size padding dilation",
    "list": "layers depths widths blocks channels_list",
    "layer": "block unit norm act norm_layer downsample",
    "number": "rate p dropout ratio",
}


def of_missing_part(token: Token, place: Place) -> str:
    """What to write where an item goes on without what it has to have by then, or nothing."""
    if "NAME" in place.expected:  # the statement before is not whole
        return ""
    missing = next((part for part in PARTS if part in place.expected), "")
    rest = place.source.text[token.end_pos or 0 :]
    ends = re.search(r"\n\}", rest)
    own = rest[: ends.start() if ends else len(rest)]
    return "" if not missing or re.search(rf"\n\s*{missing.lower()}\b", own) else PARTS[missing]


def of_parameter(before: Token, place: Place) -> Suggestion:
    """What to write where a parameter has no type: one that fits its default, or its name."""
    name, span = str(before.value), span_of(place.source, before)
    if name in ("self", "x", "input_tensor", "inputs"):
        behind = re.compile(r"\s*,\s*").match(span.source.text, span.end)
        edit = Edit(Span(span.source, span.start, behind.end() if behind else span.end), "")
        return Suggestion(f"remove `{name}`: the tensor that reaches a block is `in`", (edit,))
    default = DEFAULT.match(span.source.text, span.end)
    written = default[1].strip() if default is not None else ""
    type = next((type for type, words in TYPE_OF_NAME.items() if name in words.split()), "int")
    if default is not None:
        type = next((type for form, type in TYPES if form.fullmatch(written)), type)
        type = "size" if type == "int" and name in TYPE_OF_NAME["size"].split() else type
    edits = [Edit(Span(span.source, span.end, span.end), f": {type}")]
    if default is not None and written == "None":
        start = default.start(1)
        edits.append(Edit(Span(span.source, start, start + len(written)), "none"))
    shown = f" = {'none' if written == 'None' else written}" if written and not written.startswith("[") else ""
    return Suggestion(f"a parameter needs a type: `{name}: {type}{shown}`", tuple(edits))


def of_opener(token: Token, place: Place) -> Suggestion | None:
    """What to write in place of a word that opens an item elsewhere: `layer unit(width) {`."""
    word = next((word for word, others in OPENERS_ELSEWHERE.items() if token.value in others.split()), "")
    if word.upper() in place.expected and place.after[:1] == ("NAME",):
        return Suggestion(
            f"a part of a network is a `block`, a whole one a `model`: `{word} ...`",
            (Edit(span_of(place.source, token), word),),
        )
    if place.after[:1] == ("LPAR",) and "BLOCK" in place.expected:
        span = span_of(place.source, token)
        kind = "model" if INPUT.match(span.source.text[span.end : span.end + MAX_BODY]) else "block"
        edit = Edit(Span(span.source, span.start, span.start), f"{kind} ")
        return Suggestion(f"a definition starts with its kind: `{kind} {token.value}(...) {{ ... }}`", (edit,))
    return None


def of_nameless_model(token: Token, place: Place) -> str:
    """What to write where `model` is not followed by a name, as in `model = ResNet(...)` and `model.fit(...)`."""
    behind = place.source.text[token.end_pos or 0 :][:40].strip()
    method = re.match(r"\w*", behind)
    if token.value == "." and method is not None and method[0] in TRAINING:
        return "remove it: a spec says what a network is, and `resnetc train` trains it"
    if token.value == ".":
        return "a layer goes into the stem, a stage or the head: `stage layer1 = 2 of blocks.basic(64)`"
    return "a network has a name: `model net = other(classes=10)`, or `model net(classes: int = 10) { ... }`"
