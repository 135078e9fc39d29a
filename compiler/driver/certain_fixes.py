"""Applies the fixes that are certain, as often as the result has more of them; what it comes to is checked again."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit
from resnetc.compiler.driver.session import Session
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import LIBRARY, SpecFile
from resnetc.compiler.remedies.verification import apply_edits
from resnetc.compiler.source import Source

MAX_ROUNDS = 8  # a fix may make room for another: edits that overlap wait for the next round


@record
class Attempt:
    """Specs with some fixes applied, checked: `texts` are those of the files that changed, `fixed` what was fixed."""

    session: Session
    networks: list[CheckedNetwork]
    texts: Mapping[Path, str]
    fixed: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        return self.session.refused or self.session.sink.failed


def attempt_fixes(specs: Sequence[str], denied: Collection[str]) -> list[Attempt]:
    """The specs as they are, then each time with more fixes applied; no attempt is worse than the one before it."""
    attempts = [check_specs(specs, denied, {}, ())]
    for _ in range(MAX_ROUNDS):
        before = attempts[-1]
        chosen = choose_fixes(before.session)
        if not chosen:
            break
        edits: dict[Path, list[Edit]] = {}
        for path, fault in chosen:
            edits.setdefault(path, []).extend(fault.fix)
        texts = {**before.texts, **{path: apply_edits(tuple(several)) for path, several in edits.items()}}
        after = check_specs(specs, denied, texts, (*before.fixed, *(fault for _, fault in chosen)), before.session)
        if is_worse(before, after):
            break
        attempts.append(after)
    return attempts


def check_specs(
    specs: Sequence[str],
    denied: Collection[str],
    texts: Mapping[Path, str],
    fixed: tuple[Diagnostic, ...],
    before: Session | None = None,
) -> Attempt:
    """What a fresh session says of some specs, where `texts` stand in the place of files."""
    session = Session(texts=texts, loaded_before=before.loader.list_loaded_shipped() if before else {})
    for spec in specs:
        session.add(spec)
    networks = session.compile_networks()
    session.lint(networks, denied)
    return Attempt(session, networks, texts, fixed)


def choose_fixes(session: Session) -> list[tuple[Path, Diagnostic]]:
    """Certain fixes of the user's own files that do not overlap, each with its file."""
    paths = {file.source: path for path, file in list_own_files(session).items()}
    taken: dict[Source, list[tuple[int, int]]] = {}  # in their order
    chosen = []
    for fault in session.sink.diagnostics:
        if fault.applicability != "certain":
            continue
        source = fault.primary.span.source
        if source not in paths or any(edit.span.source is not source for edit in fault.fix):
            continue
        places = taken.setdefault(source, [])
        edits = [(edit.span.start, edit.span.end) for edit in fault.fix]
        if all(is_free(edit, places) for edit in edits):
            for edit in edits:
                insort(places, edit)
            chosen.append((paths[source], fault))
    return chosen


def list_own_files(session: Session) -> dict[Path, SpecFile]:
    """The files of a session that are the user's; what came from standard input is no file."""
    return {path: file for path, file in session.loader.loaded.items() if not path.is_relative_to(LIBRARY)}


def is_free(edit: tuple[int, int], places: list[tuple[int, int]]) -> bool:
    """Whether an edit has no character, and not its start, in common with places that have none in common either."""
    start, end = edit
    index = bisect_left(places, edit)
    before, after = places[max(index - 1, 0) : index], places[index : index + 1]
    return all(other[0] < start and other[1] <= start for other in before) and all(
        other[0] > start and other[0] >= end for other in after
    )


def is_worse(before: Attempt, after: Attempt) -> bool:
    """Whether faults are still there after their fixes, or fixes of warnings have changed what is built or said."""
    reported, remaining = (attempt.session.sink.diagnostics for attempt in (before, after))
    if any(fault.code[0] == "E" for fault in reported):  # what is right with the fixes is looked at for warnings then
        return list_messages(after) >= list_messages(before)
    applied = len(after.fixed) - len(before.fixed)
    if len(remaining) > len(reported) - applied or list_messages(after) - list_messages(before):
        return True
    return list_digests(before) != list_digests(after)


def list_messages(attempt: Attempt) -> set[tuple[str, str]]:
    return {(fault.code, fault.message) for fault in attempt.session.sink.diagnostics}


def list_digests(attempt: Attempt) -> list[tuple[str, ...]]:
    """The keys and the function of every network."""
    from resnetc.compiler.codegen.fingerprint import digests

    return [(checked.network.name, *digests(checked.network)) for checked in attempt.networks]
