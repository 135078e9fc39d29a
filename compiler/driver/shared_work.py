"""What the networks of one session have in common, worked out for the first of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resnetc.compiler.expansion.shared_blocks import SharedBlocks
from resnetc.compiler.measures.summary import Measurer

if TYPE_CHECKING:
    from resnetc.compiler.codegen.fingerprint import Digests


@dataclass(slots=True, eq=False)
class SharedWork:
    """Blocks by all that they depend on; figures and digests by the blocks. It lives as long as its session."""

    blocks: SharedBlocks = field(default_factory=SharedBlocks)
    measurer: Measurer = field(default_factory=Measurer)
    digests: Digests = field(default_factory=dict)
