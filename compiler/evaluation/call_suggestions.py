"""What to write in place of arguments as other libraries take them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.evaluation.values import Tensor, Value, is_number
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

CONVOLUTIONS = ("conv", "plain_conv", "std_conv")
TORCH_ORDER = ("kernel", "stride", "padding", "dilation", "groups")
MAX_ARGUMENT = 200  # characters of an argument that is left out
ARRIVING = re.compile(r"\blinear\(\s*([^()]*,\s*)\Z")


def describe_extra_argument(of: str, parameters: list[str]) -> str:
    """What to write in place of a call with more arguments than there are parameters."""
    primitive = PRIMITIVES.get(of)
    if primitive is not None and primitive.rule in ("concat", "sum", "list_same"):
        return f"it takes a list from a pipe: `[a, b] |> {of}`"
    if primitive is not None and not parameters:
        return f"write `{of}` without arguments: its tensor arrives by a pipe, as in `in |> {of}`"
    if of == "attention" and not parameters:
        from resnetc.compiler.vocabulary.answers import find_layer

        answer = find_layer("self_attention")
        return f"it applies a gate: {answer.help}" if answer is not None else ""
    return "remove the extra argument, or pass it by name"


def describe_foreign_value(span: Span, of: str, name: str, value: Value) -> str:
    """What to write in place of a value that other libraries take there, or nothing."""
    from resnetc.compiler.vocabulary.parameters import PADDINGS

    if isinstance(value, Tensor):
        return f"a tensor arrives by a pipe: `{span.text} |> {of}(...)`"
    if name == "padding" and isinstance(value, str):
        return PADDINGS.get(value.lower(), "")
    if (of, name) == ("linear", "bias") and is_number(value):
        return f"input channels are inferred: write `linear({span.text})`"
    if (of, name) == ("split", "parts") and isinstance(value, tuple):
        return "`split(n)` makes n equal parts; `[parts[0], parts[1]] |> concat` joins some of them again"
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
