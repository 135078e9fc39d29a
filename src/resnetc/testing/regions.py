"""Draws inputs inside the region that a claim is about: its condition, or the sizes it asks about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, zip_longest
from random import Random

from resnetc.api import Compiled
from resnetc.compiler.claims.checker import ClaimChecker
from resnetc.compiler.claims.contract import Contract
from resnetc.compiler.claims.facts import collect_facts, list_open_sizes
from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.ir.network import Network
from resnetc.compiler.sizes import ALL, SizeSet, SizesTooIrregular
from resnetc.compiler.symbolic.counterexamples import Undecided
from resnetc.compiler.symbolic.polynomials import Point
from resnetc.compiler.symbolic.predicates import Region, intersect_regions
from resnetc.testing.inputs import Sizes, edges

MAX_DISTANCE = 64  # beside an edge: how far further sizes are drawn
DRAWS = 8


def regions(contract: Contract, compiled: Compiled, evaluator: Evaluator) -> list[Region]:
    """What a proved claim speaks of besides all that is promised; none where it does not say so itself."""
    checked, expect, network = compiled.checked, contract.expect, compiled.network
    own = collect_facts(network.name, network, checked.accepted, checked.measures, list_open_sizes(network))
    claims = ClaimChecker(own, evaluator)
    about = claims.claimed_sizes
    try:
        claims.check(expect, contract.frame)
        inside = list(intersect_regions(about.questioned, about.condition, expect.claim.span))
    except (Fault, SizesTooIrregular, Undecided):
        return []
    if not inside and any(region.sets or region.atoms for region in about.condition):
        inside = [region.restrict(about.within) for region in about.condition]
    return [region for region in inside if not region.is_void]


def sizes_inside(regions: list[Region], network: Network, least: Sizes, count: int) -> list[Sizes]:
    """Up to `count` sizes of some regions, of each in turn; `least` where a region says nothing of an axis."""
    turns = zip_longest(*(points(region, network, least) for region in regions))
    inside = dict.fromkeys(sizes for sizes in chain.from_iterable(turns) if sizes is not None)
    return list(inside)[:count]


def points(region: Region, network: Network, least: Sizes) -> Iterator[Sizes]:
    """Sizes of a region: the least, the nearest to the declared, those on its edges, and drawn ones, by turns."""
    declared, draw = network.input, Random(network.name)
    try:
        ends = [region.find_smallest(), region.find_nearest(declared.sizes)]
    except Undecided:
        return
    anchors = [filled(point, least) for point in ends if point is not None]
    sets = [region.sets.get(axis, ALL) for axis in range(len(least))]
    at_edges = [
        (*anchor[:axis], n, *anchor[axis + 1 :])
        for axis, symbol in enumerate(declared.symbols)
        for n in (bounds(sets[axis], declared.sizes[axis]) if symbol else ())
        for anchor in anchors
    ]
    drawn = [
        tuple(
            (sizes.next_from(n + draw.randint(1, MAX_DISTANCE)) or n) if symbol else n
            for n, sizes, symbol in zip(anchor, sets, declared.symbols, strict=True)
        )
        for _ in range(DRAWS)
        for anchor in anchors
    ]
    for sizes in chain(anchors, *zip_longest(at_edges, drawn)):
        if sizes is not None and holds(region, sizes):
            yield sizes


def bounds(sizes: SizeSet, declared: int) -> list[int]:
    """The largest size of a set, where there is one, and those on its edges."""
    return [n for n in (sizes.max, *edges(sizes, declared)) if n is not None and n in sizes]


def filled(point: Point, least: Sizes) -> Sizes:
    return tuple(point.get(axis, n) for axis, n in enumerate(least))


def holds(region: Region, sizes: Sizes) -> bool:
    point = dict(enumerate(sizes))
    inside = all(point[axis] in allowed for axis, allowed in region.sets.items())
    return inside and all(atom.is_satisfied(atom.p.at(point)) for atom in region.atoms)
