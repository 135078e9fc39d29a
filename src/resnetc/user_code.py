"""The code of the user's own that a network needs: which classes, and the files that they are looked for in.

Only what runs a network calls this. `check`, `compile`, `show`, `list` and `fmt` import nothing of the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.ir.network import External, list_leaves


def list_externs(checked: CheckedNetwork) -> list[External]:
    """Every class of the user's own in a network, once."""
    distinct: dict[tuple[str, str], External] = {}
    for leaf in list_leaves(checked.network.root):
        if leaf.external is not None:
            distinct.setdefault((leaf.external.module, leaf.external.name), leaf.external)
    return list(distinct.values())


def locate_user_code(checked: CheckedNetwork) -> list[str]:
    """A line for each class: where it comes from. From then on it is imported from there; nothing is imported yet."""
    externs = list_externs(checked)
    if not externs:
        return []
    from resnetc.runtime.model import user_classes

    lines = []
    for external in externs:
        home = user_classes.find_home(external.module, list_folders(checked, external))
        where = f"from {shorten(home)}" if home is not None else "from Python's path"
        lines.append(
            f"{checked.network.name}: runs `{external.module}:{external.name}` {where}, which "
            f"`extern {external.definition.name.id}` names ({external.definition.target.span})"
        )
    return lines


def shorten(path: Path) -> str:
    """A path below the working folder from there."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def list_folders(checked: CheckedNetwork, external: External) -> Iterator[Path]:
    """The folder of the file that declares it, then the working folder."""
    for file in checked.spec.list_used_files():
        if file.path is not None and any(item is external.definition for item in file.tree.items):
            yield file.path.parent
    yield Path.cwd()
