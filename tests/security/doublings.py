"""Texts in which every definition has the one before it twice: what they stand for doubles with every line.

Each function writes the definitions `d0` to `d<levels>` and the model that applies the last one.
"""

from __future__ import annotations

from collections.abc import Callable

STATELESS, STATEFUL = "relu", "norm"


def model(items: str, stem: str, stages: str = "", before: str = "") -> str:
    body = (
        f"{before}  input [4, H, W] = [4, 32, 32]\n  stem = {stem}\n{stages}  head = global_avg_pool |> fc: linear(10)"
    )
    return f"edition 1\nuse std.blocks\n\n{items}\nmodel net() {{\n{body}\n}}\n"


def defined(write: Callable[[int, str], str], first: str, levels: int) -> str:
    return first + "".join(write(i, f"d{i - 1}") for i in range(1, levels + 1))


def blocks(out: str, leaf: str = STATELESS, statements: str = "") -> Callable[[int], str]:
    """Blocks in blocks; `{0}` is the one before."""

    def write(levels: int) -> str:
        first = f"block d0() {{ out = in |> {leaf} }}\n"

        def made(i: int, last: str) -> str:
            return f"block d{i}() {{ {statements.format(last)}out = {out.format(last)} }}\n"

        return model(defined(made, first, levels), f"d{levels}")

    return write


def policies(case: str, leaf: str = STATELESS, body: str = "") -> Callable[[int], str]:
    def write(levels: int) -> str:
        first = f"policy d0() {{ otherwise => {leaf} }}\n"

        def made(i: int, last: str) -> str:
            return f"policy d{i}() {{ {body.format(last)}{case.format(last)} }}\n"

        return model(defined(made, first, levels), f"d{levels}")

    return write


def slots(default: str, attribute: str, leaf: str = STATELESS) -> Callable[[int], str]:
    def write(levels: int) -> str:
        first = f'slot d0() "{attribute}" = {leaf}\n'

        def made(i: int, last: str) -> str:
            return f'slot d{i}() "{attribute}" = {default.format(last)}\n'

        return model(defined(made, first, levels), f"d{levels}")

    return write


def in_stages(blocks_of: str) -> Callable[[int], str]:
    """Blocks in blocks, in a stage."""

    def write(levels: int) -> str:
        items = defined(lambda i, last: f"block d{i}() {{ out = in |> {last} |> {last} }}\n",
                        "block d0() { out = in |> conv(4, kernel=3) |> norm }\n", levels)  # fmt: skip
        return model(items, "identity", f"  stage layer1 = {blocks_of.format(f'd{levels}')}\n")

    return write


def bound(levels: int) -> str:
    """A slot that every block binds to two of what it was."""
    items = defined(lambda i, last: f"block d{i}() {{ set act = act |> act  out = in |> {last} }}\n",
                    "block d0() { out = in |> act }\n", levels)  # fmt: skip
    return model(items, f"d{levels}")


def given(levels: int) -> str:
    """A layer that every block hands to two others."""
    items = defined(lambda i, last: f"block d{i}(f: layer = relu) {{ out = in |> {last}(f=f) |> {last}(f=f) }}\n",
                    "block d0(f: layer = relu) { out = in |> f }\n", levels)  # fmt: skip
    return model(items, f"d{levels}")


def defaults(levels: int) -> str:
    """A block whose default is the block before, applied twice."""
    items = defined(lambda i, last: f"block d{i}(f: layer = {last}) {{ out = in |> f |> f }}\n",
                    "block d0() { out = in |> relu }\n", levels)  # fmt: skip
    return model(items, f"d{levels}")


KINDS: dict[str, Callable[[int], str]] = {
    "blocks": blocks("in |> {0} |> {0}"),
    "blocks with keys": blocks("in |> {0} |> {0}", STATEFUL),
    "blocks that pad": blocks("in |> {0} |> {0}", "conv(in.channels, kernel=3) |> norm |> act"),
    "labelled blocks": blocks("in |> a: {0} |> b: {0}"),
    "labelled blocks with keys": blocks("in |> a: {0} |> b: {0}", STATEFUL),
    "blocks below a path": blocks("in |> a.b: {0} |> a.c: {0}", STATEFUL),
    "one block used twice": blocks("y + (in |> {0})", STATEFUL, "let y = in |> {0} "),
    "sums of blocks": blocks("(in |> {0}) + (in |> {0})"),
    "sums of blocks with keys": blocks("(in |> {0}) + (in |> {0})", STATEFUL),
    "gates of blocks": blocks("(in |> {0}) * (in |> sigmoid |> {0})"),
    "lists of blocks": blocks("[in |> {0}, in |> {0}] |> sum"),
    "blocks in a loop": blocks("y |> sum", STATEFUL, "each i in range(2) {{ let y[i] = in |> xs[i]: {0} }} "),
    "blocks in a chain": blocks("in |> a: ({0} |> {0})", STATEFUL),
    "blocks in a chain with labels": blocks("in |> a: (b: {0} |> c: {0})", STATEFUL),
    "ten blocks in each": blocks("in" + " |> {0}" * 10, STATEFUL),
    "blocks that are left out": blocks("in |> relu", STATELESS, "let y = in |> {0} |> {0} "),
    "blocks for two shapes": blocks("(in |> {0}) + (in |> conv(in.channels, kernel=1) |> {0})", STATEFUL),
    "policies": policies("otherwise => {0} |> {0}"),
    "policies with keys": policies("otherwise => {0} |> {0}", STATEFUL),
    "labelled policies": policies("otherwise => a: {0} |> b: {0}", STATEFUL),
    "policies that add": policies("otherwise => (in |> {0}) + (in |> {0})"),
    "policies that add with keys": policies("otherwise => (in |> {0}) + (in |> {0})", STATEFUL),
    "policies that ask": policies("when (in |> {0}) == none => {0}  otherwise => {0}", "none"),
    "policies that name": policies("otherwise => y + z", "none", "let y = in |> {0} let z = in |> {0} "),
    "policies that add nothing": policies("otherwise => (in |> {0}) + (in |> {0})", "none"),
    "policies that do nothing": policies("otherwise => {0} |> {0}", "identity"),
    "open slots": slots("{0} |> {0}", ""),
    "open slots with keys": slots("{0} |> {0}", "", STATEFUL),
    "open slots that are absent": slots("{0} |> {0}", "", "none"),
    "slots": slots("{0} |> {0}", "s#", STATEFUL),
    "a slot bound to itself": bound,
    "a layer given on": given,
    "defaults": defaults,
    "blocks in a stage": in_stages("2 of {0}"),
    "chains in a stage": in_stages("2 of ({0} |> {0})"),
    "groups in a stage": in_stages("1 of {0}, 3 of (a: {0} |> {0}), each w in [1, 2] of {0}"),
}
