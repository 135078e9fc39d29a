"""Warnings about the later groups of a stage: `first` parameters are given to the first block of the stage alone."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.lints.mentions import Mentions
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.names.symbols import find_item
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

Defined = syntax.Block | syntax.Policy | syntax.Slot


def find_dropped_arguments(spec: SpecFile, mentions: Mentions) -> Iterator[Diagnostic]:
    """`1 of unit(64), 2 of unit(128, stride=2)`: the stride of the second group goes nowhere."""
    models = (item for item in spec.tree.items if isinstance(item, syntax.Model))
    for stage in (stage for model in models for stage in model.stages):
        has_first = False  # a block before this group, whatever the parameters of the model are
        for group in stage.groups:
            if has_first:
                for call in list_calls(group.block):
                    item, _ = find_item(call, spec) or (None, spec)
                    if isinstance(item, (syntax.Block, syntax.Policy, syntax.Slot)):
                        for parameter, argument in find_first_arguments(call, item):
                            yield argument_dropped(call, argument, parameter)
            has_first = has_first or group.count is None or is_positive(group.count)


def is_positive(count: syntax.Expr) -> bool:
    return isinstance(count, syntax.Number) and count.value > 0


def list_calls(block: syntax.Expr) -> Iterator[syntax.Call]:
    """The calls of items that the block of a stage is made of, the steps of a chain each for itself."""
    match block:
        case syntax.Pipe(steps):
            for step in steps:
                yield from list_calls(step)
        case syntax.Choice(value, _, other):
            yield from list_calls(value)
            yield from list_calls(other)
        case syntax.Call(syntax.Name() | syntax.Attribute()):
            yield block


def find_first_arguments(call: syntax.Call, item: Defined) -> Iterator[tuple[syntax.Parameter, syntax.Argument]]:
    """The arguments of a call that are those of `first` parameters, and have another text than the default."""
    by_name = {parameter.name.id: parameter for parameter in item.parameters}
    named = {argument.name.id for argument in call.arguments if argument.name is not None}
    free = [parameter for name, parameter in by_name.items() if name not in named]
    for argument in call.arguments:
        parameter = by_name.get(argument.name.id) if argument.name is not None else free.pop(0) if free else None
        if parameter is None or not parameter.first or parameter.default is None:
            continue
        if argument.value.span.text != parameter.default.span.text:
            yield parameter, argument


def argument_dropped(call: syntax.Call, argument: syntax.Argument, parameter: syntax.Parameter) -> Diagnostic:
    name, usual = parameter.name.id, parameter.default
    written = argument.span.text if argument.name is not None else f"{name}={argument.value.span.text}"
    default = f"the default, `{name}={usual.span.text}`" if usual is not None else "the default"
    return Diagnostic(
        "W0612",
        f"`{written}` has no effect: no block of this group is the first of its stage",
        Label(argument.span, f"these blocks get {default}"),
        labels=(Label(parameter.span, "`first`: only for the first block of a stage"),),
        helps=(f"move these blocks to their own stage, whose first block gets `{written}`, or remove it",),
        fix=(Edit(find_removable_span(call, argument), ""),) if argument.name is not None else (),
    )


def find_removable_span(call: syntax.Call, argument: syntax.Argument) -> Span:
    """The text of an argument with the comma that parts it from the one before it, or else from the one behind it."""
    index = next(i for i, other in enumerate(call.arguments) if other is argument)
    if index:
        return Span(argument.span.source, call.arguments[index - 1].span.end, argument.span.end)
    if len(call.arguments) > 1:
        return Span(argument.span.source, argument.span.start, call.arguments[1].span.start)
    return argument.span
