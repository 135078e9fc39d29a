"""The strategy for input sizes: in the accepted sets of a network, on their boundaries, and just outside."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.proof.prove import prove
from resnetc.compiler.sizes import SizeSet

MAX_SIZES = {1: 96, 2: 40, 3: 14}  # of an axis, by the number of axes: what still runs in a few milliseconds


def input_sizes(
    network: Network, accepted: Accepted | None = None, largest: int | None = None
) -> st.SearchStrategy[tuple[int, ...]]:
    """Sizes for the axes of a network's input, up to `largest` each: most on or next to a boundary of the accepted set.

    An axis whose size the model fixes keeps it. `accepted` saves the derivation where it is known.
    """
    if not isinstance(network, Network):
        raise TypeError(f"input_sizes: sizes are drawn for a `.network`, not for a {type(network).__name__}")
    return st.one_of(
        *(st.tuples(*map(st.sampled_from, axes)) for axes in size_choices(network, accepted, largest).rows)
    )


@record(eq=True)
class Choices:
    """Sizes to choose from, a list for each axis: rows of those that fit, and rows in which one axis does not."""

    rows: list[list[list[int]]]

    def pick(self, random: Random) -> tuple[int, ...]:
        """Sizes drawn without Hypothesis."""
        return tuple(map(random.choice, random.choice(self.rows)))


def size_choices(network: Network, accepted: Accepted | None = None, largest: int | None = None) -> Choices:
    """What `input_sizes` draws from."""
    sizes_accepted = accepted or prove(network)[0]
    most = largest or MAX_SIZES[len(network.input.sizes)]
    inside, outside = [], []
    for axis, symbol, size in zip(sizes_accepted.axes, network.input.symbols, network.input.sizes, strict=True):
        within, beyond = edges(axis, most) if symbol else ([size], [])
        inside.append(within or beyond)
        outside.append(beyond)
    fails = [[*inside[:i], beyond, *inside[i + 1 :]] for i, beyond in enumerate(outside) if beyond]
    return Choices([inside, *[inside] * (len(fails) - 1), *fails])  # half of what is drawn fits


def edges(accepted: SizeSet, most: int) -> tuple[list[int], list[int]]:
    """Sizes inside and outside of a set: those beside a change come first and twice."""
    first = accepted.min
    if first is not None and most < first <= 4 * most:
        most = first + 1
    flags = {n: n in accepted for n in range(1, most + 2)}
    changes = [n for n in range(1, most + 1) if flags[n] != flags[n + 1]]
    beside = list(dict.fromkeys(m for n in changes for m in (n, n + 1)))
    every = [*beside, *beside, *range(1, most + 1)]
    return [n for n in every if flags[n]], [n for n in every if not flags[n]]
