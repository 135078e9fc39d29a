"""The networks of a study: as its text names them, and as they were compiled. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ArmText:
    """A network as a study's text names it: `spec` with `settings`, trained with `overrides` of the study's recipe.

    values: what the text varies over the arms, such as the depth. images: how many train it, where it is fewer than
    those of the study; classes: which, where it is not all; init: the label of the arm whose weights it starts from.
    """

    label: str
    spec: str
    settings: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    images: int | None = None
    classes: tuple[int, ...] = ()
    init: str | None = None


@dataclass(frozen=True, slots=True)
class CompiledArm:
    """The same with the text of its module, and what the compiler proved of it at the size of the images."""

    text: ArmText
    network: str
    source: str
    parameters: int
    multiply_adds: int
    weighted_layers: int
