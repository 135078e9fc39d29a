"""One network of a comparison; imports no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arm:
    """A network to train: its name in the comparison and of its folder, the network's name, the module's text."""

    label: str
    network: str
    source: str
