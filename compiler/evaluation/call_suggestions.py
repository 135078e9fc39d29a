"""What to write in place of arguments as other libraries take them."""

from __future__ import annotations

from resnetc.compiler.evaluation.values import Tensor, Value, is_number
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import PRIMITIVES


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
