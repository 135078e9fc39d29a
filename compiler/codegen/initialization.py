"""Initial values that differ from torch's defaults, as lines of the network's `__init__`.

Kaiming initialisation with fan-out is one loop over all modules of a kind; exceptions are addressed by their paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from resnetc.compiler.codegen.python_layout import ListLiteral, format_lines, literal
from resnetc.compiler.codegen.torch_modules import gain, gain_parameter
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Sequence, list_leaves
from resnetc.compiler.ir.paths import Path

PAD = "        "
SHOWN = 2  # so many modules are written out, more by a loop over their paths


def initial_values(root: ExpandedBlock) -> list[str]:
    """The lines, in their order: all that is drawn by Kaiming's rule, then what is set by path."""
    drawn: dict[str, set[str]] = {}
    leaves = list_leaves(root)
    for leaf in leaves:
        if (kind := kind_of(leaf)) is not None:
            drawn.setdefault(kind, set()).add(way(leaf))
    kinds = [kind for kind, ways in drawn.items() if "kaiming" in ways]
    lines: list[str] = []
    if kinds:
        which = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        mixed = [kind for kind in kinds if "torch" in drawn[kind]]
        own = find_leaves(root, lambda leaf, nested: kind_of(leaf) in mixed and way(leaf) == "torch") if mixed else []
        if own:
            lines += format_lines("as_torch = ", ListLiteral(quoted([path for path, _ in own])), 8)
        users = any(leaf.external is not None for leaf in leaves)
        user_paths = [p for p, _ in find_leaves(root, lambda leaf, nested: leaf.external is not None)] if users else []
        if user_paths:  # what is inside of them begins as they say
            lines += user_modules(user_paths)
        other = f"{' and name not in as_torch' if own else ''}{' and m not in theirs' if user_paths else ''}"
        lines += [
            f"{PAD}for name, m in self.named_modules():" if own else f"{PAD}for m in self.modules():",
            f"{PAD}    if isinstance(m, {which}){other}:",
            f'{PAD}        nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")',
        ]
    for std in sorted({w for ways in drawn.values() for w in ways} - {"kaiming", "torch"}, key=float):
        normal = find_leaves(root, lambda leaf, nested, std=std: way(leaf) == std)  # type: ignore[misc]  # as `std` has no type
        lines += each([p for p, _ in normal], "weight", f"nn.init.normal_({{}}, std={std})")
        biased = [(path, leaf) for path, leaf in normal if leaf.by_name["bias"]]
        optional = frozenset(path for path, leaf in biased if leaf.primitive.state == "conv")
        lines += each([path for path, _ in biased], "bias", "nn.init.zeros_({})", optional)
    gains = {id(leaf) for leaf in leaves if gain(leaf) is not None}
    scaled = find_leaves(root, lambda leaf, nested: nested and id(leaf) in gains) if gains else []
    for name, value in dict.fromkeys((gain_parameter(leaf), gain(leaf)) for _, leaf in scaled):
        paths = [path for path, leaf in scaled if (gain_parameter(leaf), gain(leaf)) == (name, value)]
        lines += each(paths, name, write_constant("{}", value))
    return lines


def user_modules(paths: list[str]) -> list[str]:
    """The line that finds all modules inside of the user's own."""
    return [
        *format_lines("user_paths = ", ListLiteral(quoted(paths)), 8),
        f"{PAD}theirs = {{m for path in user_paths for m in self.get_submodule(path).modules()}}",
    ]


def write_gain(path: Path, parameter: str, value: object, reach: Mapping[Path, str]) -> str:
    """The line that sets the first gain of a stored module, or of one inside it."""
    inner = ".".join(map(str, path[1:]))
    weight = f'self.{path[0]}.get_parameter("{inner}.{parameter}")' if inner else f"{reach[path]}.{parameter}"
    return f"{PAD}{write_constant(weight, value)}"


def write_constant(parameter: str, value: object) -> str:
    """`nn.init.zeros_(parameter)`, or a call with another value."""
    return f"nn.init.zeros_({parameter})" if value == 0 else f"nn.init.constant_({parameter}, {literal(value)})"


def kind_of(leaf: Leaf) -> str | None:
    """The class of a module with a weight that is drawn."""
    if leaf.primitive.name == "linear":
        return "nn.Linear"
    return f"nn.Conv{leaf.shape_in.rank}d" if leaf.primitive.state == "conv" else None


def way(leaf: Leaf) -> str:
    """How a weight is drawn: `kaiming`, `torch`, or its standard deviation."""
    arguments = leaf.by_name
    if std := arguments.get("std"):
        return literal(std)
    return "kaiming" if arguments.get("kaiming") else "torch"


def iterate_modules(module: Sequence | ExpandedBlock) -> Iterator[tuple[Path, Module, bool]]:
    """The modules in another with their paths, and whether each stands in a sequence."""
    if isinstance(module, Sequence):
        for key, child in module.children:
            yield (key,), child, True
        return
    for step in module.steps:
        for path, part in step.stores:
            yield path, part, bool(step.members)


def find_leaves(root: ExpandedBlock, wanted: Callable[[Leaf, bool], bool]) -> list[tuple[str, Leaf]]:
    """Every wanted leaf with its path; nested is what stands in a sequence. Equal modules are searched once."""
    leaves_below: dict[int, list[tuple[str, Leaf]]] = {}

    def search(module: Module, nested: bool) -> list[tuple[str, Leaf]]:
        if isinstance(module, Leaf):
            return [("", module)] if wanted(module, nested) else []
        leaves = leaves_below.get(id(module))
        if leaves is None:
            leaves = leaves_below[id(module)] = []
            for path, child, inside in iterate_modules(module):
                if inner := search(child, inside):
                    name = ".".join(map(str, path))
                    leaves += [(f"{name}.{rest}" if rest else name, leaf) for rest, leaf in inner]
        return leaves

    return search(root, False)


def each(paths: list[str], parameter: str, call: str, optional: frozenset[str] = frozenset()) -> list[str]:
    """A call for a parameter of each module; `optional` are those that torch's types allow to be None."""
    if len(paths) > SHOWN:
        get = f'self.get_parameter(f"{{path}}.{parameter}")'
        return [*format_lines("for path in ", ListLiteral(quoted(paths)), 8, ":"), f"{PAD}    {call.format(get)}"]
    return [
        PAD
        + call.format(
            f"self.{p}.{parameter}"
            if p.isidentifier() and p not in optional
            else f'self.get_parameter("{p}.{parameter}")'
        )
        for p in paths
    ]


def quoted(paths: list[str]) -> tuple[str, ...]:
    return tuple(f'"{path}"' for path in paths)
