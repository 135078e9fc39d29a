"""Remedies for maps of different sizes: changes of kernel, padding or `ceil`, tried at every occurrence of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from resnetc.compiler.diagnostics.diagnostic import Edit
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.evaluation.values import describe, normal_size
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Condition, ExpandedBlock, Leaf, Module, Network, Sequence
from resnetc.compiler.ir.paths import Constant
from resnetc.compiler.remedies import branches
from resnetc.compiler.remedies.branches import Branch, Geometry, Operation
from resnetc.compiler.remedies.call_text import (
    is_complete,
    is_primitive_call,
    is_shipped,
    list_stated_parameters,
    rewrite_call,
    shorten,
    write_canonical_call,
)
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import SizeFn
from resnetc.compiler.source import Span

MAX_SITES = 500  # occurrences of one statement: a change that fits these is said

Sides = tuple[Branch, Branch]
CallKey = tuple[object, ...]
"""A call, as it is written or as a slot is bound: a change of one is a change of all that are equal."""


@record(eq=True)
class Remedy:
    """What to write instead, the sizes that both sides then have at every input size, and the edits that do it."""

    operation: Operation
    text: str
    sizes: tuple[SizeFn, ...]
    fix: tuple[Edit, ...]


@record(eq=True)
class Change:
    """A call that says something else: wherever it occurs, it does this to the size of each axis."""

    operation: Operation
    text: str
    edits: tuple[Edit, ...]
    geometry: Callable[[Leaf, Mapping[str, Constant]], tuple[Geometry | None, ...]]  # by the numbers of the block


# -- occurrences ------------------------------------------------------------------------------------------------------


@record
class JoinSite:
    """Two maps that must have equal sizes: the block they meet in, and how each came there."""

    block: ExpandedBlock
    sides: Sides

    def compute_sizes(self, changes: Mapping[CallKey, Change]) -> tuple[SizeFn, ...] | None:
        """The sizes of both maps with the changes; None where they differ still."""
        first, other = (self.compute_side(side, changes) for side in self.sides)
        return first if first == other else None

    def compute_side(self, side: Branch, changes: Mapping[CallKey, Change]) -> tuple[SizeFn, ...] | None:
        pairs = [(o, changes.get(get_call_key(o))) for o in side.operations]
        if not any(change for _, change in pairs):
            return side.end.sizes
        numbers = {number.name: number.value for number in self.block.numbers}
        operations = (replace(o, geometry=c.geometry(o.leaf, numbers)) if c and o.leaf else o for o, c in pairs)
        return replace(side, operations=tuple(operations)).compute_sizes()


def get_call_key(operation: Operation) -> CallKey:
    leaf = operation.leaf
    if leaf is None or is_complete(leaf):
        return operation.span.key
    return leaf.primitive.name, repr(leaf.arguments)  # the text only names a slot, which is bound to this


def find_join_sites(network: Network, block: ExpandedBlock, condition: Condition, number: int) -> list[JoinSite]:
    """The statement that breaks a condition, and all other places in the network that are the same statement."""
    joining = block.steps[number]
    refs = branches.find_operands(block, condition, number)
    at = [joining.inputs.index(ref) for ref in refs]
    sites = [JoinSite(block, branches.find_diverging_branches(block, *refs))]
    for other in list_blocks(network.root):
        steps = other.steps if other.definition is block.definition else ()
        for i, again in enumerate(steps):
            same = again.span.key == joining.span.key and (other is not block or i != number)
            if same and len(again.inputs) > max(at) and len(sites) < MAX_SITES:
                sites.append(
                    JoinSite(other, branches.find_diverging_branches(other, *(again.inputs[ref] for ref in at)))
                )
    return sites


def list_blocks(root: ExpandedBlock) -> list[ExpandedBlock]:
    """Every block of a network, once."""
    blocks: dict[int, ExpandedBlock] = {}
    pending: list[Module] = [root]
    while pending:
        module = pending.pop()
        if isinstance(module, Sequence):
            pending.extend(child for _, child in module.children)
        elif isinstance(module, ExpandedBlock) and id(module) not in blocks:
            blocks[id(module)] = module
            pending.extend(step.operation for step in module.steps if not isinstance(step.operation, str))
    return list(blocks.values())


# -- windows and borders ----------------------------------------------------------------------------------------------


def find_remedy(sites: list[JoinSite], axis: int) -> Remedy | None:
    """The first change that makes both sides equal on every axis, for every size: of one operation, or of a side's."""
    for side in sites[0].sides:
        blamed = [operation for operation, _ in side.list_contributions(axis)]
        for change in [*((c,) for o in blamed for c in list_candidate_changes(o)), *list_neutral_changes(blamed)]:
            sizes = fit_changes(sites, change)
            if sizes is not None:
                texts = dict.fromkeys(f"`{c.text}`" for c in change)
                edits = {e.span.key: e for c in change for e in c.edits}
                cause = change[0].operation if len(change) == 1 else branches.find_most_changing((side, side), axis)
                return Remedy(cause or change[0].operation, " and ".join(texts), sizes, tuple(edits.values()))
    return None


