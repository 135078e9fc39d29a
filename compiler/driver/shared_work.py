"""What the networks of one session have in common, worked out for the first of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from resnetc.compiler.expansion.shared_blocks import SharedBlocks
from resnetc.compiler.loader.loader import SpecFile, compute_digest
from resnetc.compiler.measures.summary import Measurer

if TYPE_CHECKING:
    from resnetc.compiler.codegen.fingerprint import Digests
    from resnetc.compiler.codegen.shared_texts import SharedTexts


class SharedWork:
    """Blocks by all that they depend on; figures, digests and texts by the blocks. It lives as long as its session."""

    def __init__(self) -> None:
        self.blocks = SharedBlocks()
        self.measurer = Measurer()
        self.digests: Digests = {}
        self._spec_digests: dict[SpecFile, str] = {}

    @cached_property
    def texts(self) -> SharedTexts:
        """The texts of classes and functions; most commands write none."""
        from resnetc.compiler.codegen.shared_texts import SharedTexts

        return SharedTexts()

    def compute_spec_digest(self, spec: SpecFile, prelude: SpecFile) -> str:
        """What `SPEC_SHA256` says of all networks of a file."""
        if spec not in self._spec_digests:
            self._spec_digests[spec] = compute_digest(
                [*dict.fromkeys([*spec.list_used_files(), *prelude.list_used_files()])]
            )
        return self._spec_digests[spec]
