"""Which inputs torch takes in batches only: a group norm wants more than one value for each of its statistics.

A map of one position, normalised with one channel in each group, has that only where there are several images. No other
operation looks at the number of images in evaluation mode; while training a batch norm does the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnetc.compiler.accepted import Accepted
from resnetc.compiler.ir import Leaf, Module, Network, Sequence, Template
from resnetc.compiler.sizes import ALL, EMPTY, SizeSet, constant, equal_where
from resnetc.compiler.source import Span


@dataclass(frozen=True, slots=True)
class Alone:
    """Where one image alone is refused: the accepted sizes that are in all of these sets, and the norm to blame."""

    axes: tuple[SizeSet, ...]
    span: Span

    def holds(self, sizes: tuple[int, ...]) -> bool:
        return all(n in axis for n, axis in zip(sizes, self.axes, strict=True))


def refused_alone(network: Network, accepted: Accepted) -> tuple[Alone, ...]:
    """What refuses one image, in the order of the program; sizes that another norm refuses as well are left out."""
    out: list[Alone] = []
    for leaf in norms(network.root, set()):
        one = [equal_where(size, constant(1)) for size in leaf.shape_in.sizes]
        spare = one[len(accepted.axes) :]  # a reshaped map may have more axes, of fixed sizes
        if any(axis == EMPTY for axis in spare):
            continue
        one = [*one, *[ALL] * len(accepted.axes)][: len(accepted.axes)]
        axes = tuple(a & b for a, b in zip(one, accepted.axes, strict=True))
        if EMPTY not in axes and not any(inside(axes, other.axes) for other in out):
            out = [other for other in out if not inside(other.axes, axes)]
            out.append(Alone(axes, leaf.span))
    return tuple(out)


def inside(axes: tuple[SizeSet, ...], others: tuple[SizeSet, ...]) -> bool:
    return all(a - b == EMPTY for a, b in zip(axes, others, strict=True))


def norms(module: Module, seen: set[int]) -> list[Leaf]:
    """The group norms of one channel a group, each once."""
    if id(module) in seen:
        return []
    seen.add(id(module))
    match module:
        case Leaf(primitive):
            single = primitive.name == "group_norm" and module.argument("groups") == module.shape_in.channels
            return [module] if single else []
        case Sequence(children):
            parts = [child for _, child in children]
        case Template(_, steps):
            parts = [step.operation for step in steps if not isinstance(step.operation, str)]
    return [leaf for child in parts for leaf in norms(child, seen)]
