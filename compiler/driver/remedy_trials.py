"""Tries the remedies of faults that are no network's own: of signs, words and warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Sink
from resnetc.compiler.driver.spec_arguments import Entry
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.remedies.verification import MAX_COST, verify_text_fixes, verify_warning
from resnetc.compiler.source import Source

Recompile: TypeAlias = Callable[
    [SpecFile, str | None, list[tuple[str, str]], tuple[Edit, ...]], list[Diagnostic] | None
]
"""The faults of a network of a spec, or of all, under `--set`, with a text that is edited."""


def try_remedies(sink: Sink, entries: Sequence[Entry], recompile: Recompile) -> None:
    """Suggests the first of the remedies of a word or a sign with which the text checks, or is at least better."""
    faults = sink.diagnostics
    for index, fault in enumerate(faults):
        if fault.alternatives and fault.severity == "error":
            using = find_entry(fault.primary.span.source, entries)
            if using is not None:
                faults[index] = verify_text_fixes(fault, faults, partial(recompile, using.spec, None, []))


def try_remedies_of_warning(
    warning: Diagnostic, false_claims: list[Diagnostic], entries: Sequence[Entry], recompile: Recompile, cost: int
) -> Diagnostic:
    """A warning with a remedy after which its file checks, or after which false claims have other figures.

    `cost` is that of all networks.
    """
    using = find_entry(warning.primary.span.source, entries)
    if using is None or cost > MAX_COST:
        return verify_warning(warning, lambda edits: None)
    return verify_warning(warning, partial(recompile, using.spec, None, []), false_claims)


def find_entry(source: Source, entries: Sequence[Entry]) -> Entry | None:
    """The first of some specs that a text is of, or that uses it."""
    return next(
        (entry for entry in entries if any(spec.source is source for spec in entry.spec.list_used_files())), None
    )
