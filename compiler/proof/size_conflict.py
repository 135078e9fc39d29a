"""A condition on sizes that does not hold: its numbers, counterexamples and labels, as messages need them."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Label
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.proof.accepted_sizes import Accepted, Reason
from resnetc.compiler.remedies.branches import Branch
from resnetc.compiler.sizes import (
    SizeFn,
    SizeSet,
    evaluate,
    first_difference,
    nearest_difference,
    show,
    show_set,
    slope,
)


@record
class SizeConflict:
    """What the words about a condition are made of."""

    network: Network
    accepted: Accepted
    reason: Reason

    @property
    def axis(self) -> int:
        """The axis of the map; that of the input is the reason's."""
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
        assert not isinstance(other, int | SizeSet)
        return self.reason.condition.fn, other

    def show(self, f: SizeFn) -> str:
        return show(f, self.symbol)

    @property
    def bound(self) -> str:
        """What a size must be: `of at least 3`, `that is a multiple of 2`."""
        condition = self.reason.condition
        return f"{'that is a multiple of' if condition.kind == 'multiple' else 'of at least'} {condition.other}"

    def show_values(self, n: int) -> str:
        """The sizes of both sides, or what arrives against what is needed, for the input size n."""
        condition = self.reason.condition
        if isinstance(condition.other, int):
            needs = self.bound.removeprefix("that is ").removeprefix("of ")
            return f"needs {needs}, but gets {evaluate(condition.fn, n)}"
        if isinstance(condition.other, SizeSet):
            return f"needs {show_set(condition.other, 'a size')}, but gets {evaluate(condition.fn, n)}"
        at = f" at {self.symbol} = {n}" if self.free else ""
        return f"sizes differ: {evaluate(condition.fn, n)} and {evaluate(condition.other, n)}{at}"

    def describe_counterexamples(self, within: SizeSet) -> tuple[str, ...]:
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

    def describe_refused(self, sizes: SizeSet) -> tuple[str, ...]:
        """The smallest of some refused sizes and the one nearest to the declared size, each with what refuses it."""
        by_size = {sizes.min: "smallest size that is allowed but not accepted"}
        by_size.setdefault(sizes.nearest(self.size), "nearest to the declared size")
        texts = []
        for n, what in by_size.items():
            if n is not None:
                refusing = (r for r in self.accepted.reasons if r.axis == self.reason.axis and n not in r.after)
                why = SizeConflict(self.network, self.accepted, next(refusing, self.reason)).show_values(n)
                texts.append(f"{what}: {self.symbol} = {n} ({why.removesuffix(f' at {self.symbol} = {n}')})")
        return ("; ".join(texts),)

    def label_call_site(self) -> tuple[Label, ...]:
        """The line of the user's model that asks for a block of another file."""
        spans = [place.stage.span for place in self.reason.place.list_outer_places() if place.stage]
        return tuple(Label(s, "used here") for s in spans if s.source is not self.reason.condition.span.source)

    def label_sides(self, sides: tuple[Branch, Branch]) -> tuple[Label, ...]:
        """From where on each side has its size."""
        labels = []
        for side, size in zip(sides, self.sides, strict=True):
            last = next((o for o in reversed(side.operations) if o.get_size_map(self.axis) != (1, 0)), None)
            if last:
                labels.append(Label(last.span, f"`{side.name}` has size {self.show(size)} from here"))
        return tuple(labels)

    def describe_shrinking(self) -> tuple[str, ...]:
        """The sizes on the way from the input to the operation: `16 -> 8 (conv) -> 4 (max_pool) -> 2 (layer2)`."""
        drawn, last = str(self.size), self.size
        for size, name in (
            (evaluate(f, self.size), name) for f, name in self.reason.place.list_sizes_before(self.axis)
        ):
            if size != last:
                drawn, last = f"{drawn} -> {size} ({name})", size
        return (drawn,) if last != self.size else ()


def show_stride(size: SizeFn) -> str:
    """The stride of a size, told by its growth."""
    return str(1 / slope(size)) if slope(size) else "none"
