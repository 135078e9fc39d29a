"""Limits on the size of a network, and the messages about them."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.source import Span

MAX_BLOCKS = 20_000  # each as often as it occurs, also inside of others
MAX_OPERATIONS = 400_000  # likewise
MAX_NODES = 20_000  # distinct operations: what is expanded


def too_many_blocks(span: Span, count: int, what: str = "blocks or operations") -> Diagnostic:
    return Diagnostic(
        "E0319",
        f"the network is too large: {count:,} {what}",
        Label(span, "exceeds the limit here"),
        notes=(
            f"a network has at most {MAX_BLOCKS:,} blocks and {MAX_OPERATIONS:,} operations, counting every occurrence,"
            f" and {MAX_NODES:,} distinct operations",
        ),
        helps=("use smaller counts, or nest fewer blocks",),
    )
