"""What occurrences of a block must have in common to share one class, and which names their modules use."""

from __future__ import annotations

from collections.abc import Hashable

from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module
from resnetc.compiler.ir.paths import Path
from resnetc.grammar.forms import FUNCTIONAL, OPERATORS


def stateful(group: list[ExpandedBlock]) -> set[Path]:
    """The paths of the modules that keep state in any occurrence: they are keys, other modules are only names."""
    steps = [step for template in group for step in template.steps if step.extent.keeps_state]
    return {path for s in steps for path, module in s.stores if path and keeps_state(module)}


def taken(path: Path, keeping: set[Path]) -> bool:
    """Whether a module that keeps state is stored at a path, above it or below it."""
    return any(p[: len(path)] == path or path[: len(p)] == p for p in keeping)


def structure(template: ExpandedBlock) -> tuple[Hashable, ...]:
    """What occurrences of a block must share to be one class: dataflow, stored paths, what is written in place.

    Where several steps have one name, the one that keeps state has it, and a container stands where its first keys do:
    both must be the same ones.
    """
    steps: list[tuple[Hashable, ...]] = []
    uses: dict[Path, list[int]] = {}  # the modules at each path
    for i, s in enumerate(template.steps):
        operation = s.operation
        if isinstance(operation, str):
            steps.append((s.path, s.inputs, s.outputs, s.remark, operation))
        else:
            steps.append((s.path, s.inputs, s.outputs, s.remark, in_place(operation)))
            uses.setdefault(s.path, []).append(i)
    several = sorted([i for numbers in uses.values() if len(numbers) > 1 for i in numbers])
    owners = tuple([i for i in several if template.steps[i].extent.keeps_state])
    containers: dict[Path, list[int]] = {}
    for i, path in enumerate(template.order):
        for end in range(1, len(path)):
            containers.setdefault(path[:end], []).append(i)
    keeping = stateful([template]) if containers else set()
    first_keys = tuple(
        next((i for i in places if template.order[i] in keeping), None)
        for places in containers.values()
        if len(places) > 1
    )
    return (tuple(steps), owners, first_keys, template.output, template.order, template.shape_in.rank)


def in_place(module: Module) -> tuple[Hashable, ...] | None:
    """Operations that `forward` writes itself are part of the structure; modules may differ."""
    if isinstance(module, Leaf) and (module.primitive.name in FUNCTIONAL or module.primitive.state == "parameter"):
        return (module.primitive.name, len(module.inputs), written_out(module), cuts_by_sizes(module))
    return None


def written_out(leaf: Leaf) -> Hashable:
    """The arguments of an operation that stand in `forward` itself; the number of an operator may be an attribute."""
    if leaf.is_parameter:
        return needs_view(leaf), len(leaf.get_integers("shape"))
    if leaf.primitive.name in OPERATORS:
        return tuple((name, value) for name, value in leaf.arguments if name != "number")
    return leaf.arguments if leaf.primitive.name == "regroup" else ()


def cuts_by_sizes(module: Module | str) -> bool:
    """Whether it is a `split` into parts of stated sizes."""
    return (
        isinstance(module, Leaf)
        and module.primitive.rule == "split"
        and isinstance(module.get_argument("parts"), tuple)
    )


def needs_view(leaf: Leaf) -> bool:
    """Whether the axes of a map are missing in the shape of its parameter."""
    return leaf.shape_in.rank > 0 and len(leaf.get_integers("shape")) == 1 and leaf.get_integers("shape") != (1,)
