"""The Python API: `compile` a spec to source, `load` it as a module of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetc.compiler import report
from resnetc.compiler.diagnostics import Diagnostic
from resnetc.compiler.driver import Checked, Session, UsageError
from resnetc.compiler.ir import Network

if TYPE_CHECKING:
    from torch import nn


class CompileError(Exception):
    """A spec does not compile; `diagnostics` are its faults, the text of the exception what the command prints."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n" + report.human(diagnostics, False).rstrip())
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A compiled network: the `source` of its module, the expanded `network`, and warnings as `diagnostics`."""

    source: str
    network: Network
    diagnostics: tuple[Diagnostic, ...]
    checked: Checked

    def __repr__(self) -> str:
        return f"<resnetc.Compiled {self.network.name}: {self.checked.measures.parameters:,} parameters>"

    def summary(self) -> str:
        """The table that `resnetc show` prints, as plain text."""
        from resnetc.show import text

        return text(self.checked, color=False)


def compile(spec: str, *, model: str | None = None, **settings: Any) -> Compiled:
    """Compiles one network of a spec: a shipped name, or a path.

    Keywords set parameters and slots as `--set` does: numbers and flags as they are, a slot as an expression of the
    language in a string (`shortcut="none"`). Raises `CompileError` where the spec is at fault, `ValueError` where the
    call is: an unknown name, or more than one network.
    """
    session = Session()
    session.add(spec)
    try:
        found = session.networks(model, [(name, _text(value)) for name, value in settings.items()])
    except UsageError as error:
        raise ValueError(str(error)) from None
    if session.sink.failed:
        raise CompileError(tuple(session.sink.diagnostics))
    if len(found) != 1:
        names = ", ".join(c.network.name for c in found) or "none"
        raise ValueError(
            f"`{spec}` stands for {len(found)} networks ({names}): choose one with `model=` or a parameter"
        )
    return Compiled(session.render(found[0]), found[0].network, tuple(session.sink.diagnostics), found[0])


def load(spec: str, *, model: str | None = None, **settings: Any) -> nn.Module:
    """A network of a spec as a `torch.nn.Module` with initial weights; see `compile` for the arguments."""
    compiled = compile(spec, model=model, **settings)
    from resnetc.runtime import module

    return module.build(compiled.source, Path(f"{compiled.network.name}.py"))


def _text(value: Any) -> str:
    """A Python value as an expression of the language."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_text(v) for v in value)}]"
    if isinstance(value, float):
        return repr(value)
    return str(value)
