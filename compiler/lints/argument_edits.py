"""Edits of one argument in a call, which leave the rest of it as it is written."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Edit
from resnetc.compiler.source import Span


def drop_argument(call: Span, argument: str) -> Edit | None:
    """Takes out an argument such as `bias=true`, if the call has it in these words."""
    words = r"\s*=\s*".join(re.escape(word) for word in argument.split("="))
    for pattern in (rf"\(\s*{words}\s*\)", rf",\s*{words}(?=\s*[,)])", rf"(?<=\()\s*{words}\s*,\s*"):
        match = re.search(pattern, call.text)
        if match is not None:
            return Edit(Span(call.source, call.start + match.start(), call.start + match.end()), "")
    return None


def append_argument(call: Span, argument: str) -> Edit | None:
    """Puts an argument behind the others, if the call has any."""
    if not re.search(r"\([^)]", call.text) or not call.text.endswith(")"):
        return None
    return Edit(Span(call.source, call.end - 1, call.end - 1), f", {argument}")
