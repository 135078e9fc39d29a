"""Messages about sizes that do not fit: counterexamples, the statement to blame, the line to write."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.ir.network import Network
from resnetc.compiler.proof.accepted_sizes import Accepted, Reason, declared_sizes, nearest_accepted
from resnetc.compiler.record import record
from resnetc.compiler.remedies import branches, strides, windows
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.remedies.input_conditions import format_condition
from resnetc.compiler.remedies.windows import JoinSite
from resnetc.compiler.sizes import (
    SizeFn,
    SizeSet,
    equal_where,
    evaluate,
    first_difference,
    from_minimum,
    nearest_difference,
    show,
    show_set,
    slope,
)
from resnetc.compiler.source import Span


@record
class SizeConflict:
    """What the words about a condition are made of."""

    network: Network
    accepted: Accepted
    reason: Reason

    @property
    def axis(self) -> int:
        """Of the map; that of the input is the reason's."""
        return self.reason.condition.axis

    @property
    def free(self) -> bool:
        """Whether the input's size is open on this axis."""
        return self.network.input.symbols[self.reason.axis] is not None

    @property
    def symbol(self) -> str:
        return self.network.input.symbols[self.reason.axis] or "n"

    @property
    def size(self) -> int:
        return self.network.input.sizes[self.reason.axis]

    @property
    def sides(self) -> tuple[SizeFn, SizeFn]:
        other = self.reason.condition.other
        assert not isinstance(other, int)
        return self.reason.condition.fn, other

    def show(self, f: SizeFn) -> str:
        return show(f, self.symbol)

    def values(self, n: int) -> str:
        """The sizes of both sides, or what arrives against what is needed, for the input size n."""
        condition = self.reason.condition
        if isinstance(condition.other, int):
            least = "a multiple of" if condition.kind == "multiple" else "at least"
            return f"needs {least} {condition.other}, but gets {evaluate(condition.fn, n)}"
        at = f" at {self.symbol} = {n}" if self.free else ""
        return f"sizes differ: {evaluate(condition.fn, n)} and {evaluate(condition.other, n)}{at}"

    def counterexamples(self, within: SizeSet) -> tuple[str, ...]:
        """The smallest size that breaks an equality, and the one nearest to the declared size, in one note."""
        f, g = self.sides
        if not self.free:
            return ()
        by_size = {first_difference(f, g, within): "smallest counterexample"}
        by_size.setdefault(nearest_difference(f, g, within, self.size), "nearest to the declared size")
        sizes = [
            f"{what}: {self.symbol} = {n} ({evaluate(f, n)} and {evaluate(g, n)})" for n, what in by_size.items() if n
        ]
        return ("; ".join(sizes),) if sizes else ()

    def refused(self, sizes: SizeSet) -> tuple[str, ...]:
        """The smallest of some refused sizes and the one nearest to the declared size, each with what refuses it."""
        by_size = {sizes.min: "smallest size that is allowed but refused"}
        by_size.setdefault(sizes.nearest(self.size), "nearest to the declared size")
        texts = []
        for n, what in by_size.items():
            if n is not None:
                refusing = (r for r in self.accepted.reasons if r.axis == self.reason.axis and n not in r.after)
                why = SizeConflict(self.network, self.accepted, next(refusing, self.reason)).values(n)
                texts.append(f"{what}: {self.symbol} = {n} ({why.removesuffix(f' at {self.symbol} = {n}')})")
        return ("; ".join(texts),)

    def call_site_labels(self) -> tuple[Label, ...]:
        """The line of the user's model that asks for a block of another file."""
        spans = [place.stage.span for place in self.reason.place.trail() if place.stage]
        return tuple(Label(s, "used here") for s in spans if s.source is not self.reason.condition.span.source)

    def sized(self, sides: windows.Sides) -> tuple[Label, ...]:
        """From where on each side has its size."""
        labels = []
        for side, size in zip(sides, self.sides, strict=True):
            last = next((o for o in reversed(side.operations) if o.size_map(self.axis) != (1, 0)), None)
            if last:
                labels.append(Label(last.span, f"`{side.name}` has size {self.show(size)} from here"))
        return tuple(labels)

    def shrinking(self) -> tuple[str, ...]:
        """The sizes on the way from the input to the operation: `16 -> 8 (conv) -> 4 (max_pool) -> 2 (layer2)`."""
        drawn, last = str(self.size), self.size
        for size, name in ((evaluate(f, self.size), name) for f, name in self.reason.place.passed(self.axis)):
            if size != last:
                drawn, last = f"{drawn} -> {size} ({name})", size
        return (drawn,) if last != self.size else ()


