"""The modules of the user's own in a network: where they are, how one is made, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from torch import nn

from resnetc.compiler.codegen.initialization import find_leaves
from resnetc.compiler.ir.network import ExpandedBlock, Leaf
from resnetc.compiler.measures.costs import count_multiply_adds, evaluate_cost
from resnetc.runtime.model import user_classes


def user_leaves(root: ExpandedBlock) -> list[tuple[str, Leaf]]:
    """Every `extern` of a network, with the path of its module."""
    return find_leaves(root, lambda leaf, nested: leaf.external is not None)


def user_paths(root: ExpandedBlock) -> frozenset[str]:
    return frozenset(path for path, _ in user_leaves(root))


def is_inside(name: str, paths: Collection[str]) -> bool:
    """Whether a key or a module lies inside of one of the modules at these paths."""
    parts = name.split(".")
    return bool(paths) and any(".".join(parts[:end]) in paths for end in range(1, len(parts)))


def passed_arguments(leaf: Leaf) -> dict[str, object]:
    """What its class is called with: a `number` is a float, whatever it is."""
    types = {parameter.name: parameter.type for parameter in leaf.primitive.parameters}
    return {
        name: float(value) if types[name] == "number" and isinstance(value, int | Fraction) else value
        for name, value in leaf.arguments
    }


def import_class(leaf: Leaf) -> type[nn.Module]:
    """The class of an `extern`; `RunError` where there is none."""
    assert leaf.external is not None
    target = leaf.external.definition.target
    return user_classes.import_class(target.value, str(target.span))


def make_module(leaf: Leaf) -> nn.Module:
    """A module of the class of an `extern`."""
    return import_class(leaf)(**passed_arguments(leaf))


def claimed_multiply_adds(root: ExpandedBlock, sizes: tuple[int, ...]) -> int:
    """What all of them are claimed to cost for one image; what nothing is claimed of counts nothing."""
    return sum(evaluate_cost(count_multiply_adds(leaf), sizes) for _, leaf in user_leaves(root))
