"""Verifies a remedy before it is shown: the changed text is compiled again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from resnetc.compiler.diagnostics.diagnostic import Advice, Diagnostic, Edit

CODES = frozenset({"E0301", "E0302", "E0314", "E0332"})
RIGHT, MENDED, NEARER, UNMENDED = range(4)
"""After a remedy all of the network is right; or this statement is; or it has another fault now; or not even that."""

MAX_EDITED_TEXT = 1 << 16  # characters of a text that is mended
MAX_COST = 50_000  # what the network that is made again has cost: statements, blocks, and fifty for each operation


Recompile = Callable[[tuple[Edit, ...]], list[Diagnostic] | None]
"""The faults of the network with a text that is edited; None where no more texts may be tried."""


def tried(fault: Diagnostic, recompile: Recompile, cost: int) -> Diagnostic:
    """A fault with the first of its remedies after which all of its network is right, or at least this statement.

    What is only words is said where nothing that can be tried mends anything; a remedy that does not is no fix.
    """
    if fault.code not in CODES or not fault.helps:
        return fault
    remedies: list[Advice] = [(fault.helps[0], fault.fix), *fault.others]
    best, chosen = UNMENDED, (fault.helps[0], fault.fix)
    for help, edits in remedies:
        if not edits or cost > MAX_COST or len(edits[0].span.source.text) > MAX_EDITED_TEXT:
            continue
        others = recompile(edits)
        if others is None:
            break
        outcome = max((left_by(fault, other, edits) for other in others), default=RIGHT)
        if outcome < best:
            best, chosen = outcome, (help, edits)
        if best == RIGHT:
            break
    if best == UNMENDED:
        chosen = next(((help, edits) for help, edits in remedies if not edits), (fault.helps[0], ()))
    help, fix = chosen
    return replace(fault, helps=(help, *fault.helps[1:]), fix=fix, others=())


def left_by(fault: Diagnostic, other: Diagnostic, edits: tuple[Edit, ...]) -> int:
    """What another fault, after the edits, says about how far they have mended this one."""
    span, place = fault.primary.span, other.primary.span
    if other.code not in CODES:
        return MENDED if other.code > "E0301" else UNMENDED
    before = (e for e in edits if e.span.source is span.source and e.span.end <= span.start)
    moved = sum(len(e.replacement) - (e.span.end - e.span.start) for e in before)
    if place.source.name != span.source.name or place.start != span.start + moved:
        return MENDED
    if fault.code == "E0301" != other.code:
        return NEARER  # channels are compared first, at every occurrence
    (here, why), (there, because) = describe_occurrence(fault), describe_occurrence(other)
    return NEARER if here == there and (other.code, because) != (fault.code, why) else UNMENDED


def describe_occurrence(fault: Diagnostic) -> tuple[list[str], list[str]]:
    """Of which occurrence of its statement a fault is, without places in the text; and what is said of it."""
    here = [re.sub(r"\(.*?\)", "", note) for note in fault.notes if note.startswith("in ")]
    return here, [fault.message, *(note for note in fault.notes if not note.startswith("in "))]


def mended(edits: tuple[Edit, ...]) -> str:
    """The text with the edits made, the last one first."""
    text = edits[0].span.source.text
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text
