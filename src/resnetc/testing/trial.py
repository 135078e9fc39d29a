"""The networks of a spec with their accepted sizes, also those that are rejected for their sizes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from resnetc.api import Compiled
from resnetc.compiler import names
from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.codegen.module import module_text
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Sink
from resnetc.compiler.evaluation.evaluator import AlreadyReported
from resnetc.compiler.expansion.application import make_tensor_evaluator
from resnetc.compiler.expansion.expander import expand
from resnetc.compiler.expansion.instances import list_requests
from resnetc.compiler.expansion.request import Origin
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.loader.loader import Loader, SpecFile, compute_digest
from resnetc.compiler.measures.summary import Measures, measure
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.proof.prove import prove
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax


@record
class Trial:
    """A network with the sizes it accepts, its figures and its module's text; `refusals` are the errors about its
    sizes.

    `text` is that of the spec.
    """

    network: Network
    accepted: Accepted
    measures: Measures
    source: str
    refusals: tuple[Diagnostic, ...]
    text: str
    origin: Origin

    def __repr__(self) -> str:
        refused = ", rejected for its sizes" if self.refusals else ""
        return f"<resnetc.testing.Trial {self.network.name}: {self.measures.parameters:,} parameters{refused}>"

    def accepts(self, sizes: tuple[int, ...]) -> bool:
        """Whether the network accepts an input of these sizes, whatever the spec promises."""
        return all(n in axis for n, axis in zip(sizes, self.accepted.axes, strict=True))


class SpecRefused(Exception):
    """Raised if a text has errors before any size is looked at; `diagnostics` are the errors."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics


@lru_cache(maxsize=1)
def library() -> Loader:
    """A loader that keeps the files of `std` it has read; a text of its own is linked, not kept."""
    return Loader(Sink())


def trials(text: str, name: str = "spec.resnet") -> list[Trial]:
    """The networks of a text. Raises `SpecRefused` for errors that are not about sizes."""
    loader = library()
    loader.sink = sink = Sink()
    spec = loader.link(Source(name, text), None)
    bad: dict[SpecFile, frozenset[str]] = {}
    for file in reversed(spec.list_used_files()):
        bad[file] = names.check(file, loader.prelude, sink, bad)
    files = {id(file): file for file in (*spec.list_used_files(), loader.prelude)}
    homes = {i: file for file in files.values() for i in file.tree.items if isinstance(i, syntax.Slot)}
    out = []
    try:
        if not sink.failed:
            for request in list_requests(spec, [], make_tensor_evaluator(loader.prelude, homes), loader.prelude):
                network = expand(request, loader.prelude, homes)
                accepted, refusals = prove(network)
                measures = measure(network)
                origin = Origin(request, loader.prelude, homes)
                checked = CheckedNetwork(
                    network, accepted, measures=measures, spec=spec, title=name, folder=Path(), origin=origin
                )
                source = module_text(checked, compute_digest(spec.list_used_files()))
                out.append(
                    Trial(
                        network,
                        accepted,
                        measures=measures,
                        source=source,
                        refusals=tuple(refusals),
                        text=text,
                        origin=origin,
                    )
                )
    except Fault as fault:
        sink.add(fault.diagnostic)
    except AlreadyReported:
        pass
    if sink.failed:
        raise SpecRefused(tuple(sink.diagnostics))
    return out


def origin_of(compiled: Compiled | Trial) -> Origin:
    """What a network was expanded from."""
    return compiled.checked.origin if isinstance(compiled, Compiled) else compiled.origin


class CompiledParts(NamedTuple):
    """What a compiled network and a trial both have; source: the text of the module."""

    network: Network
    accepted: Accepted
    measures: Measures
    source: str


def parts(compiled: Compiled | Trial) -> CompiledParts:
    checked = compiled.checked if isinstance(compiled, Compiled) else compiled
    return CompiledParts(compiled.network, checked.accepted, checked.measures, compiled.source)
