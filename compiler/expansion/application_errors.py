"""Messages about layers that are applied, stored or repeated: one function per message."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.evaluation.values import LAYERS, Value, describe, kind
from resnetc.compiler.remedies.call_text import is_shipped, shorten
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


def absent_value(span: Span, where: str) -> Diagnostic:
    return Diagnostic(
        "E0230",
        f"{where} is absent (`none`)",
        Label(span, "there is no tensor here"),
        helps=("write `identity` for a layer that does nothing",),
    )


def duplicate_path(path: str, span: Span, other: str, first: Span, free: str) -> Diagnostic:
    """A layer would be stored as `path`, where an earlier one is, or above, below or beside `other`, its place.

    `free` is a path for it where nothing is.
    """
    inner, outer = sorted((path, other), key=len, reverse=True)
    same = path == other
    help = f"give one of them another label: `{free}: ...`"
    if re.match(r"stage\b", span.text):
        help = f"choose another path for the stage: `stage {free} = ...`"
    elif span.text == '""':
        help = f'give the stage another name: `stage {free} "" = ...`'
    elif span.text.startswith('"'):
        help = f"write another path in the string of the stage, such as `{free}`"
    fix: tuple[Edit, ...] = ()
    if same:
        message = f"two layers would be stored as `{path}`"
        label = find_label(first, path)
        a_stage = re.match(r'stage\b|"', span.text)
        if label is not None and not a_stage and find_label(span, path) is None and path[-1].isdigit():
            help = f"remove the label `{path}:`: layers without one are numbered, and this one would be `{path}`"
            fix = () if is_shipped(first) else (Edit(label, ""),)
    elif inner.startswith((f"{outer}.", f"{outer}[")):
        message = f"`{inner}` would be stored inside another layer, `{outer}`"
    else:
        message = f"`{path}` cannot be stored next to `{other}`: a list has only numbered elements"
        help = "label both with an index, or both with a name"
    places = (Label(first, "first one" if same else f"`{other}`"),)
    return taken_path(message, Label(span, "second one" if same else f"`{path}`"), places, help, fix)


def taken_path(message: str, place: Label, others: tuple[Label, ...], help: str, fix: tuple[Edit, ...]) -> Diagnostic:
    return Diagnostic(code="E0231", message=message, primary=place, labels=others, helps=(help,), fix=fix)


def one_path_for_blocks(stage: syntax.Stage, path: str, count: int, numbered: str) -> Diagnostic:
    """Several blocks of a stage whose string names one place; `numbered` is a string that tells them apart."""
    assert stage.pattern is not None
    place = Label(stage.pattern.span, "gives all of them one name")
    help = f'number them: `"{numbered}"` counts from 1, `"{numbered}0"` from 0'
    return taken_path(
        f"{count} blocks would be stored as `{path}`", place, (), help, (Edit(stage.pattern.span, f'"{numbered}"'),)
    )


def same_stage_name(stage: syntax.Stage, other: syntax.Stage, name: str, other_name: str) -> Diagnostic:
    same = name == other_name
    inner, outer = sorted((name, other_name), key=len, reverse=True)
    return Diagnostic(
        code="E0254",
        message=f"two stages are called `{name}`"
        if same
        else f"the stage `{inner}` would be a part of the stage `{outer}`",
        primary=Label(stage.path.span, "second one" if same else f"`{name}`"),
        labels=(Label(other.path.span, "first one" if same else f"`{other_name}`"),),
        helps=("rename one of them: its string still says where its blocks are stored",),
    )


def find_label(span: Span, name: str) -> Span | None:
    """The label before a layer: `conv2: ` of `conv2: conv(8, kernel=3)`."""
    match = re.search(rf"(?<![\w.\]]){re.escape(name)}\s*:\s*$", span.source.text[: span.start])
    return Span(span.source, match.start(), match.end()) if match else None


def dotted_in_sequence(path: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0232",
        f"inside a labelled chain, a label must be a single name, not `{path}`",
        Label(span, "nested label"),
        helps=("use a single name, or label a chain in parentheses: `head: (fc: linear(10))`",),
    )


def wrong_source(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0233",
        "a policy whose case is a tensor cannot be a step of a chain",
        Label(span, "returns a tensor, not a layer"),
        helps=("apply it separately, `let side = in |> slot(...)`, or make it a block",),
    )


def list_applied(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0235",
        f"`{name}` takes one tensor, but gets a list",
        Label(span, "a list of tensors"),
        helps=("`sum`, `concat` and `softmax` take a list; write `x[i]` for one of its elements",),
    )


def list_needed(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0236",
        f"`{name}` takes a list of tensors, but gets one tensor",
        Label(span, "a single tensor"),
        helps=(
            "remove it at the end of a network (the loss applies it); for branches write `[a, b] |> softmax`"
            if name == "softmax"
            else "write a list, such as `[a, b]`, or make one with `split(n)`",
        ),
    )


def not_a_tensor(span: Span, value: Value, where: str, wanted: str = "one tensor") -> Diagnostic:
    return Diagnostic(
        "E0237",
        f"{where} must be {wanted}, not {kind(value)}",
        Label(span, describe(value)),
        helps=(suggest_tensor(value, where, shorten(span.text)),),
    )


def suggest_tensor(value: Value, where: str, text: str) -> str:
    """What to write where something else than a tensor stands."""
    if isinstance(value, LAYERS):
        return f"apply the layer: `in |> {text if where.startswith('a side of') else 'layer'}`"
    if isinstance(value, tuple) and where.startswith("a side of"):
        return "join the list first, with `sum` or `concat`, or write `x[i]` for one of its elements"
    if isinstance(value, tuple) and where.startswith("the output of"):
        return "a block has one output: join the list with `concat` or `sum`, or merge both blocks"
    return f"write a tensor: `in`, or the result of a pipe{'; or a number' if where.startswith('a side of') else ''}"


def set_twice(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0238",
        f"`{name}` already has a value",
        Label(span, "second value"),
        helps=("give the second value another name or index",),
    )


def too_many_steps(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0328",
        f"a block has more than {limit:,} operations",
        Label(span, "one too many"),
        helps=("split it into smaller blocks",),
    )


def tensor_into_block(block: syntax.Block, name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        code="E0248",
        message=f"a block has one input, `in`: `{block.name.id}` cannot take another tensor for its parameter `{name}`",
        primary=Label(span, "a tensor is passed here"),
        labels=(Label(block.name.span, "this block"),),
        helps=("make it a policy, which may start from a tensor argument, or move the operation out of the block",),
    )


def index_out_of_order(path: str, expected: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0249",
        f"the indices of a label must be 0, 1, 2, ...: found `{path}`, expected index {expected}",
        Label(span, "out of order"),
        helps=(f"give it the index {expected}",),
    )


def labelled_stage_block(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0250",
        "the blocks of a stage are named by position, not by a label",
        Label(span, "a label"),
        helps=("label the stage: `stage name = ...`",),
    )


def no_values(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0326",
        "`each` needs a list with at least one element",
        Label(span, "not a nonempty list"),
        helps=("write the values in brackets: `each depth in [20, 56]`",),
    )


def parameter_outside_block(name: str, span: Span, path: str = "") -> Diagnostic:
    """A `scale` in a sequence, or as `path`, below the label of something else."""
    where = f"it cannot be stored as `{path}`" if path else "it cannot be a step of a sequence"
    return Diagnostic(
        "E0257",
        f"`{name}` is a parameter of its block: {where}",
        Label(span, "has no module to be stored in"),
        helps=(f"apply it in a block directly, or make a block of it: `block scaled() {{ out = in |> {name} }}`",),
    )


def factor_of_zero(expr: syntax.Binary, factor: syntax.Expr) -> Diagnostic:
    return Diagnostic(
        "E0256",
        "a tensor times 0 is all zeros",
        Label(expr.span, "0 everywhere, so its layers do not learn"),
        helps=(
            f"drop the branch if the factor is 0: `(branch when {factor.span.text} != 0 otherwise none)`"
            if isinstance(factor, syntax.Name)
            else "drop the branch: write `none` in its place",
        ),
    )
