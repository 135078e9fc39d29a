"""Reports an error with one cause once, with its other places as labels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.source import Span

MAX_FAULTS = 50
MAX_PLACES_SHOWN = 3

Make = Callable[[Span], Diagnostic]


class GroupedFaults:
    """The faults of a file by their causes, in the order in which they were found."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, tuple[Make, list[Span]]] = {}

    def add(self, cause: Hashable, make: Make, spans: Sequence[Span]) -> None:
        """`make` writes the fault at the first of all its places."""
        self._rows.setdefault(cause, (make, []))[1].extend(spans)

    def report(self, fault: Diagnostic) -> None:
        """A fault that has one place."""
        span = fault.primary.span
        self.add((fault.code, span.start, span.end), lambda _: fault, [span])

    def list_faults(self) -> Iterator[Diagnostic]:
        """The first faults, as many as anyone reads in one run."""
        for make, spans in list(self._rows.values())[:MAX_FAULTS]:
            first, *others = spans
            fault = make(first)
            fix = repeat_edits(fault.fix, spans)
            alternatives = tuple(replace(one, edits=repeat_edits(one.edits, spans)) for one in fault.alternatives)
            labels = tuple(Label(span, "here too") for span in others[:MAX_PLACES_SHOWN])
            more = (f"and in {len(others) - MAX_PLACES_SHOWN} more places",) if len(others) > MAX_PLACES_SHOWN else ()
            notes = (*fault.notes, *more)
            yield replace(fault, labels=(*fault.labels, *labels), notes=notes, fix=fix, alternatives=alternatives)


def repeat_edits(edits: Sequence[Edit], spans: Sequence[Span]) -> tuple[Edit, ...]:
    """The edits of a fault's first place at all its places; what they put elsewhere, such as an import, is put once."""
    first, *others = spans
    here = [edit for edit in edits if edit.span.text or first.start <= edit.span.start <= first.end]
    return (*edits, *(moved for edit in here for span in others for moved in move_edit(edit, first, span)))


def move_edit(edit: Edit, first: Span, other: Span) -> Iterator[Edit]:
    """The edit of a fault's first place at another one, if that reads the same."""
    start, end = (n - first.start + other.start for n in (edit.span.start, edit.span.end))
    if 0 <= start <= end and other.source.text[start:end] == edit.span.text:
        yield Edit(Span(other.source, start, end), edit.replacement)
