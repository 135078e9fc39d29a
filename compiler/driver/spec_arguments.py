"""What a SPEC argument stands for: a file, or one network of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from resnetc.compiler.diagnostics.diagnostic import Fault, find_similar
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.expansion.instances import Setting, UsageError, describe_unknown_setting, name_suffix
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.loader.loader import LIBRARY, SUFFIX, Loader, SpecFile, unreadable
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax


@dataclass(slots=True, eq=False)
class Entry:
    """One file that a SPEC stands for."""

    spec: SpecFile
    title: str
    folder: Path
    network: str | None = None  # the one network of it that is meant

    def list_names(self) -> list[str]:
        """The models that `--model` may choose."""
        if self.network is not None:
            return [self.network]
        kinds = (syntax.Model, syntax.Instance)
        return [i.name.id for i in self.spec.tree.items if isinstance(i, kinds)] + sorted(self.spec.tree.broken)

    def may_define(self, item: str) -> bool:
        """Whether an item of the file may be, or be the family of, what is meant of it."""
        return self.network is None or self.network == item or self.network.startswith(f"{item}_")

    def select(self, requests: list[Request], bare: list[Request], settings: list[Setting]) -> list[Request]:
        """The networks that are meant, among those that an item makes; `bare` are these without any setting."""
        base = next((request for request in bare if request.name == self.network), None)
        if base is None:
            return []
        fixed = {name: value for name, (value, _) in base.arguments.items()}
        for setting in settings:
            if setting.name in fixed:
                value = name_suffix(fixed[setting.name])
                raise UsageError(
                    f"`{self.network}` is `{base.item}` with {setting.name} = {value}: name `{self.title}` to set it"
                )
        return [r for r in requests if all(r.arguments[name][0] == value for name, value in fixed.items())]


def find_entries(model: str, entries: list[Entry]) -> list[Entry]:
    """The files that define a model; a network's name (`cifar_depth56`) stands for its model's."""

    exact = [e for e in entries if model in e.list_names()]
    near = [e for e in entries if any(model.startswith(n + "_") for n in e.list_names())]
    holding = exact or near
    if len(holding) == 1:
        return holding
    names = sorted({n for e in entries for n in e.list_names()})
    if not holding and all(e.network for e in entries) and entries:
        named = ", ".join(f"`{e.network}`" for e in entries)
        raise UsageError(f"`--model {model}` is not the network that the SPEC names, {named}: remove one of them")
    if not holding:
        hint = find_similar(model, names)
        tail = f"; a similar one exists: `{hint}`" if hint else ""
        raise UsageError(f"no model `{model}` here{tail}\nmodels: {', '.join(names) or 'none'}")
    places = ", ".join(e.spec.source.name for e in holding)
    raise UsageError(f"`{model}` is defined more than once: {places}")


def list_models(spec: SpecFile) -> list[syntax.Model]:
    """The models of a file and of those that it uses."""
    return [i for s in spec.list_used_files() for i in s.tree.items if isinstance(i, syntax.Model)]


def check_settings(names: Iterable[str], entries: list[Entry], evaluator: Evaluator) -> list[str]:
    """A remark for each setting that some of the files do not take; a `UsageError` where none of them does."""
    specs = [entry.spec for entry in entries]
    remarks = []
    for name in names:
        without = [spec for spec in specs if not has_setting(name, spec, evaluator)]
        if specs and len(without) == len(specs):
            raise UsageError(describe_unknown_setting(name, specs, evaluator))
        if without:
            others = f" and {len(without) - 1} others" if len(without) > 1 else ""
            remarks.append(f"`--set {name}` changes nothing in {without[0].source.name}{others}")
    return remarks


def has_setting(name: str, spec: SpecFile, evaluator: Evaluator) -> bool:
    """Whether a name is a parameter of a model of a file, or a slot there."""
    is_parameter = any(name in [p.name.id for p in item.parameters] for item in list_models(spec))
    return is_parameter or evaluator.slot_named(name, Frame(spec, Slots({})), spec) is not None


def check_reachable(path: Path) -> None:
    """Refuses a path that the system cannot follow: too long, a circle of links, below a closed folder."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return  # a shipped name, perhaps
    except OSError as error:
        raise Fault(
            unreadable(Source(path.as_posix(), ""), f"cannot be read: {error.strerror}", "check the path")
        ) from None


def load_library(loader: Loader) -> SpecFile:
    """The standard files by their names: where `--set` values look besides the spec."""
    library = SpecFile("std", loader.prelude.tree, None)
    for path in sorted((LIBRARY / "std").glob(f"*{SUFFIX}")):
        library.names[path.stem] = loader.load(path)
    return library
