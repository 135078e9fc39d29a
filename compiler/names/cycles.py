"""Finds cycles in a graph of names, without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Circles that have no name in common; at least one where there is any."""
    out: list[list[str]] = []
    done: set[str] = set()
    taken: set[str] = set()  # names of circles that were found
    for root in graph:
        way = [] if root in done else [root]
        places = {name: i for i, name in enumerate(way)}
        open_ends = [iter(graph[root])]
        while way:
            name = next(open_ends[-1], None)
            if name is None:
                open_ends.pop()
                done.add(way[-1])
                del places[way.pop()]
            elif name in places:
                cycle = way[places[name] :]
                if taken.isdisjoint(cycle):
                    out.append(cycle)
                    taken.update(cycle)
            elif name not in done:
                places[name] = len(way)
                way.append(name)
                open_ends.append(iter(graph.get(name, ())))
    return out


def find_ancestors(ends: Iterable[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
    """The names from which the graph leads to one of `ends`, these included."""
    back: dict[str, list[str]] = {}
    for name, others in graph.items():
        for other in others:
            back.setdefault(other, []).append(name)
    out = set(ends)
    pending = list(out)
    while pending:
        fresh = [name for name in back.get(pending.pop(), ()) if name not in out]
        out.update(fresh)
        pending += fresh
    return out
