"""A network that passed all checks, with everything that the back ends need to know about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.compiler.expansion.request import Origin
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.loader.loader import (
    SpecFile,
)

if TYPE_CHECKING:
    from resnetc.compiler.claims.contract import Contract
    from resnetc.compiler.measures.summary import Measures
    from resnetc.compiler.proof.accepted_sizes import Accepted


@record
class CheckedNetwork:
    """A network that passed: expanded, its additions proved, each of its claims with its verdict."""

    network: Network
    accepted: Accepted
    measures: Measures
    spec: SpecFile
    title: str  # the shipped name of its spec, else the file's name
    folder: Path  # below the output directory
    origin: Origin
    contracts: tuple[Contract, ...] = ()

    def replace_sizes(self, sizes: tuple[int, ...]) -> CheckedNetwork:
        """The same network with other example sizes than its spec declares, which it accepts."""
        assert all(size in axis for size, axis in zip(sizes, self.accepted.axes, strict=True))
        return replace(self, network=replace(self.network, input=replace(self.network.input, sizes=sizes)))

    @property
    def skipped_claims(self) -> tuple[str, ...]:
        """The claims that were left out because they were made for other slots."""
        return tuple(str(contract) for contract in self.contracts if contract.verdict == "skipped")
