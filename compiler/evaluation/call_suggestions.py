"""What to write in place of arguments as other libraries take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.evaluation.values import Tensor, Value, is_number
from resnetc.compiler.source import Span, find_close
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

if TYPE_CHECKING:
    from resnetc.compiler.vocabulary.answers import Answer

CONVOLUTIONS = ("conv", "plain_conv", "std_conv")
TORCH_ORDER = ("kernel", "stride", "padding", "dilation", "groups")
MAX_ARGUMENT = 200  # characters of an argument that is left out
MAX_CALL = 400  # characters of a call that is looked at
ARRIVING = re.compile(r"\blinear\(\s*([^()]*,\s*)\Z")


def describe_extra_argument(of: str, parameters: list[str]) -> str:
    """What to write in place of a call with more arguments than there are parameters."""
    primitive = PRIMITIVES.get(of)
    if of == "split":
        return "write the sizes of unequal parts as one list: `split([8, 24])`"
    if primitive is not None and primitive.rule in ("concat", "sum", "list_same"):
        return f"it takes a list from a pipe: `[a, b] |> {of}`"
    if primitive is not None and not parameters:
        return f"write `{of}` without arguments: a pipe passes its tensor, as in `in |> {of}`"
    if of == "attention" and not parameters:
        from resnetc.compiler.vocabulary.answers import find_layer

        answer = find_layer("self_attention")
        return f"it applies a gate: {answer.help}" if answer is not None else ""
    return "remove the extra argument, or pass it by name"


def describe_foreign_value(span: Span, of: str, name: str, value: Value) -> str:
    """What to write in place of a value that other libraries take there, or nothing."""
    from resnetc.compiler.vocabulary.parameters import PADDINGS

    if isinstance(value, Tensor):
        return f"pass a tensor with a pipe: `{span.text} |> {of}(...)`"
    if name == "padding" and isinstance(value, str):
        return PADDINGS.get(value.lower(), "")
    if (of, name) == ("linear", "bias") and is_number(value):
        return f"input channels are inferred: write `linear({span.text})`"
    return ""


def fix_foreign_value(span: Span, of: str, name: str, value: Value) -> tuple[Edit, ...]:
    """The edit where the features that arrive stand before those that leave."""
    if (of, name) == ("linear", "bias") and is_number(value):
        before = ARRIVING.search(span.source.text, max(0, span.start - MAX_ARGUMENT), span.start)
        return (Edit(Span(span.source, before.start(1), span.start), ""),) if before is not None else ()
    return ()


def without_arriving_channels(of: str, positional: Sequence[syntax.Argument]) -> Suggestion | None:
    """The edits where a convolution has torch's order: the channels that arrive, those that leave, kernel, stride."""
    if of not in CONVOLUTIONS or len(positional) < 2:
        return None
    first, second, *others = positional
    if not all(isinstance(argument.value, syntax.Number) for argument in (first, *others)):
        return None
    source = first.span.source
    edits = [Edit(Span(source, first.span.start, second.span.start), "")]
    named = list(zip(TORCH_ORDER, others, strict=False))
    edits += [Edit(Span(source, one.span.start, one.span.start), f"{name}=") for name, one in named]
    written = ", ".join((second.span.text, *(f"{name}={one.span.text}" for name, one in named)))
    return Suggestion(f"input channels are inferred: write `{of}({written}, ...)`", tuple(edits))


def describe_application(span: Span, of: str) -> Suggestion | None:
    """What to write in place of `act(x)`, `conv(64, kernel=3)(x)` and `conv(x, 64)`; `span` is the tensor in it."""
    text, start, end = span.source.text, span.start, span.end
    while start and text[start - 1].isspace():
        start -= 1
    behind = re.compile(r"\s*(,\s*)?").match(text, end)
    rest_start = behind.end() if behind is not None else end
    if text[start - 1 : start] != "(" or text[rest_start : rest_start + 1] in ("", "="):
        return None
    close = find_close(text, start - 1, MAX_CALL)
    opening = start - 1
    while text[opening - 1 : opening] == "(" and text[close : close + 1] == ")":  # one pair of brackets too many
        opening, close = opening - 1, close + 1
    rest_start = close - 1 if opening < start - 1 else rest_start
    if text[opening - 1 : opening] == ")":
        depth, head = 0, opening - 1
        for head in range(opening - 1, max(0, opening - MAX_CALL), -1):
            depth += (text[head] == ")") - (text[head] == "(")
            if depth == 0:
                break
        opening, layer = head, text[head:opening]
    else:
        rest = text[rest_start : close - 1].strip() if close else ""
        layer = f"({rest})" if rest else ""
    name = re.search(r"[\w.]+\Z", text[max(0, opening - 80) : opening])
    if name is None or not close or "\n" in layer:
        return None
    place = Span(span.source, opening - len(name[0]), close)
    tensor = f"({span.text})" if re.search(r"\|>|[+*]", span.text) and not span.text.startswith("(") else span.text
    written = f"{tensor} |> {name[0]}{layer}"
    before, after = text[max(0, place.start - 80) : place.start].rstrip(), text[close : close + 80].lstrip()
    free = before.endswith("=") and after[:1] not in ("+", "-", "*", "/", ",", ")")
    edit = Edit(place, written if free else f"({written})")
    return Suggestion(f"pass a tensor with a pipe: `{written}`", (edit,))


def rename_parameter(answer: Answer, span: Span) -> tuple[Edit, ...]:
    """Puts the name here in the place of a parameter's, or leaves out an argument that has no counterpart."""
    if answer.name:
        return (Edit(span, answer.name),)
    return remove_argument(span) if answer.help.startswith("remove it") else ()


def remove_argument(span: Span) -> tuple[Edit, ...]:
    """The edit that leaves out the argument with a name, and the comma before it."""
    text, depth, end = span.source.text, 0, span.end
    for end in range(span.end, min(len(text), span.end + MAX_ARGUMENT)):
        depth += (text[end] in "([") - (text[end] in ")]")
        if depth < 0 or (depth == 0 and text[end] == ","):
            break
    start = len(text[: span.start].rstrip())
    if text[start - 1 : start] == ",":
        start -= 1
    elif text[end : end + 1] == ",":  # the first of several
        end = end + 1 + (text[end + 1 : end + 2] == " ")
    return (Edit(Span(span.source, start, end), ""),)


def read_channels(name: str, fields: list[str], span: Span) -> Span | None:
    """`shape[1]` or `size(1)`, where a tensor is asked for its channels."""
    axis = re.compile(r"\[\s*1\s*\]|\(\s*1\s*\)").match(span.source.text, span.end)
    is_channels = axis is not None and name in ("shape", "size") and "channels" in fields and "shape" not in fields
    return Span(span.source, span.start, axis.end()) if is_channels and axis is not None else None


def instead_of_primitive(name: str) -> tuple[str, ...]:
    """What to write where a model's parameter stands for the primitive of its name."""
    return (
        (f"`{name}` is a parameter of this model: use the primitive in a policy instead",) if name in PRIMITIVES else ()
    )
