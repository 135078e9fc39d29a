"""Runs every lint over the networks of some files, and takes out what `// allow CODE: reason` silences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.lints import calls, gains, groups, labels, layers, maps, stages, stored_names, unused
from resnetc.compiler.lints.allowances import find_allowances
from resnetc.compiler.lints.mentions import Mentions
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import SpanKey

FileLint = Callable[[SpecFile, Mentions], Iterator[Diagnostic]]
NetworkLint = Callable[[CheckedNetwork], Iterator[Diagnostic]]

FILE_LINTS: tuple[FileLint, ...] = (
    unused.find_unread_names,
    labels.find_labels_without_effect,
    groups.find_dropped_arguments,
)
NETWORK_LINTS: tuple[NetworkLint, ...] = (
    stages.find_repeated_strides,
    calls.find_torch_order,
    calls.find_even_windows,
    layers.find_neighbours,
    gains.find_lost_gains,
    maps.find_single_positions,
    stored_names.find_shifted_names,
)


def find_warnings(
    specs: Collection[SpecFile],
    own: Collection[SpecFile],
    networks: Iterable[CheckedNetwork],
    complete: Collection[SpecFile],
) -> list[Diagnostic]:
    """The warnings about some files and their networks, each once. Of `specs`, `own` are those whose text is looked at.

    `complete` are the files all of whose networks these are, as their specs have them: only there is it known that an
    allowance silences nothing.
    """
    warnings: dict[tuple[str, SpanKey], Diagnostic] = {}
    mentions = Mentions(specs)
    sources = {id(spec.source) for spec in own}
    whole = {id(spec.source) for spec in complete}
    of_files = (lint(spec, mentions) for spec in own for lint in FILE_LINTS)
    of_networks = (lint(checked) for checked in networks for lint in NETWORK_LINTS)
    for warning in chain.from_iterable(chain(of_files, of_networks)):
        span = warning.primary.span
        if id(span.source) not in sources:
            continue  # a shipped text, which its user does not edit
        warnings.setdefault((warning.code, span.key), warning)
    allowances = [allowance for spec in specs for allowance in find_allowances(spec.source)]
    by_place = {(allowance.source.name, allowance.line, allowance.code): allowance for allowance in allowances}
    out: list[Diagnostic] = []
    silenced = set()
    for warning in warnings.values():
        span = warning.primary.span
        place = (span.source.name, span.source.find_position(span.start).line, warning.code)
        if place in by_place:
            silenced.add(place)
        else:
            out.append(warning)
    for place, allowance in by_place.items():
        fault = allowance.find_fault(silences=place in silenced or id(allowance.source) not in whole)
        if fault is not None:
            out.append(fault)
    return [replace(warning, severity="warning") for warning in out]
