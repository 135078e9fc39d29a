"""A checked network -> the text of its module: header, facts and seal around what `lower` made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnetc.compiler.backend.lower import lower
from resnetc.compiler.backend.naming import documentation
from resnetc.compiler.backend.render import Module, render
from resnetc.compiler.identity import digests
from resnetc.compiler.sizes import show_set
from resnetc.version import VERSION

if TYPE_CHECKING:
    from resnetc.compiler.driver import Checked


def module_text(checked: Checked, digest: str) -> str:
    """The generated file of a network."""
    network, measures = checked.network, checked.measures
    shape = (network.input.channels, *network.input.sizes)
    title = documentation(network.doc, f"The network `{network.name}`.", 0)
    opened = (title[0].removesuffix('"""').rstrip(),) if len(title) == 1 else title[:-1]
    facts = (
        f"Input {input_text(checked)}. {measures.parameters:,} parameters,"
        f" {measures.multiply_adds(network.input.sizes):,} multiply-adds at {'x'.join(map(str, shape))}.",
    )
    keys, function = digests(network)
    module = Module(opened, facts, checked.title, digest, f"resnetc {VERSION}", shape, lower(network))
    return render(module, keys, function)


def input_text(checked: Checked) -> str:
    """`[3, H, W] for every H and W`: the sizes that the network accepts."""
    declared, axes = checked.network.input, checked.accepted.axes
    names = [s or str(n) for s, n in zip(declared.symbols, declared.sizes, strict=True)]
    free = [(s, a) for s, a in zip(declared.symbols, axes, strict=True) if s is not None]
    shape = f"[{', '.join([str(declared.channels), *names])}]"
    if not free:
        return shape
    texts = [show_set(a, s) for s, a in free]
    if all(t.startswith("every ") for t in texts):
        return f"{shape} for {' and '.join(texts)}"
    return f"{shape} for {', '.join(texts)}"
