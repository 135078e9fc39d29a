"""Draws stages of vectors: after the stem or the stages of maps, a pool makes vectors, and residual blocks use
`linear`."""

from __future__ import annotations

from resnetc.compiler.ir.shape import Shape
from resnetc.testing.strategies.bodies import Draft
from resnetc.testing.strategies.primitives import operations, rows, shape_keeping, takes_map

POOLED = "global_avg_pool |> flatten"


def vector_stages(draft: Draft, arrives: int, pooled: bool) -> tuple[list[str], int]:
    """The lines of one or two stages, and the width they leave; the first one pools unless that was done before."""
    lines = []
    for i in range(draft.number(1, 2)):
        groups = []
        if not pooled:
            arrives, pooled = draft.number(1, 6), True
            groups.append(f"1 of {pooling_block(draft)}({arrives})")
        groups.append(f"{draft.number(1, 2)} of {vector_block(draft)}({draft.number(1, 4)})")
        lines.append(f"stage {draft.one('vectors', 'rows')}{i + 1} = {', '.join(groups)}")
    return lines, arrives


def pooling_block(draft: Draft) -> str:
    """A block that makes a vector of a map."""
    name = draft.fresh("pool")
    draft.items.append(f"block {name}(width: int) {{\n  out = in |> {POOLED} |> linear(width)\n}}")
    return name


def vector_block(draft: Draft) -> str:
    """A residual block of vectors, with any primitives that leave a vector."""
    name = draft.fresh("mix")
    before, between = (f"{draft.one(*shape_keeping(0))} |> " if draft.flag() else "" for _ in range(2))
    if draft.flag(3):
        between += f"reshape({draft.one('[1, inner]', '[inner, 1]', '[1, 1, inner]')}) |> flatten |> "
    chain = f"{before}a: linear(inner) |> {between}b: linear(in.channels)"
    draft.items.append(f"block {name}(inner: int) {{\n  out = in + (in |> {chain})\n}}")
    return name


def vector_ending(draft: Draft, channels: int) -> tuple[str, list[str]]:
    """The head of vectors, and the parameters that it needs."""
    match draft.one("linear", "linear", "classes", "features", "identity", "any"):
        case "classes":
            return "fc: linear(classes)", [f"classes: int = {draft.number(1, 6)}"]
        case "features":
            return "none", []
        case "identity":
            return "identity", []
        case "any":
            operation = operations(draft.draw, rows(takes_map), (Shape(channels, ()),))
            return operation.text if operation else "identity", []
    return f"{draft.one('', 'dropout(1/10) |> ')}linear({draft.number(1, 6)})", []
