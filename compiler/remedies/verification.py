"""Verifies a remedy before it is shown: the changed text is compiled again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import IntEnum

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Fault, Suggestion
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.source import Source
from resnetc.compiler.syntax.parser import parse_strict

# Whether two branches then agree depends on every block around the edited one: a slot may be bound elsewhere, another
# stage may call the same block with another width, the next addition may need the old stride. No rule that looks at
# the fault alone knows this, and a help that leads to the next fault costs its reader more than none. So no fix is
# believed: the whole network is compiled with it, in a session of its own that tries no fixes itself, and what comes
# out is compared with the fault. Long texts and large networks are not tried, and a session tries a few fixes in all.

CODES = frozenset({"E0206", "E0301", "E0302", "E0310", "E0314", "E0316", "E0332"})
EXHAUSTIVE = frozenset({"E0301", "E0302"})
"""Faults that name every edit in question; the others name the first that fits, or restrict the input."""

MAX_EDITED_TEXT = 1 << 16  # characters of a text that is edited
MAX_COST = 50_000  # of the network that is compiled again: statements, blocks, and fifty for each operation


class Outcome(IntEnum):
    """What a fix leaves of a network's faults, from the best to the worst."""

    COMPILES = 0  # nothing
    FIXED = 1  # another statement is at fault now
    NEARER = 2  # this statement has another fault
    UNCHANGED = 3


Recompile = Callable[[tuple[Edit, ...]], list[Diagnostic] | None]
"""The faults of the network with a text that is edited; None where no more texts may be tried."""


def verify_fixes(fault: Diagnostic, recompile: Recompile, cost: int) -> Diagnostic:
    """A fault with the first of its fixes after which all of its network compiles, or at least this statement is right.

    What is only words is said where no fix helps; a fix that does not is none.
    """
    if fault.code not in CODES or not fault.helps:
        return fault
    suggestions = [Suggestion(fault.helps[0], fault.fix), *fault.alternatives]
    best, chosen = Outcome.UNCHANGED, suggestions[0]
    for suggestion, remaining in try_edits(suggestions if cost <= MAX_COST else [], recompile):
        outcome = max((judge_fix(fault, other, suggestion.edits) for other in remaining), default=Outcome.COMPILES)
        if outcome < best:
            best, chosen = outcome, suggestion
        if best is Outcome.COMPILES:
            break
    if best is Outcome.UNCHANGED:
        in_words = (suggestion for suggestion in suggestions if not suggestion.edits)
        chosen = next(in_words, Suggestion(fault.helps[0]))
    is_only = fault.code in EXHAUSTIVE and sum(bool(suggestion.edits) for suggestion in suggestions) == 1
    return replace(
        fault,
        helps=(chosen.help, *fault.helps[1:]),
        fix=chosen.edits,
        alternatives=(),
        is_certain=is_only and best is Outcome.COMPILES,
    )


def try_edits(suggestions: Iterable[Suggestion], recompile: Recompile) -> Iterator[tuple[Suggestion, list[Diagnostic]]]:
    """The suggestions that can be tried, each with the faults that it leaves, as long as texts may be tried."""
    for suggestion in suggestions:
        edits = suggestion.edits
        if not edits or is_shipped(edits[0].span) or len(edits[0].span.source.text) > MAX_EDITED_TEXT:
            continue
        remaining = recompile(edits)
        if remaining is None:
            return
        yield suggestion, remaining


