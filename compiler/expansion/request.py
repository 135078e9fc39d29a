"""A request for a network: its model, the arguments, and the slots bound by `--set`."""

from __future__ import annotations

from collections.abc import Mapping

from resnetc.compiler.evaluation.values import Bound, ModelValue, Value
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax


@record
class Request:
    """A network to be made: its name, its model with arguments, and what `--set` seals."""

    name: str
    item: str  # the model or instance it comes from
    model: ModelValue
    arguments: dict[str, tuple[Value, Span]]
    seals: tuple[Bound, ...] = ()

    @property
    def arguments_span(self) -> Span | None:
        """Where the arguments of the model came from."""
        spans = [span for _, span in self.arguments.values()]
        if spans:
            return spans[0]
        return self.model.span if self.model.instances or self.model.arguments else None


@record
class Origin:
    """What a network is expanded from: its request, the prelude, the file of every slot."""

    request: Request
    prelude: SpecFile
    homes: Mapping[syntax.Slot, SpecFile]
