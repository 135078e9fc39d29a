"""The shape comments in `forward`: of the network in H and W, of a block in the sizes of its own input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from resnetc.compiler.codegen.signature import Signature
from resnetc.compiler.ir.network import ExpandedBlock, Network
from resnetc.compiler.sizes import Affine, SizeFn, identity, show, step

SYMBOLS = {0: (), 1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}


class Comments:
    """Writes shapes for a group of occurrences: what differs between them goes by the name of its argument."""

    def __init__(
        self,
        group: list[ExpandedBlock],
        signature: Signature,
        symbols: tuple[str | None, ...] | None = None,
        vectors: frozenset[int] = frozenset(),  # what is written without the axes behind the channels
        named: Mapping[int, str] = MappingProxyType({}),  # wires whose channels are an argument of the network's class
    ) -> None:
        self.group, self.signature, self.symbols, self.vectors, self.named = group, signature, symbols, vectors, named

    def shape(self, ref: int) -> str:
        """`[width, h/stride, w/stride]`, as `legend` has it; empty where it cannot be said in one line."""
        channels = self.named.get(ref) or self.signature.shown([t.wires[ref].shape.channels for t in self.group])
        rank = 0 if ref in self.vectors else self.group[0].wires[ref].shape.rank
        sizes = [self.size(ref, axis) for axis in range(rank)]
        if channels is None or any(s is None for s in sizes):
            return ""
        return f"[{', '.join([channels, *(brief(s) for s in sizes if s)])}]"

    def size(self, ref: int, axis: int) -> str | None:
        if self.symbols is not None:
            symbol = self.symbols[axis] if axis < len(self.symbols) else None  # a reshape may add axes
            return shown(self.group[0].wires[ref].shape.sizes[axis], symbol or "H")
        symbol = SYMBOLS[self.group[0].shape_in.rank][axis] if axis < self.group[0].shape_in.rank else "n"
        pairs = [
            relative(t.wires[0].shape.sizes[axis], t.wires[ref].shape.sizes[axis])
            if axis < t.wires[0].shape.rank
            else None
            for t in self.group
        ]
        relations = [p for p in pairs if p is not None]
        if len(relations) < len(pairs):
            fixed = {shown(t.wires[ref].shape.sizes[axis], symbol) for t in self.group}
            text = fixed.pop()
            return text if not fixed and text.isdigit() else None
        if relations.count(relations[0]) == len(relations):
            stride, delta = relations[0]
            return shown(step(identity(), stride, delta), symbol)
        if any(delta for _, delta in relations):
            return None
        name = self.argument([stride for stride, _ in relations], axis)
        return f"ceil({symbol} / {name})" if name else None

    def argument(self, strides: list[int], axis: int) -> str | None:
        for argument in self.signature.arguments:
            values = [value for value in argument.values if isinstance(value, (int, tuple))]
            if len(values) == len(argument.values):
                own = [v[axis] if isinstance(v, tuple) and axis < len(v) else v for v in values]
                if own == strides:
                    tuples = any(isinstance(v, tuple) for v in values)
                    return f"{argument.name}[{axis}]" if tuples else argument.name
        return None


shown = lru_cache(maxsize=1024)(show)  # the comments of a network say few sizes many times


@lru_cache(maxsize=1024)
def brief(size: str) -> str:
    """`ceil(h / stride)` is `h/stride`: in comments `/` rounds up."""
    return re.sub(r"ceil\((\w+|\([^()]+\)) / ([\w\[\]]+)\)", r"\1/\2", size)


def legend(network: Network, comments: list[str]) -> str:
    """How the comments of a module are to be read; nothing where it has none."""
    if not any(comments):
        return ""
    own = [symbol for symbol in network.input.symbols if symbol]
    words = {word for comment in comments for word in re.findall(r"\b[a-z]\b", comment)}
    inner = [symbol for symbol in SYMBOLS[3] + SYMBOLS[1] if symbol in words]
    read = [f"{', '.join(own)} of the network's input"] if own else []
    read += [f"{', '.join(inner)} of a block's own"] if inner else []
    rounds = "; / rounds up" if any(re.search(r"[^/ ]/[^/ ]", comment) for comment in comments) else ""
    return f"Shapes in comments: {', '.join(read)}{rounds}." if read else ""


@lru_cache(maxsize=1024)
def relative(start: SizeFn, end: SizeFn) -> tuple[int, int] | None:
    """The stride and delta that lead from one size to another: `end = ceil((start + delta) / stride)`."""
    if not (isinstance(start, Affine) and isinstance(end, Affine)) or start.u != 1 or end.u != 1:
        return None
    if end.c % start.c or (end.D - start.D) % start.c:
        return None
    return end.c // start.c, (end.D - start.D) // start.c