def verify_text_fixes(fault: Diagnostic, faults: Sequence[Diagnostic], recompile: Recompile) -> Diagnostic:
    """An error of syntax or names with the first of its remedies after which the text checks, or has it no more.

    Its words stay where no remedy does, and where none may be tried.
    """
    first = [Suggestion(fault.helps[0], fault.fix)] if fault.helps else []
    suggestions = [*first, *fault.alternatives]
    before = count_earlier(fault, faults)
    if fault.code.startswith("E01") and before.total() == 1:  # a look without recovery is quick
        suggestions = [suggestion for suggestion in suggestions if is_parsed(suggestion.edits)]
    best, chosen = (Outcome.UNCHANGED, 0), None
    for suggestion, remaining in try_edits(suggestions, recompile):
        after = count_earlier(fault, remaining)
        fixed = after[fault.code, fault.message] < before[fault.code, fault.message] and after <= before
        outcome = Outcome.COMPILES if not remaining else Outcome.FIXED if fixed else Outcome.UNCHANGED
        reached = min((get_phase(other) for other in remaining), default=0)  # a claim's fault is the last
        if outcome is not Outcome.UNCHANGED and (outcome, -reached) < best:
            best, chosen = (outcome, -reached), suggestion
        if outcome is Outcome.COMPILES:
            break
    if chosen is None:
        return replace(fault, fix=(), alternatives=())
    return replace(fault, helps=(chosen.help, *fault.helps[1:]), fix=chosen.edits, alternatives=())


def count_earlier(fault: Diagnostic, faults: Sequence[Diagnostic]) -> Counter[tuple[str, str]]:
    """The faults of the phase of one, and of those before it: what comes after shows when this one is mended."""
    phase = get_phase(fault)
    return Counter((other.code, other.message) for other in faults if get_phase(other) <= phase)


def get_phase(fault: Diagnostic) -> int:
    """The first two digits of its code: syntax, names, shapes, claims."""
    return int(fault.code[1:3])


def is_parsed(edits: tuple[Edit, ...]) -> bool:
    """Whether a text parses with its edits; False where there is none."""
    if not edits or len(edits[0].span.source.text) > MAX_EDITED_TEXT:
        return False
    try:
        return parse_strict(Source(edits[0].span.source.name, apply_edits(edits))) is not None
    except Fault:  # a limit
        return False


def verify_warning(warning: Diagnostic, recompile: Recompile, false_claims: Sequence[Diagnostic] = ()) -> Diagnostic:
    """A warning with the first of its remedies after which the text checks; what is only words where none does.

    Beside false claims, one is enough after which they fail by another figure: there may be two slips.
    """
    before = {claim.message for claim in false_claims}
    suggestions = [Suggestion(warning.helps[0], warning.fix), *warning.alternatives]
    chosen = next((suggestion for suggestion in suggestions if not suggestion.edits), Suggestion(warning.helps[0]))
    for suggestion, remaining in try_edits(suggestions, recompile):
        after = {other.message for other in remaining if other.code.startswith("E04")}
        if not remaining or before and len(after) == len(remaining) and after != before:
            chosen = suggestion
            break
    return replace(
        warning,
        helps=(chosen.help, *warning.helps[1:]),
        fix=chosen.edits,
        alternatives=(),
        is_certain=warning.is_certain and bool(chosen.edits),
    )


def judge_fix(fault: Diagnostic, other: Diagnostic, edits: tuple[Edit, ...]) -> Outcome:
    """What another fault, after the edits, says about how far they have fixed this one."""
    span, place = fault.primary.span, other.primary.span
    if other.code not in CODES:
        return Outcome.FIXED if other.code > "E0301" else Outcome.UNCHANGED
    before = (e for e in edits if e.span.source is span.source and e.span.end <= span.start)
    moved = sum(len(e.replacement) - (e.span.end - e.span.start) for e in before)
    if place.source.name != span.source.name or place.start != span.start + moved:
        return Outcome.FIXED
    if fault.code == "E0301" != other.code:
        return Outcome.NEARER  # channels are compared first, at every occurrence
    (here, why), (there, because) = describe_occurrence(fault), describe_occurrence(other)
    return Outcome.NEARER if here == there and (other.code, because) != (fault.code, why) else Outcome.UNCHANGED


def describe_occurrence(fault: Diagnostic) -> tuple[list[str], list[str]]:
    """The occurrence of its statement that a fault is about, without places in the text; and what is said of it."""
    here = [re.sub(r"\(.*?\)", "", note) for note in fault.notes if note.startswith("in ")]
    return here, [fault.message, *(note for note in fault.notes if not note.startswith("in "))]


def apply_edits(edits: tuple[Edit, ...]) -> str:
    """The text with the edits made, the last one first."""
    text = edits[0].span.source.text
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text
