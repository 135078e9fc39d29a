"""Digests of a network, one of its keys and one of the function it computes; `compile --check` compares them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import TypeAlias

from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.ir.network import ExpandedBlock, External, Leaf, Module, Network, Sequence
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.grammar.primitives import Primitive

Digests: TypeAlias = "dict[object, tuple[str, str]]"
"""Of modules, which are told apart by identity, and of equal leaves."""


def digests(network: Network, digested: Digests | None = None) -> tuple[str, str]:
    """`(keys, function)`, 16 hexadecimal digits each.

    Equal blocks are digested once, and with the digests of other networks those of all of them.
    """
    return module_digests(network.root, {} if digested is None else digested)


def module_digests(module: Module, memo: Digests) -> tuple[str, str]:
    by = module.interning_key or module if isinstance(module, Leaf) else module
    if by in memo:
        return memo[by]
    match module:
        case Leaf(primitive, arguments):
            channels = [s.channels for s in module.inputs]
            if module.external is not None:
                out = external_digests(module, module.external)
                memo[by] = out
                return out
            initial, silent = unmentioned(primitive)
            runs = [(n, v) for n, v in arguments if n not in initial and (n not in silent or v != silent[n])]
            shape = ";".join(f"{n}={describe(v) if v is not None else ''}" for n, v in runs)
            keeps = module.extent.keeps_state
            state = f"{primitive.state}:{channels}:{stored(module)}" if keeps else ""
            out = (short(state) if state else "", short(f"{primitive.name}({shape}){channels}"))
        case Sequence(children):
            parts = [(key, *module_digests(child, memo)) for key, child in children]
            contents = "".join(f"{k}={a}," for k, a, _ in parts if a)
            out = (short(contents) if contents else "", short("".join(f"{b}," for _, _, b in parts)))
        case ExpandedBlock(_, steps, _, output, order):
            keys: dict[Path, str] = {}
            lines = []
            for s in steps:
                if isinstance(s.operation, str):
                    lines.append(s.operation + show_wires(s.inputs, s.outputs))
                    continue
                own, does = module_digests(s.operation, memo)
                lines.append(does + show_wires(s.inputs, s.outputs))
                if s.members:
                    keys |= {path: module_digests(part, memo)[0] for path, part in s.stores}
                elif s.path:
                    keys[s.path] = own
            stores = [f"{show_path(p)}={keys[p]}" for p in order if keys.get(p)]
            out = (short(",".join(stores)) if stores else "", short(f"{lines}{output}"))
    memo[by] = out
    return out


@lru_cache(maxsize=1024)  # most steps read the value before them
def show_wires(inputs: tuple[int, ...], outputs: tuple[int, ...]) -> str:
    return f"{inputs}{outputs}"


@lru_cache(maxsize=256)
def unmentioned(primitive: Primitive) -> tuple[Set[str], Mapping[str, object]]:
    """The parameters that no digest of a function mentions: at all, and with these values."""
    parameters = primitive.parameters
    return {p.name for p in parameters if p.initial}, {p.name: p.default for p in parameters if p.added}


def external_digests(leaf: Leaf, external: External) -> tuple[str, str]:
    """Of a class of the user's own: its import name and what it is called with. Its code is not part of it."""
    passed = ";".join(f"{name}={describe(value)}" for name, value in leaf.arguments)
    text = f"extern {external.module}:{external.name}({passed}){leaf.shape_in.channels}"
    return short(f"keys of {text}"), short(text)


FLAGS = (("scaled", True), ("affine", False), ("shared", True))  # arguments with which other keys are stored


def stored(leaf: Leaf) -> str:
    """What of a primitive's arguments shows in the shapes of its state."""
    if leaf.is_parameter:
        return describe(leaf.get_integers("shape"))
    arguments = leaf.by_name
    names = ("channels", "features", "kernel", "groups", "bias") if leaf.primitive.state in ("conv", "linear") else ()
    flags = [f"{n}={describe(v)}" for n, v in FLAGS if n in arguments and arguments[n] is v]
    return ";".join([*(describe(arguments[n]) for n in names if n in arguments), *flags])


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