def fit_changes(sites: list[JoinSite], changes: tuple[Change, ...]) -> tuple[SizeFn, ...] | None:
    """The sizes of both sides of the first place, if the changes make both sides of every place equal."""
    by_call = {get_call_key(change.operation): change for change in changes}
    sizes = sites[0].compute_sizes(by_call)
    return sizes if sizes is not None and all(site.compute_sizes(by_call) is not None for site in sites[1:]) else None


def list_neutral_changes(blamed: list[Operation]) -> Iterator[tuple[Change, ...]]:
    """All operations changed so that none adds anything, if each can be."""
    by_call: dict[CallKey, Change] = {}
    for operation in blamed:
        for change in list_candidate_changes(operation):
            if operation.leaf and all(does and does[1] == 0 for does in change.geometry(operation.leaf, {})):
                by_call.setdefault(get_call_key(operation), change)
                break
        else:
            return
    if len(by_call) > 1:
        yield tuple(by_call.values())


def list_candidate_changes(operation: Operation) -> Iterator[Change]:
    """What else a window might say: `ceil` on a pool, the padding of an odd kernel, an odd kernel; no border at all."""
    if (leaf := operation.leaf) is None:
        return
    values, rank = leaf.by_name, leaf.shape_in.rank
    if leaf.primitive.rule == "constant_pad":
        edits = () if is_shipped(leaf.span) else (Edit(leaf.span, "identity"),)
        yield Change(operation, "identity", edits, lambda other, _: ((1, 0),) * other.shape_in.rank)
    if "kernel" not in values:
        return
    kernels = [get_size_on_axis(values["kernel"], i) for i in range(rank)]
    odd = [k // 2 * 2 + 1 for k in kernels]
    if "padding" not in values:
        if odd != kernels:
            yield change_arguments(operation, {"kernel": odd[0]})
        return
    pads = [get_size_on_axis(values.get("dilation", 1), i) * (k - 1) // 2 for i, k in enumerate(odd)]
    padding = {"padding": normal_size(tuple(pads))}
    if "ceil" in values:
        yield change_arguments(operation, {"ceil": not values["ceil"]})
    if odd == kernels:
        yield change_arguments(operation, padding)
    if "padding" in dict(parse_arguments(leaf.span.text)):
        yield change_arguments(operation, {}, dropped="padding")
    if odd == kernels:
        return
    yield change_arguments(
        operation, {"kernel": normal_size(tuple(odd)), **(padding if "padding" in list_stated_parameters(leaf) else {})}
    )
    yield change_arguments(operation, {"kernel": normal_size(tuple(max(k - 1 + k % 2, 1) for k in kernels))})


def change_arguments(
    operation: Operation,
    new_arguments: Mapping[str, Constant],
    names: Mapping[str, str] | None = None,
    dropped: str = "",
    renamed: Mapping[str, str] | None = None,
) -> Change:
    """A call with other arguments, written where it stands, and one left out.

    `names` are those that a parameter of the block gives; `renamed` has the right keyword of one that is dropped.
    """
    leaf = operation.leaf
    assert leaf is not None
    texts = {name: (names or {}).get(name) or describe(value) for name, value in new_arguments.items()}
    place, stated_names = leaf.span, list_stated_parameters(leaf).keys()

    # The same text may stand for other numbers at another place: a parameter of the block gives them, a slot other
    # defaults. So the change carries a function that works out what it does to any occurrence, from that occurrence's
    # own arguments. The padding needs care: where the call does not say it, it follows from the kernel, so a new
    # kernel, or a call without its `padding`, must derive it anew instead of keeping what was derived before.
    def compute_geometry(other: Leaf, numbers: Mapping[str, Constant]) -> tuple[Geometry | None, ...]:
        defaults = {parameter.name: parameter.default for parameter in other.primitive.parameters}
        values = {
            **dict(other.arguments),
            **{name: defaults[name] for name in renamed or () if name in defaults},
            **new_arguments,
        }
        values |= {name: numbers[term] for name, term in (names or {}).items() if term in numbers}
        implied = "padding" not in stated_names and ("kernel" in new_arguments or renamed) or dropped == "padding"
        if implied and "padding" in values and "padding" not in new_arguments:
            values["padding"] = compute_default_padding(values, other.shape_in.rank)
        return branches.compute_geometry(replace(other, arguments=tuple(values.items()), interning_key=None))

    own, order = is_primitive_call(leaf), [p.name for p in leaf.primitive.parameters]
    if is_complete(leaf) and (own or texts.keys() <= stated_names | list_extra_parameters(operation)):
        text = rewrite_call(place.text, texts, order if own else [], dropped, renamed)
        return Change(operation, text, () if is_shipped(place) else (Edit(place, text),), compute_geometry)
    text = rewrite_call(write_canonical_call(leaf), texts, order, dropped)
    slot = operation.step.slot
    return Change(operation, f"set {slot} = {text}" if slot else text, (), compute_geometry)


def list_extra_parameters(operation: Operation) -> set[str]:
    """What a call of the slot `conv` may say although it does not: its signature stands in the prelude."""
    text = operation.leaf.span.text if operation.leaf else ""
    if operation.step.slot != "conv" or not text.startswith("conv("):
        return set()
    positions = sum(not name for name, _ in parse_arguments(text))
    return {"stride", "dilation", "groups"} if positions <= 2 else set()


def compute_default_padding(values: Mapping[str, Constant], rank: int) -> int | tuple[int, ...]:
    """The padding that a window has by default."""
    reach = (
        get_size_on_axis(values.get("dilation", 1), i) * (get_size_on_axis(values["kernel"], i) - 1)
        for i in range(rank)
    )
    return normal_size(tuple(r // 2 for r in reach))


def find_border(sites: list[JoinSite]) -> Remedy | None:
    """A border behind the map from which the smaller side starts: it makes windows that differ by a constant fit."""
    for mine, other in (sites[0].sides, sites[0].sides[::-1]):
        axes = range(len(mine.start.sizes))
        gaps = [
            sum(d for _, d in other.list_contributions(i)) - sum(d for _, d in mine.list_contributions(i)) for i in axes
        ]
        if not mine.operations or min(gaps, default=0) < 0 or not any(gaps):
            continue
        first = mine.operations[0]
        even = all(gap % 2 == 0 for gap in gaps)
        amount = describe(normal_size(tuple(gap // 2 if even else gap for gap in gaps)))
        border = f"constant_pad({amount})" if even else f"constant_pad(0, behind={amount})"
        start = Span(first.step.span.source, first.step.span.start, first.step.span.start)
        change = BorderedStep(first.step.span.key, tuple(gaps))
        sizes = [change.compute_sizes(site) for site in sites]
        if not is_shipped(start) and sizes[0] is not None and None not in sizes:
            text = f"`{border} |> {shorten(first.step.span.text)}`"
            return Remedy(first, text, sizes[0], (Edit(start, f"{border} |> "),))
    return None


@record(eq=True)
class BorderedStep:
    """A border in front of one step, wherever that occurs."""

    step: CallKey
    gaps: tuple[int, ...]

    def compute_sizes(self, site: JoinSite) -> tuple[SizeFn, ...] | None:
        first, other = (self.compute_side(side) for side in site.sides)
        return first if first == other else None

    def compute_side(self, side: Branch) -> tuple[SizeFn, ...] | None:
        operations: list[Operation] = []
        last = None
        for operation in side.operations:
            if operation.step.span.key == self.step and operation.step is not last:
                operations.append(replace(operation, geometry=tuple((1, gap) for gap in self.gaps)))
            last = operation.step
            operations.append(operation)
        if len(operations) == len(side.operations):
            return side.end.sizes
        return replace(side, operations=tuple(operations)).compute_sizes()
