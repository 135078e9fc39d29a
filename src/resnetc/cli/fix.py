"""`resnetc check --fix`: applies the fixes that are certain to the files, and says what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.fmt import rewrite_files

if TYPE_CHECKING:
    from resnetc.compiler.diagnostics.diagnostic import Diagnostic
    from resnetc.compiler.driver.certain_fixes import Attempt

MARK = "\ufeff"  # a byte-order mark at the start of a file: no part of its text, and left where it is


def fix_files(specs: Sequence[str], denied: Sequence[str]) -> tuple[Attempt, bool]:
    """Writes the specs with their certain fixes; the attempt to report, and whether fixes were left out.

    Nothing is written unless all is right with the fixes: then what is said is what was said before.
    """
    from resnetc.compiler.driver.certain_fixes import attempt_fixes, list_own_files

    refuse_unwritable(specs)
    attempts = attempt_fixes(specs, denied)
    best = next((attempt for attempt in reversed(attempts) if not attempt.failed), attempts[0])
    if not best.texts:
        return best, len(attempts) > 1
    files = list_own_files(attempts[0].session)
    changed = [(files[path].path or path, text, files[path].source.text) for path, text in best.texts.items()]
    for fault in write_texts(changed):
        best.session.sink.add(fault)
    return best, False


def refuse_unwritable(specs: Sequence[str]) -> None:
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.compiler.loader.loader import LIBRARY

    if "-" in specs:
        raise UsageError("`check --fix` rewrites files, and `-` is standard input: pass the path of a file")
    for spec in specs:
        path = Path(spec)
        if not path.exists() or path.resolve().is_relative_to(LIBRARY):
            raise_if_shipped(spec)


def raise_if_shipped(spec: str) -> None:
    from resnetc.compiler.driver import network_index
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.compiler.loader.loader import find_shipped

    path = Path(spec)
    is_spec = path.exists() or find_shipped(spec) is not None
    if is_spec or network_index.find_networks(spec):
        what = "folder of shipped specs" if path.is_dir() else "shipped spec" if is_spec else "shipped network"
        raise UsageError(f"`{spec}` is a {what}: `check --fix` rewrites files, so pass the path of your own file")


def write_texts(changed: Sequence[tuple[Path, str, str]]) -> list[Diagnostic]:
    """Writes the new texts of files, all or none; a file that is no more what was checked is left alone."""
    from resnetc.compiler.driver.output_files import obstacle_in_the_way

    marked = []
    for path, text, before in changed:
        data = path.read_bytes()
        mark = MARK if data.startswith(MARK.encode()) else ""
        if data != (mark + before).encode():
            return [obstacle_in_the_way(path, "has changed since it was checked", "check it again")]
        marked.append((path, mark + text))
    return rewrite_files(marked)


def describe_fixes(attempt: Attempt) -> list[str]:
    """What was changed: the place in the text as it was, the code, what stood there and what stands there now."""
    from resnetc.compiler.remedies.call_text import shorten

    lines = []
    for fault in attempt.fixed:
        for edit in fault.fix:
            old, new = (shorten(text) for text in (edit.span.text, edit.replacement))
            change = f"`{old}` -> `{new}`" if old and new else f"`{old}` removed" if old else f"`{new}` inserted"
            place = edit.span.source.find_position(edit.span.start)
            lines.append(f"{edit.span.source.name}:{place.line}: {fault.code}: {change}")
    return lines
