"""What the texts of several networks have in common, worked out for the first of them."""

from __future__ import annotations

from collections.abc import Hashable

from resnetc.compiler.codegen.grouping import structure
from resnetc.compiler.codegen.torch_modules import Column, columns, gain, helper, helper_name, is_relu6
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf


@record
class LeafText:
    """How an operation is written, which does not depend on its place."""

    kind: tuple[Hashable, ...]  # what two operations must share to be written by one text
    columns: list[Column]
    helper: tuple[str, int] | None


class SharedTexts:
    """Of operations by what equal ones share, of blocks by the blocks. It may live as long as a session."""

    def __init__(self) -> None:
        self._leaves: dict[Leaf, LeafText] = {}
        self._first: dict[ExpandedBlock, ExpandedBlock] = {}
        self._by_structure: dict[Hashable, ExpandedBlock] = {}

    def leaf(self, leaf: Leaf) -> LeafText:
        key = leaf.interning_key or leaf
        text = self._leaves.get(key)
        if text is None:
            text = self._leaves[key] = leaf_text(leaf)
        return text

    def first_like(self, block: ExpandedBlock) -> ExpandedBlock:
        """The first of the blocks that one class can be written for: equal dataflows of one definition."""
        first = self._first.get(block)
        if first is None:
            first = self._by_structure.setdefault((block.definition, structure(block)), block)
            self._first[block] = first
        return first


def leaf_text(leaf: Leaf) -> LeafText:
    external = leaf.external
    target = (external.module, external.name) if external is not None else None
    kind = ("leaf", helper_name(leaf), leaf.inputs[0].rank, gain(leaf), is_relu6(leaf), target)
    return LeafText(kind, columns(leaf), helper(leaf) if external is None else None)
