"""Which slots a drawn text applies, read from its words: a binding of any other slot would be rejected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

WORD = re.compile(r"\b([A-Za-z_]\w*)\b(?!\s*(?::|=(?!=)))")  # no label, no keyword, nothing that is defined
DEFINED = re.compile(r"^(?:block|policy) (\w+)(.*)", re.MULTILINE | re.DOTALL)
SHIPPED = {  # what is drawn of the library, and the one default that applies slots
    **dict.fromkeys(("project", "project_all", "average"), "conv norm"),
    **dict.fromkeys(("standard", "deep"), "conv norm act stem_pool"),
    "preact": "conv",
    "shortcut": "project",
}


def applied(text: str, items: Iterable[str], bound: Mapping[str, str]) -> set[str]:
    """The words that a text leads to: its own, those of the items that it names, of what its slots are bound to."""
    texts = {match[1]: match[2] for item in items if (match := DEFINED.search(item))}
    words: set[str] = set()
    pending = [text]
    while pending:
        fresh = set(WORD.findall(pending.pop())) - words
        words |= fresh
        pending += [table[word] for table in (texts, SHIPPED, bound) for word in fresh if word in table]
    return words


def with_effect(binding: str, text: str, items: Iterable[str]) -> str:
    """`, norm=batch_norm` where a text applies the slot, else nothing."""
    name = binding.strip(", ").partition("=")[0]
    return binding if not name or name in applied(text, items, {}) else ""
