"""The text of a generated module: header, facts and seal around the lowered network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resnetc.compiler.codegen.class_arguments import open_ends
from resnetc.compiler.codegen.docstrings import network_text
from resnetc.compiler.codegen.fingerprint import Digests, digests
from resnetc.compiler.codegen.lowering import lower
from resnetc.compiler.codegen.naming import documentation, quoted
from resnetc.compiler.codegen.render import Module, list_module_globals, render
from resnetc.compiler.codegen.shape_comments import legend
from resnetc.compiler.measures.uncounted import add_uncounted
from resnetc.compiler.proof.minimum_batch import find_minimum_batches
from resnetc.compiler.sizes import SizeSet, show_set
from resnetc.version import VERSION

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.codegen.shared_texts import SharedTexts


def module_text(
    checked: CheckedNetwork, digest: str, digested: Digests | None = None, texts: SharedTexts | None = None
) -> str:
    """The generated file of a network; `digested` and `texts` are what others have in common with it."""
    network, measures, missing = checked.network, checked.measures, checked.measures.uncounted
    shape = (network.input.channels, *network.input.sizes)
    own = {end.name for end in open_ends(network)}
    title = documentation(network_text(network, own), f"The network `{network.name}`.", 0)
    title = (title[0].removesuffix('"""').rstrip(),) if len(title) == 1 else title[:-1]
    few = [sizes_text(checked, alone.axes) for alone in find_minimum_batches(network, checked.accepted)]
    several = f" Batches of two images or more at {'; '.join(few)}." if few else ""
    multiply_adds = measures.count_multiply_adds(network.input.sizes)
    facts = (
        f"Input {input_text(checked)}.{several}"
        f" {add_uncounted(f'{measures.parameters:,} parameters', missing.parameters)},"
        f" {add_uncounted(f'{multiply_adds:,} multiply-adds', missing.multiply_adds)}"
        f" at {'x'.join(map(str, shape))}.",
    )
    keys, function = digests(network, digested)
    lowered = lower(network, list_module_globals(), texts)
    unsealed = [
        f"{quoted(row.aliases)} {'is' if len(row.names) == 1 else 'are'} imported from `{row.module}`,"
        " whose code is not sealed with this file."
        for row in lowered.imports
    ]
    header = (*facts, *unsealed, *(text for text in [legend(network, lowered.comments)] if text))
    module = Module(
        title=title,
        facts=header,
        spec=checked.title,
        digest=digest,
        compiler=f"resnetc {VERSION}",
        input_shape=shape,
        lowered=lowered,
    )
    return render(module, keys, function)


def input_text(checked: CheckedNetwork) -> str:
    """`[3, H, W] for every H and every W`: the sizes that the network accepts."""
    declared = checked.network.input
    names = [s or str(n) for s, n in zip(declared.symbols, declared.sizes, strict=True)]
    shape = f"[{', '.join([str(declared.channels), *names])}]"
    sizes = sizes_text(checked, checked.accepted.axes)
    return f"{shape} for {sizes}" if sizes else shape


def sizes_text(checked: CheckedNetwork, axes: tuple[SizeSet, ...]) -> str:
    """`every H and every W`, `H >= 3, W >= 3`: a set of sizes for each open axis."""
    texts = [show_set(a, s) for s, a in zip(checked.network.input.symbols, axes, strict=True) if s is not None]
    every = all(text.startswith("every ") for text in texts)
    return (" and " if every else ", ").join(texts)
