"""The accepted sizes of a network, with the reason for each limit, and those among them that its input promises."""

from __future__ import annotations

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Condition, Network
from resnetc.compiler.proof.constraints import Place
from resnetc.compiler.sizes import SizeSet


@record
class Reason:
    """A condition that shrank the set of accepted sizes of an axis of the input."""

    axis: int
    condition: Condition
    before: SizeSet
    after: SizeSet
    place: Place


# Sizes are accepted axis by axis, as a product of sets: no operation of the language mixes the sizes of two axes, so
# each constraint is about one axis of the input, and the accepted sizes are the intersection of what the constraints
# leave. The set is exact (a head and residues of a period), for a message that names a wrong size is worse than none.
# It does not depend on what the input promises: that is compared afterwards, so that a `when` can be suggested from
# it. Every constraint that shrinks a set is kept as a reason, in the order of the program: the first that refuses a
# size is the one to blame, for later ones see a map that should not exist.


@record
class Accepted:
    """The sizes of each axis that a network takes, whatever it declares; a fixed axis takes its number only."""

    axes: tuple[SizeSet, ...]
    reasons: tuple[Reason, ...]


def get_declared_sizes(network: Network, axis: int) -> SizeSet | None:
    """The sizes behind `when`; None where nothing is said of an axis, and every size from the least on is meant."""
    whole = None
    for condition in network.input.conditions:
        if condition.axis == axis:
            whole = condition.sizes if whole is None else whole & condition.sizes
    return whole


def intersect_with_declared(network: Network, accepted: Accepted, axis: int) -> SizeSet:
    """The accepted sizes that the input allows."""
    said = get_declared_sizes(network, axis)
    return accepted.axes[axis] if said is None else accepted.axes[axis] & said


def find_nearest_accepted(network: Network, accepted: Accepted) -> tuple[int, ...]:
    """The accepted sizes nearest to the declared ones."""
    pairs = zip(accepted.axes, network.input.sizes, strict=True)
    return tuple(sizes.nearest(size) or size for sizes, size in pairs)
