"""The index of the shipped networks by name; no spec is opened to find one.

`tools/make_index.py` writes it from the specs, and from the additional names in `specs/names.json`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import LIBRARY, SUFFIX

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork

FILE, NAMES = LIBRARY / "networks.json", LIBRARY / "names.json"
FIRST = ("imagenet", "cifar")  # whose network is meant where several specs have one of a name
LAST = "zoo"


@record(eq=True)
class ListedNetwork:
    """A network of a shipped spec, with its figures at the declared input."""

    name: str
    spec: str
    parameters: int
    multiply_adds: int
    input: tuple[int, ...]
    accepts: str

    @property
    def written(self) -> str:
        """How a command line names this network and no other of its name."""
        return self.spec if self.spec.rpartition("/")[2] == self.name else f"{self.spec} --model {self.name}"


@record(eq=True)
class Index:
    """All shipped networks in the order of their specs, and the further names that some of them are known by."""

    specs: str  # the digest of the specs that it was made of
    names: dict[str, str]
    networks: tuple[ListedNetwork, ...]

    def find_networks(self, name: str) -> list[ListedNetwork]:
        """The networks of a name, the one that is meant first."""
        wanted = self.names.get(name, name)
        return sorted((n for n in self.networks if n.name == wanted), key=lambda listed: rank_folder(listed.spec))

    def list_aliases(self, network: str) -> list[str]:
        """The other names of a network."""
        return [name for name, target in self.names.items() if target == network]


def rank_folder(spec: str) -> int:
    """The place of a shipped spec's folder among those that have a network of one name."""
    folder = spec.partition("/")[0]
    return FIRST.index(folder) if folder in FIRST else len(FIRST) + (folder == LAST)


@lru_cache(maxsize=1)
def load_index() -> Index:
    """The index that is shipped with the specs."""
    table = json.loads(FILE.read_text(encoding="utf-8"))
    networks = (ListedNetwork(**{**row, "input": tuple(row["input"])}) for row in table["networks"])
    return Index(table["specs"], table["names"], tuple(networks))


def find_networks(name: str) -> list[ListedNetwork]:
    """The shipped networks of a name, the one that is meant first."""
    return load_index().find_networks(name)


def compute_digest() -> str:
    """The digest of the shipped specs as they are: figures hold for the texts that they were computed from."""
    whole = hashlib.sha256()
    for path in sorted(LIBRARY.rglob(f"*{SUFFIX}")):
        whole.update(f"{path.relative_to(LIBRARY).as_posix()}\n".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def make_row(checked: CheckedNetwork, accepts: str) -> ListedNetwork:
    """The row of a network that was compiled."""
    declared, measures = checked.network.input, checked.measures
    return ListedNetwork(
        name=checked.network.name,
        spec=checked.title,
        parameters=measures.parameters,
        multiply_adds=measures.count_multiply_adds(declared.sizes),
        input=(declared.channels, *declared.sizes),
        accepts=accepts,
    )


def read_aliases(networks: list[ListedNetwork], file: Path = NAMES) -> dict[str, str]:
    """The names of `names.json`: each is new, and leads to one network."""
    names: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    network_names = [network.name for network in networks]
    for name, target in names.items():
        if name in network_names or network_names.count(target) != 1:
            raise ValueError(f"{file.name}: `{name}` is a network itself, or `{target}` is none or several")
    return names


def render_index(networks: list[ListedNetwork], names: dict[str, str]) -> str:
    """The text of the file: a line for each network."""

    def format_line(value: object) -> str:
        return json.dumps(value, separators=(", ", ": "))

    rows = ",\n".join(f"    {format_line(asdict(network))}" for network in networks)
    digest = format_line(compute_digest())
    return f'{{\n  "specs": {digest},\n  "names": {format_line(names)},\n  "networks": [\n{rows}\n  ]\n}}\n'
