"""Messages about sizes that do not pass through a network, and the `when` that allows only those that do."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.ir.network import Network
from resnetc.compiler.proof.accepted_sizes import Accepted, find_nearest_accepted, get_declared_sizes
from resnetc.compiler.proof.size_conflict import SizeConflict
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.remedies.input_conditions import format_condition
from resnetc.compiler.sizes import (
    SizeSet,
    evaluate,
    from_minimum,
    show_set,
)
from resnetc.compiler.source import Span


def suggest_condition(network: Network, accepted: Accepted) -> str | None:
    """The `when` that restricts every axis to accepted sizes; what is said of one stays if it does so already."""
    said: list[str | None] = []
    for axis, sizes in enumerate(accepted.axes):
        symbol, before = network.input.symbols[axis], get_declared_sizes(network, axis)
        if before is not None and before.subset_of(sizes):
            texts = [c.span.text for c in network.input.conditions if c.axis == axis]
            said += [f"({text})" if re.search(r"\bor\b", text) else text for text in texts]
        elif symbol and not (before is None and sizes == from_minimum(sizes.min or 1)):
            size = network.input.sizes[axis]
            said.append(format_condition(sizes, symbol, sizes.nearest(size) or size))
    return f"when {' and '.join(s for s in said if s)}" if said and all(said) else None


def edit_condition(network: Network, line: str) -> tuple[Edit, ...]:
    """The edit that puts a `when` behind the input, or another in its place."""
    declared = network.input
    if is_shipped(declared.span):
        return ()
    if declared.condition is not None:
        return (Edit(declared.condition, line.removeprefix("when ")),)
    end = Span(declared.span.source, declared.span.end, declared.span.end)
    return (Edit(end, f" {line}"),)


def promises_too_much(conflict: SizeConflict, promised: SizeSet) -> Diagnostic:
    size = (promised - conflict.reason.after).min or 1
    said = get_declared_sizes(conflict.network, conflict.reason.axis) or promised
    declared = conflict.network.input
    spans = [declared.span, *(c.span for c in declared.conditions if c.axis == conflict.reason.axis)]
    accepts = show_set(conflict.accepted.axes[conflict.reason.axis], conflict.symbol)
    line = suggest_condition(conflict.network, conflict.accepted)
    help = f"allow only accepted sizes: `{line}`" if line else "change the network: no size passes through all of it"
    nearest = find_nearest_accepted(conflict.network, conflict.accepted)
    if line and nearest != conflict.network.input.sizes:
        help += f", and declare one of them, such as `{describe((conflict.network.input.channels, *nearest))}`"
    return Diagnostic(
        "E0331",
        f"the input allows {conflict.symbol} = {size}, but the network accepts {accepts}",
        Label(spans[-1], f"{conflict.symbol} = {size} is allowed here"),
        labels=(Label(conflict.reason.condition.span, conflict.show_values(size)), *conflict.label_call_site()),
        notes=(
            *(
                ()
                if spans[1:] or not conflict.free
                else ("without `when`, an input allows every size from the smallest accepted one up",)
            ),
            *conflict.describe_refused(said - conflict.accepted.axes[conflict.reason.axis]),
            *conflict.reason.place.describe_place(),
        ),
        helps=(help,),
        fix=edit_condition(conflict.network, line) if line and nearest == conflict.network.input.sizes else (),
    )


def too_small(conflict: SizeConflict, within: list[SizeSet]) -> Diagnostic:
    condition, network = conflict.reason.condition, conflict.network
    least = (sizes.min for sizes in within)
    return Diagnostic(
        "E0320",
        f"the input is too small: `{conflict.reason.place.operation.text}` needs a size of at least {condition.other}, "
        f"but gets {evaluate(condition.fn, conflict.size)}",
        Label(network.input.span, f"too small: {conflict.symbol} = {conflict.size}"),
        labels=(
            Label(conflict.reason.condition.span, conflict.show_values(conflict.size)),
            *conflict.label_call_site(),
        ),
        notes=(*conflict.describe_shrinking(), *conflict.reason.place.describe_place()),
        helps=(f"use an input of at least `{describe((network.input.channels, *least))}`",),
    )


def never_enough(conflict: SizeConflict) -> Diagnostic:
    condition, operation = conflict.reason.condition, conflict.reason.place.operation
    arrives = conflict.show(condition.fn)
    help = "use a smaller kernel, or move it to where the map is larger"
    needs = f"a size {conflict.bound}" if isinstance(condition.other, int) else ""
    if condition.kind == "multiple":
        help = "move it to where the size is a multiple, or pad it to one with `constant_pad`"
    elif isinstance(condition.other, SizeSet):
        needs, help = show_set(condition.other, "a size"), "move it to where the map has such a size"
    return Diagnostic(
        "E0335",
        f"`{operation.text}` needs {needs}, but always gets {arrives}",
        Label(condition.span, f"the size is {arrives} here"),
        labels=conflict.label_call_site(),
        notes=(*conflict.describe_shrinking(), *conflict.reason.place.describe_place()),
        helps=(help,),
    )


def not_accepted(network: Network, axis: int, within: list[SizeSet]) -> Diagnostic:
    symbol, size = network.input.symbols[axis], network.input.sizes[axis]
    nearest = [sizes.nearest(n) for sizes, n in zip(within, network.input.sizes, strict=True)]
    if None in nearest:
        help = "change the condition after `when` so that some accepted size meets it"
    else:
        help = f"declare sizes that fit, such as `{describe((network.input.channels, *nearest))}`"
    return Diagnostic(
        "E0333",
        f"the declared size {symbol} = {size} is not accepted; "
        f"the accepted sizes are {show_set(within[axis], symbol or 'n')}",
        Label(network.input.span, f"{symbol} = {size} is declared here"),
        helps=(help,),
    )


def too_irregular(span: Span, what: str, error: str) -> Diagnostic:
    return Diagnostic(
        "E0334",
        f"the sizes at {what} are too irregular to analyze: {error.rpartition(': ')[2]}",
        Label(span, "from here on"),
        helps=("use fewer different strides",),
    )
