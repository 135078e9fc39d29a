"""Runs every lint over the networks of some files, and takes out what `// allow CODE: reason` silences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.lints import calls, stages
from resnetc.compiler.lints.allowances import find_allowances
from resnetc.compiler.loader.loader import SpecFile

NetworkLint = Callable[[CheckedNetwork], Iterator[Diagnostic]]

NETWORK_LINTS: tuple[NetworkLint, ...] = (stages.find_repeated_strides, calls.find_torch_order, calls.find_even_windows)


def find_warnings(specs: Iterable[SpecFile], networks: Iterable[CheckedNetwork], complete: bool) -> list[Diagnostic]:
    """The warnings about some files and their networks, each once.

    `complete` says that these are all networks of the files, as their specs have them: only then is it known that an
    allowance silences nothing.
    """
    warnings: dict[tuple[str, str, int, int], Diagnostic] = {}
    for checked in networks:
        for lint in NETWORK_LINTS:
            for warning in lint(checked):
                span = warning.primary.span
                key = (warning.code, span.source.name, span.start, span.end)
                warnings.setdefault(key, replace(warning, severity="warning"))
    allowances = [allowance for spec in specs for allowance in find_allowances(spec.source)]
    by_place = {(allowance.source.name, allowance.line, allowance.code): allowance for allowance in allowances}
    out: list[Diagnostic] = []
    silenced = set()
    for warning in warnings.values():
        span = warning.primary.span
        place = (span.source.name, span.source.position(span.start).line, warning.code)
        if place in by_place:
            silenced.add(place)
        else:
            out.append(warning)
    for place, allowance in by_place.items():
        fault = allowance.fault(silences=place in silenced or not complete)
        if fault is not None:
            out.append(fault)
    return out
