"""The Python API: `compile` a spec to source, `load` it as a torch module, or `open_run` a trained one."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics import render
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.driver.session import Session, UsageError
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network

if TYPE_CHECKING:
    from torch import nn

    from resnetc.runtime.inference.trained_run import TrainedRun


class CompileError(Exception):
    """Raised if a spec does not compile: `diagnostics` are its errors, the exception's text is what the command
    prints."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n" + render.format_for_people(diagnostics, False).rstrip())
        self.diagnostics = diagnostics


@record
class Compiled:
    """A compiled network: the `source` of its module, the expanded `network`, and warnings as `diagnostics`."""

    source: str
    network: Network
    diagnostics: tuple[Diagnostic, ...]
    checked: CheckedNetwork

    def __repr__(self) -> str:
        from resnetc.compiler.measures.uncounted import add_uncounted

        measures = self.checked.measures
        parameters = add_uncounted(f"{measures.parameters:,} parameters", measures.uncounted.parameters)
        return f"<resnetc.Compiled {self.network.name}: {parameters}>"

    def summary(self) -> str:
        """The table that `resnetc show` prints, as plain text."""
        from resnetc.views.tables import text

        return text(self.checked, color=False)


def compile(
    spec: str | os.PathLike[str] | None = None, *, text: str | None = None, model: str | None = None, **settings: Any
) -> Compiled:
    """Compile one network of a spec: a shipped name, a path, or the spec itself as `text`.

    Keywords set parameters and slots, like `--set`: numbers and booleans as they are, a slot as an expression of the
    language in a string (`shortcut="none"`). Raises `CompileError` if the spec is at fault, and `ValueError` if the
    call is: an unknown name, or more than one network.
    """
    session = Session()
    if text is None:
        session.add(_named(spec))
    elif spec is not None:
        raise ValueError("pass a spec or a `text=`, not both")
    elif isinstance(text, str):
        session.add_text(text)
    else:
        raise ValueError(f"`text=` is the text of a spec, a string, not {_kind(text)}")
    try:
        session.require_settings(settings, model)  # a wrong name is told before a wrong value of it
        networks = session.compile_networks(
            model, [(name, _expression(name, value)) for name, value in settings.items()]
        )
    except UsageError as error:
        raise ValueError(str(error)) from None
    if session.sink.failed:
        raise CompileError(tuple(session.sink.diagnostics))
    if len(networks) != 1:
        names = ", ".join(c.network.name for c in networks)
        what = f"`{spec}`" if text is None else "the text"
        if not networks:
            raise ValueError(f"{what} has no network: it needs a `model` with a value for every parameter")
        raise ValueError(f"{what} defines {len(networks)} networks ({names}): choose one with `model=` or a parameter")
    return Compiled(session.render(networks[0]), networks[0].network, tuple(session.sink.diagnostics), networks[0])


def load(
    spec: str | os.PathLike[str] | None = None, *, text: str | None = None, model: str | None = None, **settings: Any
) -> nn.Module:
    """A network of a spec as a `torch.nn.Module` with initial weights; the arguments are those of `compile`.

    It is made on the device of torch's context (`with torch.device("meta")`), and can be pickled for another process.
    """
    _require_torch()
    compiled = compile(spec, text=text, model=model, **settings)
    from resnetc.runtime.model import loader
    from resnetc.user_code import locate_user_code

    locate_user_code(compiled.checked)
    return loader.build_network(compiled.source, Path(f"{compiled.network.name}.py"))


def open_run(
    folder: str | os.PathLike[str],
    *,
    weights: Literal["best", "last"] | None = None,
    device: str | None = None,
    allow_imports: Iterable[str] = (),
) -> TrainedRun:
    """The trained run in a folder that `resnetc train` wrote: `.model`, `.classes`, `.preprocess(image)`,
    `.predict(images)`, `.metrics`, `.recipe`.

    `weights` is `best` for those of the best epoch, or `last` for those of the last epoch or stop (the averaged ones
    if the recipe averages); by default the best if there are any. `device` is torch's name of one, by default CUDA if
    there is one, else the CPU. `allow_imports` names the modules of your own (of an `extern`) that the network may
    import: the folder alone cannot make Python import anything. Raises `resnetc.runtime.errors.RunError` if the folder
    holds no run, is damaged or changed, or was written by an earlier version that did not record how images are
    prepared; `ImportError` if torch is not installed.
    """
    _require_torch()
    from resnetc.runtime.inference import trained_run

    return trained_run.open_run(folder, weights=weights, device=device, allow_imports=allow_imports)


def _require_torch() -> None:
    """ImportError, with what to install, unless torch can be imported."""
    from resnetc.runtime.errors import RunError, require_packages

    try:
        require_packages("torch")
    except RunError as error:
        raise ImportError(str(error), name="torch") from None


def _named(spec: Any) -> str:
    """The name or path of a spec, refused where it is plainly something else."""
    if spec is None:
        raise ValueError("pass a spec: its name or path, or its text as `text=`")
    if not isinstance(spec, (str, os.PathLike)):
        raise ValueError(f"`spec` is a name or a path, not {_kind(spec)}")
    name = os.fspath(spec)
    if name == "-" or "\n" in name:
        raise ValueError("`spec` is a name or a path: pass the text of a spec as `text=`")
    return name


def _expression(name: str, value: Any) -> str:
    """A Python value as an expression of the language."""
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, bool) or type(value).__name__ == "bool" and type(value).__module__ == "numpy":
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_expression(name, part) for part in value)}]"
    if isinstance(value, numbers.Rational):
        return str(value)
    if isinstance(value, numbers.Real):
        return repr(float(value))
    what = f"the class {value.__module__}.{value.__qualname__}" if isinstance(value, type) else _kind(value)
    raise ValueError(
        f"`{name}` is given {what}: a slot takes a string with an expression of the language, such as"
        ' norm="group_norm(groups=32)"; a parameter takes a number, True, False or a list'
    )


def _kind(value: Any) -> str:
    """`an int`, `a torch.nn.modules.conv.Conv2d`: what a value is, for a message."""
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
