"""The seal, the last line of a generated file, which reveals edits by hand."""

from __future__ import annotations

import hashlib

SEAL = "# sealed by resnetc: "


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seal_of(text: str) -> dict[str, str]:
    """The digests in the last line of a generated file; empty for a file that is not ours."""
    _, mark, line = text.rpartition(f"\n\n{SEAL}")
    words = line.split()
    return dict(zip(words[::2], words[1::2], strict=False)) if mark and len(words) == 6 else {}


def seal_status(text: str) -> str | None:
    """`ours` for a file as it was written, `edited` for one changed since, None for a file that is not ours."""
    body, mark, _ = text.rpartition(f"\n\n{SEAL}")
    if not mark:
        return None
    return "ours" if seal_of(text).get("text") == text_digest(body) else "edited"


def difference(old: str | None, new: str) -> str | None:
    """How a file on disk differs from what would be written: None where it does not."""
    if old is None:
        return "missing"
    if old == new:
        return None
    if seal_status(old) != "ours":
        return "edited by hand" if seal_status(old) else "not made by resnetc"
    before, after = seal_of(old), seal_of(new)
    if before["keys"] != after["keys"]:
        return "keys"
    return "function" if before["function"] != after["function"] else "text"
