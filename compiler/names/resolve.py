"""Resolves the names of a file: its items, duplicate definitions, and cyclic ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Sink
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.names import errors, reserved
from resnetc.compiler.names.cycles import circles, leading_to
from resnetc.compiler.names.error_groups import Repeats
from resnetc.compiler.names.item_resolver import ItemNames
from resnetc.compiler.names.symbols import Definition, FileNames, kind
from resnetc.compiler.source import Span


def check(
    spec: SpecFile, prelude: SpecFile, sink: Sink, faulty_names: Mapping[SpecFile, frozenset[str]] | None = None
) -> frozenset[str]:
    """Reports the faults of every item; returns the names of those that are at fault, or mention one that is.

    `faulty_names` has the results for the files that this one uses, as far as they are known.
    """
    file = FileNames(spec, prelude, faulty_names or {})
    repeats = Repeats()
    bad: set[str] = set()
    mentions: dict[str, dict[str, Span]] = {}
    claimed: dict[str, set[str]] = {}
    for name, fault in taken(file):
        repeats.report(fault)
        bad.add(name)
    for item in spec.tree.items:
        names = ItemNames(file, item, repeats)
        names.check()
        if names.has_error:
            bad.add(item.name.id)
        mentions.setdefault(item.name.id, {}).update(names.mentions)
        claimed.setdefault(item.name.id, set()).update(names.mentions, names.claimed)
    for way in circles(mentions):
        repeats.report(errors.circle([(a, mentions[a][b]) for a, b in zip(way, [*way[1:], way[0]], strict=True)]))
        bad.update(way)
    faults = sorted(repeats.faults(), key=lambda fault: fault.primary.span.start)
    for fault in faults:
        if not any(is_replaced(fault, other) for other in faults if other.fix):
            sink.add(fault)
    return frozenset(leading_to(bad, claimed))


def is_replaced(fault: Diagnostic, other: Diagnostic) -> bool:
    """Whether a fault stands within the call or the argument that the fix of another one replaces."""
    place = fault.primary.span
    return fault is not other and any(
        edit.span.source is place.source and edit.span.start < place.start and place.end <= edit.span.end
        for edit in other.fix
    )


def taken(file: FileNames) -> Iterator[tuple[str, Diagnostic]]:
    """The used files and items that cannot have their names, and why."""
    uses: dict[str, Definition] = {}
    items: dict[str, Span] = {}
    for use in file.spec.tree.uses:
        name = use.path[-1]
        if (other := uses.get(name) or file.predefined(name)) is not None:
            file.silent.add(name)
            yield name, errors.hidden("used file", name, use.span, other)
        uses.setdefault(name, Definition("used file", use.span))
    for item in file.spec.tree.items:
        name, span = item.name.id, item.name.span
        if name in items:
            yield name, errors.defined_twice(name, span, items[name])
        elif (other := uses.get(name) or file.predefined(name)) is not None:
            yield name, errors.hidden(kind(item), name, span, other)
        elif (fault := reserved.check_name(name, kind(item), span, file.definition_of)) is not None:
            yield name, fault
        items.setdefault(name, span)
