"""Words and numbers side by side, as papers and prose have them, and what to write instead."""

from __future__ import annotations

import re
from typing import NamedTuple

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.error_context import Place, span_of

UNITS = frozenset("channel channels ch classes features filter filters map maps neurons planes px units".split())
OPERATORS = {  # of prose
    "plus": ("+", "add with `+`"),
    "minus": ("-", "subtract with `-`"),
    "times": ("*", "multiply with `*`"),
    "then": ("|>", "chain layers with `|>`"),
    "into": ("|>", "chain layers with `|>`"),
}
SIZES = re.compile(r"(\d{1,4})((?:[xX]\d{1,4})+)")  # `3x3`
AN_INPUT = "an input is written"
WORD = re.compile(r"\b[A-Za-z_]\w*")
NUMBERS = re.compile(r"\d+")
CONVOLUTION = re.compile(
    r"(?:conv\w*\s*(?P<a>\d+)\s*[x×]\s*(?P<b>\d+)|(?P<c>\d+)\s*[x×]\s*(?P<d>\d+)\s*conv\w*)\s*,?\s*(?P<width>\d+)?"
    r"(?:\s*(?:filters|channels))?"
)
PHRASE = re.compile(r"[A-Za-z]+(?:[ \t]+[A-Za-z]+)+")
CHANNELS = ("1", "3", "4")  # of images


def write_input(text: str) -> str:
    """An input as it is written here, with the numbers of a text: `Input(shape=(32, 32, 3))`, `3x32x32`."""
    sizes = NUMBERS.findall(text)
    if len(sizes) == 3:
        last = sizes[0] not in CHANNELS and sizes[2] in CHANNELS
        channels, *axes = [sizes[2], *sizes[:2]] if last else sizes
    elif len(sizes) == 2 and sizes[0] == sizes[1]:
        channels, axes = "1" if re.search(r"gr[ae]y", text) else "3", sizes
    else:
        channels, axes = "3", ["224", "224"]
    return f"input [{channels}, H, W] = [{', '.join((channels, *axes))}]"


def of_input(span: Span) -> Suggestion:
    """What to write where an input is not declared as it has to be."""
    line = write_input_of_line(span)
    return Suggestion(f"{AN_INPUT} `{line.text}`", line.edits)


class InputLine(NamedTuple):
    """An input as it is written here, and the edits that put it in place of its line, where they are certain."""

    text: str
    edits: tuple[Edit, ...] = ()


def write_input_of_line(span: Span) -> InputLine:
    """The input whose line has the span in it or before it, as it is written here."""
    text, start = span.source.text, span.source.text.rfind("input", 0, span.start)
    line = text[start : start + 200].partition("\n")[0].rstrip()
    written = write_input(line)
    if len(NUMBERS.findall(line)) not in (2, 3) or any(is_own(name, text[:start]) for name in WORD.findall(line)):
        return InputLine(written)
    return InputLine(written, (Edit(Span(span.source, start, start + len(line)), written),))


def is_own(name: str, before: str) -> bool:
    """Whether the text has defined a name, as a parameter or a value."""
    return re.search(rf"\b(?:let\s+{name}\b|{name}\s*:)", before) is not None


