"""Circles in a graph of names, without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Circles that have no name in common; at least one where there is any."""
    done: set[str] = set()
    out: list[list[str]] = []
    for root in graph:
        path: dict[str, list[str]] = {}  # the names on the way from the root, each with those still to be followed
        if root not in done:
            path[root] = followed(graph, root)
        while path:
            name, others = next(reversed(path.items()))
            if not others:
                del path[name]
                done.add(name)
                continue
            other = others.pop()
            if other in path:
                way = list(path)
                found = way[way.index(other) :]
                if not any(set(found) & set(known) for known in out):
                    out.append(found)
            elif other not in done:
                path[other] = followed(graph, other)
    return out


def followed(graph: Mapping[str, Iterable[str]], name: str) -> list[str]:
    return list(reversed(list(graph.get(name, ()))))


def leading_to(ends: Iterable[str], graph: Mapping[str, Iterable[str]]) -> set[str]:
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
