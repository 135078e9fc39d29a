"""At which sizes torch refuses a single image, because a norm needs more than one value for its statistics.

A map of one position, normalised with one channel per group, has more than one value per group only if there are
several images. While training, the same holds for every channel of a batch norm. No other operation depends on the
number of images.
"""

from __future__ import annotations

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence, list_leaves
from resnetc.compiler.ir.paths import show_path
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.sizes import ALL, EMPTY, SizeSet, constant, equal_where
from resnetc.compiler.source import Span


@record(eq=True)
class MinimumBatch:
    """Where one image alone is refused: the accepted sizes that are in all of these sets, and the norm to blame.

    `path` is its name in the module, where it occurs first.
    """

    axes: tuple[SizeSet, ...]
    span: Span
    path: str
    norm: Leaf

    def is_satisfied(self, sizes: tuple[int, ...]) -> bool:
        return all(n in axis for n, axis in zip(sizes, self.axes, strict=True))


def find_minimum_batches(network: Network, accepted: Accepted, training: bool = False) -> tuple[MinimumBatch, ...]:
    """What refuses one image, in the order of the program; sizes that another norm refuses as well are left out."""
    out: list[MinimumBatch] = []
    if not any(is_counted(leaf, training) for leaf in list_leaves(network.root)):
        return ()
    for path, leaf in find_norms(network.root, "", training, set()):
        one = [equal_where(size, constant(1)) for size in leaf.shape_in.sizes]
        spare = one[len(accepted.axes) :]  # a reshaped map may have more axes, of fixed sizes
        if any(axis == EMPTY for axis in spare):
            continue
        one = [*one, *[ALL] * len(accepted.axes)][: len(accepted.axes)]
        axes = tuple(a & b for a, b in zip(one, accepted.axes, strict=True))
        if EMPTY not in axes and not any(is_inside(axes, other.axes) for other in out):
            out = [other for other in out if not is_inside(other.axes, axes)]
            out.append(MinimumBatch(axes, leaf.span, path, leaf))
    return tuple(out)


def is_inside(axes: tuple[SizeSet, ...], others: tuple[SizeSet, ...]) -> bool:
    return all(a - b == EMPTY for a, b in zip(axes, others, strict=True))


def is_counted(leaf: Leaf, training: bool) -> bool:
    """Whether an operation has a statistic for each channel of the images at hand."""
    match leaf.primitive.name:
        case "batch_norm":
            return training
        case "group_norm":
            return leaf.get_argument("groups") == leaf.shape_in.channels
    return leaf.primitive.name == "instance_norm"


def find_norms(module: Module, path: str, training: bool, visited: set[int]) -> list[tuple[str, Leaf]]:
    """The norms with a statistic for each channel of the images at hand, each once, with its name in the module."""
    if id(module) in visited:
        return []
    visited.add(id(module))
    match module:
        case Leaf():
            return [(path, module)] if is_counted(module, training) else []
        case Sequence(children):
            parts = list(children)
        case ExpandedBlock(_, steps):
            parts = [(show_path(path), part) for s in steps for path, part in s.stores]
    return [norm for name, child in parts for norm in find_norms(child, f"{path}.{name}".strip("."), training, visited)]
