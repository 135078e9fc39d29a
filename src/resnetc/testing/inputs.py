"""Chooses the inputs to try: sizes on and beside every boundary of the accepted sizes, others, and several batch
sizes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from random import Random

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.measures.summary import Measures
from resnetc.compiler.proof.accepted_sizes import Accepted, intersect_with_declared
from resnetc.compiler.sizes import SizeSet

Sizes = tuple[int, ...]

BATCHES = (2, 1, 3)
MAX_EDGES = 20  # of one axis: where a set repeats without end, its beginning and what surrounds the declared size
DRAWN = {1: 96, 2: 64, 3: 20}  # the largest drawn size, by the number of axes
REAL_WORK = 2_000_000_000  # multiply-adds of a batch that is still run on real tensors
REAL_PLACES = 2_000_000  # positions in its images
REAL_WEIGHTS = 100_000_000  # parameters of a network that is
QUICK_WORK, QUICK_PLACES = 50_000_000, 200_000  # of what takes a few milliseconds


@record(eq=True)
class Example:
    """One input: the sizes of its axes, how many images, and the device it is run on (`cpu` or `meta`)."""

    sizes: Sizes
    batch: int
    device: str = "cpu"

    def __str__(self) -> str:
        return "x".join(map(str, self.sizes))

    def within(self, axes: Sequence[SizeSet]) -> bool:
        """Whether every size is in its axis's set."""
        return all(n in axis for n, axis in zip(self.sizes, axes, strict=True))


def examples(network: Network, accepted: Accepted, measures: Measures, count: int, batch: int = 0) -> list[Example]:
    """Inputs at all edges, and drawn ones until there are `count`; the same for the same network.

    The least accepted size and the declared one come with every batch of `BATCHES`, the others with one of them in
    turn; all with `batch` where it is given.
    """
    least, *others = sizes = sizes_to_try(network, accepted, count)
    whole = [(n, b) for n in dict.fromkeys((least, network.input.sizes)) for b in BATCHES]
    turns = [(n, BATCHES[i % len(BATCHES)]) for i, n in enumerate(others) if n != network.input.sizes]
    pairs = [(n, batch) for n in sizes] if batch else [*whole, *turns]
    return [Example(n, images, device_for(measures, n, images)) for n, images in pairs]


def examples_at(sizes: Sizes, measures: Measures, batch: int = 0) -> list[Example]:
    """One size, with every batch or the one that is given."""
    return [Example(sizes, b, device_for(measures, sizes, b)) for b in ((batch,) if batch else BATCHES)]


def sizes_to_try(network: Network, accepted: Accepted, count: int) -> list[Sizes]:
    """The least accepted sizes, those at the edges, the declared ones, and drawn ones until there are `count`."""
    tried_sizes = dict.fromkeys(edge_sizes(network, accepted))
    draw, most = Random(network.name), DRAWN[len(network.input.sizes)]
    spans = []
    for symbol, axis, size in zip(network.input.symbols, accepted.axes, network.input.sizes, strict=True):
        low = max((axis.min or 1) - 2, 1)
        spans.append((low, low + most) if symbol else (size, size))
    for _ in range(4 * count):  # a short axis has no more
        if len(tried_sizes) >= count:
            break
        tried_sizes[tuple(draw.randint(*span) for span in spans)] = None
    return list(tried_sizes)


def edge_sizes(network: Network, accepted: Accepted) -> list[Sizes]:
    """Sizes of which one axis is on or next to a boundary while the others fit, or all open axes are at once."""
    declared = network.input
    least = tuple(
        intersect_with_declared(network, accepted, axis).min or size for axis, size in enumerate(declared.sizes)
    )
    tried_sizes = {least: None}
    for axis, symbol in enumerate(declared.symbols):
        for n in edges(accepted.axes[axis], declared.sizes[axis]) if symbol else ():
            tried_sizes[(*least[:axis], n, *least[axis + 1 :])] = None
            tried_sizes[tuple(n if s else size for s, size in zip(declared.symbols, declared.sizes, strict=True))] = (
                None
            )
    tried_sizes[declared.sizes] = None
    return list(tried_sizes)


def edges(accepted: SizeSet, declared: int) -> list[int]:
    """Sizes on both sides of every edge of a set, to the end of its second period, and of those round a size."""
    outside, sizes = ~accepted, [1]
    sides = (outside, accepted) if 1 in accepted else (accepted, outside)
    change = sides[0].next_from(1)
    while len(sizes) < MAX_EDGES and change and change <= accepted.onset + 2 * accepted.period:
        sizes += [change - 1, change]
        sides = sides[::-1]
        change = sides[0].next_from(change)
    for near in (outside.last_to(declared), outside.next_from(declared)):
        if near is not None:
            sizes += [near, near + (1 if near < declared else -1)]
    return [n for n in dict.fromkeys(sizes) if n >= 1]


def device_for(measures: Measures, sizes: Sizes, batch: int) -> str:
    """`cpu` where it is quick and there is memory for the weights, else `meta`: shapes without numbers.

    A class of the user's own is run on the CPU: nothing says that it can be run without numbers.
    """
    if measures.uncounted.activation_bytes:
        return "cpu"
    work, places = (batch * n for n in (measures.count_all_multiply_adds(sizes), prod(sizes)))
    light = work <= REAL_WORK and places <= REAL_PLACES and measures.parameters <= REAL_WEIGHTS
    return "cpu" if light else "meta"


def quick_device_for(measures: Measures, sizes: Sizes, batch: int) -> str:
    """The same for inputs of which there may be many: numbers only where they take a few milliseconds."""
    work, places = (batch * n for n in (measures.count_all_multiply_adds(sizes), prod(sizes)))
    quick = work <= QUICK_WORK and places <= QUICK_PLACES
    return device_for(measures, sizes, batch) if quick or measures.uncounted.activation_bytes else "meta"
