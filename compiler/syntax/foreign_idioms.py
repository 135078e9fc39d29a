"""Idioms of Python, PyTorch and other languages, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Set

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span


@record(eq=True)
class Meant:
    """What a foreign character stands for: the terminal it is read as, how that is written, and what to do."""

    terminal: str
    written: str
    remedy: str


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
TORCH = {  # the layers and functions of torch, and what they are called here
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d", "conv1d", "conv2d", "conv3d"), "conv(64, kernel=3)"),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "batch_norm"), "norm"),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "MaxPool3d", "max_pool1d", "max_pool2d", "max_pool3d"), "max_pool(3)"),
    **dict.fromkeys(("AvgPool1d", "AvgPool2d", "AvgPool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"), "avg_pool(3)"),
    **dict.fromkeys(("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"), "global_avg_pool"),
    **{"Dropout": "dropout(0.5)", "GroupNorm": "group_norm(32)", "Linear": "linear(10)", "ReLU": "act", "relu": "act"},
    **{"Flatten": "flatten", "GELU": "gelu", "Identity": "identity", "LeakyReLU": "leaky_relu", "SiLU": "silu"},
    **{"Sigmoid": "sigmoid", "adaptive_avg_pool2d": "global_avg_pool"},
}
LIBRARIES = frozenset(("F", "keras", "nn", "self", "tf", "torch"))
CHAINED = "chain layers with `|>`: `conv(64, kernel=3) |> norm |> act`"
NAMES = {  # where a name is not known
    "Sequential": CHAINED,
    "add": "add tensors with `+`",
    "bn": "write `norm`, or `batch_norm` for batch normalization regardless of the slot `norm`",
    "cat": "concatenate a list with `concat`: `[a, b] |> concat`",
    "nil": "write `none`",
    "null": "write `none`",
    "skip": "write the skip connection of a block as `shortcut(channels, stride)`",
    "swish": "`swish` is called `silu` here",
    "x": "the input of a block or a policy is `in`",
}
FIGURES = {  # what others call the figures that claims speak of
    **dict.fromkeys(("flop", "flops", "gflops", "gmacs", "macs", "madds", "mult_adds"), "multiply_adds"),
    **dict.fromkeys(("depth", "layers", "num_layers"), "weighted_layers"),
    **dict.fromkeys(("memory", "peak_memory"), "activation_bytes"),
    **dict.fromkeys(("field", "rf"), "receptive_field"),
    "num_params": "parameters",
}
SETTINGS = {  # what others call the parameters and slots of a model
    **dict.fromkeys(("class_count", "classes_num", "n_classes", "nb_classes", "num_class", "num_classes"), "classes"),
    **dict.fromkeys(("in_channels", "in_ch", "in_chans", "input_channels", "n_channels", "num_channels"), "channels"),
    **dict.fromkeys(("act_layer", "activation"), "act"),
    **dict.fromkeys(("drop_rate", "dropout_rate"), "dropout"),
    **dict.fromkeys(("drop_path", "drop_path_rate", "stochastic_depth_prob"), "drop"),
    **{"attn_layer": "attention", "norm_layer": "norm"},
}
WEIGHTS = frozenset(("pretrained", "weights", "checkpoint_path"))
LOOKALIKES = {
    "÷": Meant("DIVIDE", "/", "divide with `/`"),
    "×": Meant("TIMES", "*", "multiply with `*`"),
    "·": Meant("TIMES", "*", "multiply with `*`"),
    "−": Meant("MINUS", "-", "subtract with `-`"),
    "–": Meant("MINUS", "-", "subtract with `-`"),
    "≤": Meant("COMPARE", "<=", "compare with `<=`"),
    "≥": Meant("COMPARE", ">=", "compare with `>=`"),
    "≠": Meant("COMPARE", "!=", "compare with `!=`"),
    "→": Meant("ARROW", "=>", "write `=>`"),
    "⇒": Meant("ARROW", "=>", "write `=>`"),
    "&": Meant("AND", "and", "join conditions with `and`"),
    "&&": Meant("AND", "and", "join conditions with `and`"),
    "||": Meant("OR", "or", "join conditions with `or`"),
    "|": Meant("PIPE", "|>", "chain layers with `|>`"),
    ";": Meant("", "", "statements need no separator"),
    "#": Meant("", "//", "comments start with `//`"),
    "!": Meant("", "", WORDS["not"]),
    "^": Meant("", "", "there is no power operator: multiply"),
    "?": Meant("", "", CHOICE),
    "@": Meant("", "", "there are no decorators: only `///` lines can precede a definition"),
    "\\": Meant("", "", "a statement continues on the next line without a backslash"),
}
QUOTES = {"'": "'", "‘": "’", "“": "”", "„": "“", "«": "»", "`": "`"}
BATCH = frozenset("BNbn")
INPUT = re.compile(r"\binput\s*\[\s*\Z")
COUNTED = re.compile(r"conv|linear|norm|group_norm")  # torch wants the number of their input channels
DOTTED = re.compile(r"(?:\s*\.\s*[A-Za-z_]\w*)*")


def figure(name: str) -> str | None:
    """What the figure is called here that a claim asks for, or None."""
    wanted = FIGURES.get(name.lower())
    return f"`{name}` is called `{wanted}` here" if wanted else None


def setting(name: str, settings: Set[str]) -> str | None:
    """What a parameter or a slot of a model is called here that has a known name elsewhere, or None."""
    wanted = SETTINGS.get(name.lower())
    if name.lower() in WEIGHTS:
        return "resnetc ships no weights: load your own with `load_state_dict`"
    return f"`{name}` is called `{wanted}` here" if wanted in settings else None


def remedy_of_name(name: str, span: Span) -> str | None:
    """What to write where a name is not known, or None; the text behind it says what is wanted of a library."""
    text = span.source.text
    if name == "not":
        return denied(span)
    if name in BATCH and INPUT.search(text, max(0, span.start - 100), span.start):
        return "an input has no batch dimension: write `input [3, H, W] = [3, 224, 224]`"
    wanted = name
    if name in LIBRARIES:
        behind = DOTTED.match(text, span.end, span.end + 100)
        wanted = behind[0].rpartition(".")[2].strip() if behind else ""
        if wanted not in TORCH and wanted not in NAMES:
            return f"specs do not call `{name}`: layers have their own names, such as `conv`, `norm` and `act`"
    if wanted in TORCH:
        here = TORCH[wanted]
        why = ": input channels are inferred" if COUNTED.match(here) else ""
        return f"torch's `{wanted}` is written `{here}` here{why}"
    return NAMES.get(wanted)


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
