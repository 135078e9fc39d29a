"""The shape of a map: its channels, and its sizes as functions of the input's."""

from __future__ import annotations

from dataclasses import field

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.sizes import SizeFn


@record(eq=True)
class Shape:
    """`[channels, sizes...]`: the channels are known, each size is a function of the input's size on that axis."""

    channels: int
    sizes: tuple[SizeFn, ...]
    rank: int = field(init=False, compare=False, repr=False)  # of sizes: asked for twenty times as often as it is made

    def __post_init__(self) -> None:
        object.__setattr__(self, "rank", len(self.sizes))