def show_stride(size: SizeFn) -> str:
    """The stride of a size, told by its growth."""
    return str(1 / slope(size)) if slope(size) else "none"


def restricting_condition(network: Network, accepted: Accepted) -> str | None:
    """The `when` that restricts every axis to accepted sizes; what is said of one stays if it does so already."""
    said: list[str | None] = []
    for axis, sizes in enumerate(accepted.axes):
        symbol, before = network.input.symbols[axis], declared_sizes(network, axis)
        if before is not None and before.subset_of(sizes):
            texts = [c.span.text for c in network.input.conditions if c.axis == axis]
            said += [f"({text})" if re.search(r"\bor\b", text) else text for text in texts]
        elif symbol and not (before is None and sizes == from_minimum(sizes.min or 1)):
            size = network.input.sizes[axis]
            said.append(format_condition(sizes, symbol, sizes.nearest(size) or size))
    return f"when {' and '.join(s for s in said if s)}" if said and all(said) else None


def edit_condition(network: Network, line: str) -> tuple[Edit, ...]:
    """The edit that puts a `when` behind the input, or another in its place."""
    declared = network.input
    if is_shipped(declared.span):
        return ()
    if declared.condition is not None:
        return (Edit(declared.condition, line.removeprefix("when ")),)
    end = Span(declared.span.source, declared.span.end, declared.span.end)
    return (Edit(end, f" {line}"),)


