"""What a SPEC argument stands for: a file, or one network of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resnetc.compiler.expansion.instances import Setting, UsageError, name_suffix
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.syntax import tree as syntax


@dataclass(slots=True, eq=False)
class Entry:
    """One file that a SPEC stands for."""

    spec: SpecFile
    title: str
    folder: Path
    network: str | None = None  # the one network of it that is meant

    def names(self) -> list[str]:
        """The models that `--model` may choose."""
        if self.network is not None:
            return [self.network]
        kinds = (syntax.Model, syntax.Instance)
        return [i.name.id for i in self.spec.tree.items if isinstance(i, kinds)] + sorted(self.spec.tree.broken)

    def holds(self, item: str) -> bool:
        """Whether an item of the file may be, or be the family of, what is meant of it."""
        return self.network is None or self.network == item or self.network.startswith(f"{item}_")

    def select(self, requests: list[Request], bare: list[Request], settings: list[Setting]) -> list[Request]:
        """Of the networks that an item makes, those that are meant; `bare` are they without any setting."""
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
