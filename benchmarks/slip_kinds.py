"""The kinds of slip: what an author types in the place of what is right. The inverse is the text before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Slip = tuple[int, int, str]
"""What stands in the place of the characters from a start to an end."""


@dataclass(frozen=True)
class Kind:
    """A kind of slip, and all the places of a right text where it can be made."""

    name: str
    list_slips: Callable[[str], list[Slip]]


def replace_each(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Callable[[str], list[Slip]]:
    """Slips that replace the group `it` of a pattern, or all of it; comments and documentation are left alone."""

    def list_slips(text: str) -> list[Slip]:
        slips = []
        for match in re.finditer(pattern, text, re.MULTILINE):
            if "//" in text[text.rfind("\n", 0, match.start()) + 1 : match.start() + 1]:
                continue
            group = "it" if "it" in match.re.groupindex else 0
            new = replacement if isinstance(replacement, str) else replacement(match)
            if new != match[group]:
                slips.append((match.start(group), match.end(group), new))
        return slips

    return list_slips


def by_word(words: Mapping[str, str], before: str = r"(?<![\w.])", behind: str = r"\b") -> Callable[[str], list[Slip]]:
    """Slips that say a word of another library."""
    return replace_each(f"{before}(?P<it>{'|'.join(words)}){behind}", lambda match: words[match["it"]])


def misspell(match: re.Match[str]) -> str:
    """Two letters change places."""
    word, middle = match["it"], len(match["it"]) // 2
    return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]


TORCH = {
    **{"relu": "ReLU", "sigmoid": "Sigmoid", "max_pool": "MaxPool2d", "avg_pool": "AvgPool2d", "linear": "Linear"},
    **{"batch_norm": "BatchNorm2d", "group_norm": "GroupNorm", "plain_conv": "Conv2d", "dropout": "Dropout"},
    **{"global_avg_pool": "AdaptiveAvgPool2d(1)", "flatten": "Flatten", "identity": "Identity"},
}
KERAS = {
    **{"max_pool": "MaxPooling2D", "avg_pool": "AveragePooling2D", "global_avg_pool": "GlobalAveragePooling2D"},
    **{"linear": "Dense", "batch_norm": "BatchNormalization", "plain_conv": "Conv2D", "dropout": "Dropout"},
    **{"concat": "Concatenate", "sum": "Add"},
}
KEYWORDS = {"kernel": "kernel_size", "stride": "strides", "padding": "pad", "bias": "use_bias", "groups": "num_groups"}
OPERATIONS = "conv|plain_conv|norm|act|max_pool|avg_pool|linear|dropout|global_avg_pool|flatten|concat|shortcut|sigmoid"
BRANCH = r"^  let main = .*(?:\n {8,}.*)*"


def inside_branch(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Callable[[str], list[Slip]]:
    """Slips in the residual branch of a block alone."""
    inner = replace_each(pattern, replacement)

    def list_slips(text: str) -> list[Slip]:
        branches = [(match.start(), match.end()) for match in re.finditer(BRANCH, text, re.MULTILINE)]
        return [slip for slip in inner(text) if any(start <= slip[0] < end for start, end in branches)]

    return list_slips


def last_of_branch(replacement: Callable[[str], str]) -> Callable[[str], list[Slip]]:
    """Slips in the width of the last convolution of a residual branch."""

    def list_slips(text: str) -> list[Slip]:
        slips = []
        for branch in re.finditer(BRANCH, text, re.MULTILINE):
            convolutions = list(re.finditer(r"conv\((?P<width>[^,()]+), kernel", branch[0]))
            if convolutions:
                last = convolutions[-1]
                start, end = (branch.start() + place for place in last.span("width"))
                slips.append((start, end, replacement(last["width"])))
        return slips

    return list_slips


def change_digit(match: re.Match[str]) -> str:
    figure = match["it"]
    return figure[:-1] + str((int(figure[-1]) + 3) % 10)


KINDS = (
    # -- how it is written
    Kind("a bracket is not closed", replace_each(r"(?<=\w)\)", "")),
    Kind("a brace is not closed", replace_each(r"^\}", "")),
    Kind("`|` for `|>`", replace_each(r"\|>", "|")),
    Kind("`->` for `|>`", replace_each(r"\|>", "->")),
    Kind("the pipe is missing", replace_each(r"(?<=\)) \|>(?= \w)", "")),
    Kind("`#` begins a comment", replace_each(r"^(?P<it>)  (?:let|stage|stem)", "  # a note\n")),
    Kind("`x` for `of`", replace_each(r"\d (?P<it>of)\b", "x")),
    Kind("`:` for `=`", replace_each(r"^  (?:stage \w+|stem|head)(?P<it> =)", ":")),
    Kind("`let` is missing", replace_each(r"^  (?P<it>let )", "")),
    Kind("a semicolon ends a line", replace_each(r"(?<=[\w)])(?P<it>)$(?!\n +\|>)", ";")),
    Kind("`edition 1` is missing", replace_each(r"^edition 1\n", "")),
    Kind("a comma is missing", replace_each(r"\w(?P<it>, )\w+=", " ")),
    Kind("`True` for `true`", replace_each(r"\btrue\b", "True")),
    Kind("`return` for `out =`", replace_each(r"^  (?P<it>out =)", "return")),
    # -- how things are called
    Kind("an operation is misspelt", replace_each(rf"(?<![\w.])(?P<it>{OPERATIONS})\b(?!=)", misspell)),
    Kind("torch's name of an operation", by_word(TORCH)),
    Kind("keras's name of an operation", by_word(KERAS)),
    Kind("a keyword is misspelt", replace_each(r"\b(?P<it>kernel|stride|padding|groups|bias)(?==)", misspell)),
    Kind("a keyword of torch or keras", by_word(KEYWORDS, r"(?<=[(,\s])", "(?==[^=])")),
    Kind(
        "an own name is misspelt", replace_each(r"(?<=[^\w.])(?P<it>width|main|side|outer)(?=[ ,)])(?! =|:)", misspell)
    ),
    Kind("an own block is misspelt", replace_each(r"of (?P<it>unit|layer|residual|block_a)\(", misspell)),
    Kind("a `use` is missing", replace_each(r"^use std\.\w+\n", "")),
    Kind("the file of a name is missing", replace_each(r"\b(?:blocks|gates|shortcuts|stems)\.(?=\w)", "")),
    # -- what is computed
    Kind("the branch forgets its stride", inside_branch(r", stride=stride", "")),
    Kind("the shortcut forgets its stride", replace_each(r"^  let side = .*?(?P<it>, stride(?:=stride)?)(?=\))", "")),
    Kind(
        "the shortcut forgets its width",
        replace_each(
            r"^  let side = .*?\((?P<it>outer|wide|4 \* width|width \* expansion|width)[,)]",
            lambda match: "in.channels" if match["it"] == "width" else "width",
        ),
    ),
    Kind("the last width is another", last_of_branch(lambda width: "2 * width" if width == "width" else "width")),
    Kind("a dilation for a stride", inside_branch(r"\b(?P<it>stride)=stride", "dilation")),
    Kind("the branch strides twice", inside_branch(r"conv\(\w+, kernel=3(?P<it>)\)", ", stride=stride")),
    Kind("an even kernel", inside_branch(r"kernel=(?P<it>3)", "2")),
    Kind(
        "padding is switched off",
        replace_each(r"(?:max|avg)_pool\(3, stride=\w+(?P<it>(?:, padding=1)?)\)", ", padding=0"),
    ),
    Kind("`first` is missing", replace_each(r"\bfirst (?=stride)", "")),
    Kind("a lateral of another rate", replace_each(r"lateral = .*stride=(?P<it>4)", "2")),
    Kind("the shortcut is not added to", replace_each(r"(?P<it>\(main(?: \* gate)? \+ side\)|main \+ side)", "main")),
    Kind("the last pool is missing", replace_each(r"global_avg_pool \|> (?=.*fc: linear)", "")),
    Kind("linear has torch's two numbers", replace_each(r"(?P<it>)(?<=linear\()classes", "512, ")),
    Kind("a convolution has torch's three numbers", replace_each(r"stem = conv\((?P<it>16, kernel=)", "3, 16, ")),
    Kind("a gate has another width", replace_each(r"fc2: plain_conv\((?P<it>width)", "width / 2")),
    Kind("a claim has another figure", replace_each(r"expect parameters == (?P<it>[\d_]+)", change_digit)),
)


def plant(text: str, slip: Slip) -> str:
    start, end, new = slip
    return text[:start] + new + text[end:]