def strides_differ(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    totals = [side.stride(conflict.axis) or show_stride(size) for side, size in zip(sides, (f, g), strict=True)]
    named = " and ".join(f"{total} (`{side.name}`)" for total, side in zip(totals, sides, strict=True))
    likeliest, *alternatives = strides.suggest_strides(sites, conflict.reason.condition.span, conflict.axis)
    if "none" in totals:
        likeliest = Suggestion("for a gate, write `*`: it broadcasts a map of size 1, `+` does not")
        alternatives = []
    return Diagnostic(
        "E0302",
        f"{conflict.reason.condition.text} joins maps with different strides: {named}",
        Label(conflict.reason.condition.span, f"sizes differ: {conflict.show(f)} and {conflict.show(g)}"),
        labels=(*branches.label_strides(sides, conflict.axis), *conflict.call_site_labels()),
        notes=(*conflict.counterexamples(promised), *conflict.reason.place.whereabouts()),
        helps=(likeliest.help,),
        fix=likeliest.edits,
        alternatives=tuple(alternatives),
    )


def never_equal(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    remedy_of_windows = windows.find_remedy(sites, conflict.axis)
    blamed = remedy_of_windows.operation if remedy_of_windows else branches.most_changing(sides, conflict.axis)
    remedy = remedy_of_windows or windows.find_border(sites)
    if remedy:
        help = f"write {remedy.text}, so that both are {conflict.show(remedy.sizes[conflict.axis])}"
    else:
        help = (
            f"make `{blamed.text}` preserve the size of its map"
            if blamed
            else "give both sides the same size before it"
        )
    return Diagnostic(
        "E0332",
        f"{conflict.reason.condition.text} never fits: {conflict.show(f)} and {conflict.show(g)}",
        Label(conflict.reason.condition.span, conflict.values(conflict.size)),
        labels=(*conflict.sized(sides), *conflict.call_site_labels()),
        notes=(
            *conflict.counterexamples(promised),
            *([f"`{blamed.text}` {blamed.effect(conflict.axis)}"] if blamed else []),
            *conflict.reason.place.whereabouts(),
        ),
        helps=(help,),
        fix=remedy.fix if remedy else (),
    )


def not_everywhere(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    remedy = windows.find_remedy(sites, conflict.axis)
    blamed = remedy.operation if remedy else branches.most_changing(sides, conflict.axis)
    equal = show_set(equal_where(f, g), conflict.symbol).partition(", ")[0]
    line = restricting_condition(conflict.network, conflict.accepted)
    notes = [f"`{blamed.text}` {blamed.effect(conflict.axis)}"] if blamed else []
    nearest = nearest_accepted(conflict.network, conflict.accepted)
    is_declared_accepted = nearest == conflict.network.input.sizes
    if not remedy and not (line and is_declared_accepted):
        remedy = windows.find_border(sites)
    declares = line is not None and (not remedy or is_shipped(remedy.operation.span))
    cure = (
        f"{remedy.text} makes both {conflict.show(remedy.sizes[conflict.axis])} for every {conflict.symbol}"
        if remedy
        else ""
    )
    fix = remedy.fix if remedy else ()
    if line and declares:
        notes += [cure] if cure else []
        help = f"restrict the input to sizes that fit: `{line}`"
        if not is_declared_accepted:
            help += f", and declare one of them, such as `{describe((conflict.network.input.channels, *nearest))}`"
        fix = edit_condition(conflict.network, line) if is_declared_accepted else ()
    else:
        help = cure or "give both sides the same size, for instance with the same operation on both"
    return Diagnostic(
        "E0314",
        f"{conflict.reason.condition.text} does not fit all sizes from {promised.min} up: "
        f"{conflict.show(f)} and {conflict.show(g)}",
        Label(conflict.reason.condition.span, "sizes differ"),
        labels=(*conflict.sized(sides), *conflict.call_site_labels()),
        notes=(
            "; ".join([*conflict.counterexamples(promised), f"equal only for {equal}"]),
            *notes,
            *conflict.reason.place.whereabouts(),
        ),
        helps=(help,),
        fix=fix,
    )


def promises_too_much(conflict: SizeConflict, promised: SizeSet) -> Diagnostic:
    size = (promised - conflict.reason.after).min or 1
    said = declared_sizes(conflict.network, conflict.reason.axis) or promised
    spans = [c.span for c in conflict.network.input.conditions if c.axis == conflict.reason.axis]
    accepts = show_set(conflict.accepted.axes[conflict.reason.axis], conflict.symbol)
    line = restricting_condition(conflict.network, conflict.accepted)
    help = f"allow only accepted sizes: `{line}`" if line else "change the network: no size passes through all of it"
    nearest = nearest_accepted(conflict.network, conflict.accepted)
    if line and nearest != conflict.network.input.sizes:
        help += f", and declare one of them, such as `{describe((conflict.network.input.channels, *nearest))}`"
    return Diagnostic(
        "E0331",
        f"the input allows {conflict.symbol} = {size}, but the network accepts {accepts}",
        Label(spans[-1], f"{conflict.symbol} = {size} is allowed here"),
        labels=(Label(conflict.reason.condition.span, conflict.values(size)), *conflict.call_site_labels()),
        notes=(
            *conflict.refused(said - conflict.accepted.axes[conflict.reason.axis]),
            *conflict.reason.place.whereabouts(),
        ),
        helps=(help,),
        fix=edit_condition(conflict.network, line) if line and nearest == conflict.network.input.sizes else (),
    )


def too_small(conflict: SizeConflict, within: list[SizeSet]) -> Diagnostic:
    condition, network = conflict.reason.condition, conflict.network
    least = (sizes.min for sizes in within)
    return Diagnostic(
        "E0320",
        f"the input is too small: `{conflict.reason.place.operation.text}` needs a size of at least {condition.other}, "
        f"but gets {evaluate(condition.fn, conflict.size)}",
        Label(network.input.span, f"too small: {conflict.symbol} = {conflict.size}"),
        labels=(Label(conflict.reason.condition.span, conflict.values(conflict.size)), *conflict.call_site_labels()),
        notes=(*conflict.shrinking(), *conflict.reason.place.whereabouts()),
        helps=(f"use an input of at least `{describe((network.input.channels, *least))}`",),
    )


def never_enough(conflict: SizeConflict) -> Diagnostic:
    condition, operation = conflict.reason.condition, conflict.reason.place.operation
    arrives = conflict.show(condition.fn)
    return Diagnostic(
        "E0335",
        f"`{operation.text}` needs a size of at least {condition.other}, but always gets {arrives}",
        Label(condition.span, f"the size is {arrives} here"),
        labels=conflict.call_site_labels(),
        notes=(*conflict.shrinking(), *conflict.reason.place.whereabouts()),
        helps=("use a smaller kernel, or move it to where the map is larger",),
    )


def not_accepted(network: Network, axis: int, within: list[SizeSet]) -> Diagnostic:
    symbol, size = network.input.symbols[axis], network.input.sizes[axis]
    nearest = [sizes.nearest(n) for sizes, n in zip(within, network.input.sizes, strict=True)]
    if None in nearest:
        help = "change the condition after `when` so that some accepted size meets it"
    else:
        help = f"declare sizes that fit, such as `{describe((network.input.channels, *nearest))}`"
    return Diagnostic(
        "E0333",
        f"the declared size {symbol} = {size} is not accepted; "
        f"the accepted sizes are {show_set(within[axis], symbol or 'n')}",
        Label(network.input.span, f"{symbol} = {size} is declared here"),
        helps=(help,),
    )


def too_irregular(span: Span, what: str, error: str) -> Diagnostic:
    return Diagnostic(
        "E0334",
        f"the sizes at {what} are too irregular to analyze: {error.rpartition(': ')[2]}",
        Label(span, "from here on"),
        helps=("use fewer different strides",),
    )
