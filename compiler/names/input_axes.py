"""The axes of an `input` by its text alone: as many names as numbers, and the channels first."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, find_similar
from resnetc.compiler.names import errors
from resnetc.compiler.names.local_names import LocalNames
from resnetc.compiler.names.symbols import FileNames
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.foreign_idioms import answer_name


def find_fault(input: syntax.Input, locals: LocalNames, file: FileNames) -> Diagnostic | None:
    """What is wrong with the axes of an input, None where nothing is."""
    if not has_equal_axes(input):
        return errors.axes_differ(input)
    return find_misplaced_channels(input, locals, file)


def has_equal_axes(input: syntax.Input) -> bool:
    """Whether both sides of an input have as many axes, as far as the text says."""
    shape, declared = input.shape, input.declared
    if isinstance(shape, syntax.List) and isinstance(declared, syntax.List):
        return len(shape.items) == len(declared.items)
    return True


def find_misplaced_channels(input: syntax.Input, locals: LocalNames, file: FileNames) -> Diagnostic | None:
    """The fault of a size where the channels stand, unless it is a misspelt name."""
    first, *axes = input.shape.items if isinstance(input.shape, syntax.List) else (input.shape,)
    visible = [*locals, *file.list_visible()]
    if not isinstance(first, syntax.Name) or first.id in visible or find_similar(first.id, visible):
        return None
    if answer_name(first.id, first.span):  # of another language, as for an axis of the batch
        return None
    numbers = (i for i, axis in enumerate(axes, 1) if not isinstance(axis, syntax.Name) or axis.id in locals)
    return errors.channels_first(first.id, input, next(numbers, None), first.span)
