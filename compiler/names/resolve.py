"""Resolves the names of a file: its items, duplicate definitions, and cyclic ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Sink
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.names import errors, reserved
from resnetc.compiler.names.cycles import find_ancestors, find_cycles
from resnetc.compiler.names.error_groups import GroupedFaults
from resnetc.compiler.names.item_resolver import ItemNames
from resnetc.compiler.names.symbols import Definition, FileNames, get_kind
from resnetc.compiler.source import Span


def check(
    spec: SpecFile, prelude: SpecFile, sink: Sink, faulty_names: Mapping[SpecFile, frozenset[str]] | None = None
) -> frozenset[str]:
    """Reports the faults of every item; returns the names of those that are at fault, or mention one that is.

    `faulty_names` has the results for the files that this one uses, as far as they are known.
    """
    file = FileNames(spec, prelude, faulty_names or {})
    repeats = GroupedFaults()
    faulty_items: set[str] = set()
    mentions: dict[str, dict[str, Span]] = {}
    dependencies: dict[str, set[str]] = {}
    for name, fault in find_name_clashes(file):
        repeats.report(fault)
        faulty_items.add(name)
    for item in spec.tree.items:
        names = ItemNames(file, item, repeats)
        names.check()
        if names.has_error:
            faulty_items.add(item.name.id)
        mentions.setdefault(item.name.id, {}).update(names.mentions)
        dependencies.setdefault(item.name.id, set()).update(names.mentions, names.claimed)
    for cycle in find_cycles(mentions):
        repeats.report(
            errors.cyclic_definitions([(a, mentions[a][b]) for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)])
        )
        faulty_items.update(cycle)
    faults = sorted(repeats.list_faults(), key=lambda fault: fault.primary.span.start)
    for fault in faults:
        if not any(is_replaced(fault, other) for other in faults if other.fix):
            sink.add(fault)
    return frozenset(find_ancestors(faulty_items, dependencies))


def is_replaced(fault: Diagnostic, other: Diagnostic) -> bool:
    """Whether a fault stands within the call or the argument that the fix of another one replaces."""
    place = fault.primary.span
    return fault is not other and any(
        edit.span.source is place.source and edit.span.start < place.start and place.end <= edit.span.end
        for edit in other.fix
    )


def find_name_clashes(file: FileNames) -> Iterator[tuple[str, Diagnostic]]:
    """The used files and items that cannot have their names, and why."""
    uses: dict[str, Definition] = {}
    items: dict[str, Span] = {}
    for use in file.spec.tree.uses:
        name = use.path[-1]
        if (other := uses.get(name) or file.find_predefined(name)) is not None:
            file.silent.add(name)
            yield name, errors.shadowed("used file", name, use.span, other)
        uses.setdefault(name, Definition("used file", use.span))
    for item in file.spec.tree.items:
        name, span = item.name.id, item.name.span
        if name in items:
            yield name, errors.defined_twice(name, span, items[name])
        elif (other := uses.get(name) or file.find_predefined(name)) is not None:
            yield name, errors.shadowed(get_kind(item), name, span, other)
        elif (fault := reserved.check_name(name, get_kind(item), span, file.find_definition)) is not None:
            yield name, fault
        items.setdefault(name, span)
