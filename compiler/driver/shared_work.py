"""What the networks of one session have in common, worked out for the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnetc.compiler.expansion.shared_blocks import SharedBlocks
from resnetc.compiler.measures.summary import Measurer

if TYPE_CHECKING:
    from resnetc.compiler.codegen.fingerprint import Digests


class SharedWork:
    """Blocks by all that they depend on; figures and digests by the blocks. It lives as long as its session."""

    def __init__(self) -> None:
        self.blocks = SharedBlocks()
        self.measurer = Measurer()
        self.digests: Digests = {}