def of_neighbours(token: Token, place: Place) -> Suggestion | None:
    """What to write where two words, or a word and a number, stand side by side without a sign between them."""
    before = place.before
    if before is None or before.start_pos is None or before.end_pos is None:
        return None
    span = span_of(place.source, token)
    pair = Span(span.source, before.start_pos, span.end)
    gap = Span(span.source, before.end_pos, span.start)
    ends = before.type in ("INT", "FLOAT")
    if "\n" in gap.text or place.after[:1] == ("ASSIGN",):  # behind a comma that is missing
        return None
    if (convolution := of_convolution(pair)) is not None:
        return convolution
    if token.value in OPERATORS:
        sign, help = OPERATORS[token.value]
        return Suggestion(help, (Edit(span, sign),))
    if ends and token.type == "NAME" and (sizes := SIZES.fullmatch(pair.text)) is not None:
        return of_sizes(sizes, pair)
    if ends and token.value in UNITS:
        return Suggestion(
            f"write only the number: `{before.value}`", (Edit(Span(span.source, gap.start, span.end), ""),)
        )
    if ends and token.type == "NAME" and "TIMES" in place.expected:
        return Suggestion(f"multiply with `*`: `{before.value} * {token.value}`", (Edit(gap, " * "),))
    if before.type != "NAME":
        return None
    called = place.opened is not None and place.opened.type == "LPAR"
    if token.type in ("INT", "FLOAT") and called and "ASSIGN" in place.expected:
        return Suggestion(f"name an argument with `=`: `{before.value}={token.value}`", (Edit(gap, "="),))
    if token.type == "INT" and "PIPE" in place.expected:
        written = f"{name_layer(str(before.value))}({token.value})"
        return Suggestion(f"write arguments in parentheses: `{written}`", (Edit(pair, written),))
    return of_phrase(token, before, place) if token.type == "NAME" else None


def name_layer(word: str) -> str:
    """What a layer is called here that takes one number, or the word itself."""
    from resnetc.compiler.vocabulary.answers import find_layer

    answer = find_layer(word)
    written = re.search(r"`(\w+)\(\d+\)`", answer.help) if answer is not None else None
    return written[1] if written is not None else word


def of_convolution(pair: Span) -> Suggestion | None:
    """`conv 3x3 64` and `3x3 conv, 64`."""
    written = CONVOLUTION.match(pair.source.text, pair.start, pair.start + 100)
    if written is None:
        return None
    sizes = [written["a"] or written["c"], written["b"] or written["d"]]
    kernel = sizes[0] if sizes[0] == sizes[1] else f"[{', '.join(sizes)}]"
    text = f"conv({written['width'] or 64}, kernel={kernel})"
    place = Span(pair.source, written.start(), written.start() + len(written[0].rstrip()))
    return Suggestion(f"a convolution is written `{text}`", (Edit(place, text),) if written["width"] else ())


def of_sizes(sizes: re.Match[str], pair: Span) -> Suggestion:
    """`3x3`, in a call or at its start."""
    numbers = NUMBERS.findall(sizes[0])
    kernel = numbers[0] if len(set(numbers)) == 1 else f"[{', '.join(numbers)}]"
    width = re.compile(r"\s*,\s*(\d+)").match(pair.source.text, pair.end)
    opening = pair.source.text[max(0, pair.start - 20) : pair.start].rstrip()
    if opening.endswith(("=", "|>")) and not opening.endswith("kernel="):
        text = f"conv({width[1] if width else 64}, kernel={kernel})"
        place = Span(pair.source, pair.start, width.end() if width else pair.end)
        return Suggestion(f"a convolution is written `{text}`", (Edit(place, text),) if width else ())
    return Suggestion(f"a kernel of {sizes[0]} is written `kernel={kernel}`", (Edit(pair, kernel),))


def of_phrase(token: Token, before: Token, place: Place) -> Suggestion | None:
    """`batch norm` and `fully connected`: several words for one layer."""
    from resnetc.compiler.vocabulary.answers import find_layer

    phrase = PHRASE.match(place.source.text, before.start_pos or 0, (before.start_pos or 0) + 60)
    words = phrase[0].split() if phrase is not None else [str(before.value), str(token.value)]
    for count in range(len(words), 1, -1):
        answer = find_layer(" ".join(words[:count]))
        if answer is not None:
            end = place.source.text.index(words[count - 1], before.start_pos or 0) + len(words[count - 1])
            edit = Edit(Span(place.source, before.start_pos or 0, end), answer.name)
            return Suggestion(answer.help, (edit,) if answer.name else ())
    return None
