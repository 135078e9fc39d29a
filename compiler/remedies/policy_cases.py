"""A remedy for a window that strides nowhere: a case of its policy for a stride of 1, without the window."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.remedies.branches import Operation
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.source import Span

MAX_POLICY = 5_000  # characters
CASE = re.compile(r"^([ \t]*)(when\b(.*?)|otherwise\s*)=>\s*\Z", re.MULTILINE)
NEXT = re.compile(r"^[ \t]*(?:when|otherwise)\b|^\}", re.MULTILINE)


def suggest_case(operation: Operation) -> Suggestion | None:
    """`when stride == 1 => ...` before the case that opens with the window; None where it is no such case.

    An even window keeps the size only where it strides (He et al. 2019, "Bag of Tricks": the shortcut of ResNet-D).
    """
    leaf = operation.leaf
    if leaf is None or is_shipped(leaf.span):
        return None
    if leaf.by_name.get("stride") not in (1, (1,) * leaf.shape_in.rank):
        return None
    stride = dict(parse_arguments(leaf.span.text)).get("stride", "")
    source = leaf.span.source
    start = max(0, leaf.span.start - MAX_POLICY)
    before, behind = source.text[start : leaf.span.start], source.text[leaf.span.end :][:MAX_POLICY]
    case, end = CASE.search(before), NEXT.search(behind)
    header = before.rpartition("\npolicy ")[2].partition("{")[0]
    if case is None or end is None or not re.search(rf"\b{re.escape(stride)}\s*:\s*size", header) or not stride:
        return None
    rest = behind[: end.start()].strip()
    if not rest.startswith("|>"):
        return None
    condition = f"{(case[3] or '').strip()} and {stride} == 1" if case[3] else f"{stride} == 1"
    written = f"when {condition} => {rest.removeprefix('|>').strip()}"
    at = start + case.start()
    edit = Edit(Span(source, at, at), f"{case[1]}{written}\n")
    return Suggestion(
        f"add a case above it, because the window keeps the size only if it strides: `{written}`", (edit,)
    )
