"""Holds a compiled network against its real module at many inputs: a finding a property, every failure made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from resnetc.api import Compiled
from resnetc.compiler.sizes import SizeSet
from resnetc.testing import assertions
from resnetc.testing.inputs import Example, device_for, edge_sizes
from resnetc.testing.networks import Trial, parts
from resnetc.testing.values import assert_images_independent

COUNTED = 4  # accepted inputs at which multiply-adds are counted
COMPARED = 2  # real inputs at which the images of a batch are compared
SHRINKING = 200  # inputs that are tried to make a failure smaller

Check = Callable[[Example], None]
Within = Sequence[SizeSet]


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and the smallest input that was found to show it; None where no input is needed."""

    message: str
    example: Example | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One property of one network: the number of inputs it was tried with, what was seen, the failure if any."""

    name: str
    examples: int
    seen: str
    failure: Failure | None = None


def exercise(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Iterator[Finding]:
    """Every built-in property at the inputs that it needs. Imports torch, and builds the module once a device."""
    for name in PROPERTIES:
        yield PROPERTIES[name](compiled, inputs)


# -- properties -------------------------------------------------------------------------------------------------------


def shapes(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """A size is accepted exactly when the module runs at it without broadcasting a map; all shapes are as predicted."""

    def check(at: Example) -> None:
        assertions.assert_shapes_agree(compiled, at.sizes, at.batch, at.device)

    accepted = len(taken(compiled, inputs))
    edges = set(edge_sizes(compiled.network, parts(compiled)[1]))
    counts = [
        f"{sum(at.sizes in edges for at in inputs)} on or beside an edge",
        f"{accepted} accepted, {len(inputs) - accepted} refused by both",
        f"batches of {', '.join(map(str, sorted({at.batch for at in inputs})))}",
    ]
    if shadows := sum(at.device == "meta" for at in inputs):
        counts.append(f"{shadows} without numbers (`meta`)")
    return tried("shapes", check, inputs, "; ".join(counts), compiled)


def strides(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Where the input grows by a multiple of a stage's stride, the stage's map grows by that multiple."""
    return alone("strides", lambda: assertions.assert_strides_agree(compiled), "of every stage, along every open axis")


def state(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """The state dict: keys, order, shapes, sums."""
    _, _, measures, _ = parts(compiled)
    device = device_for(measures, compiled.network.input.sizes, 0)
    seen = f"keys, order and shapes; {measures.parameters:,} parameters, {measures.buffers:,} elements in buffers"
    return alone("state", lambda: assertions.assert_state_agrees(compiled, device), seen)


def multiply_adds(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Torch's own counter finds the multiply-adds."""
    fitting = taken(compiled, inputs)
    chosen = {at.sizes: at for at in sorted(fitting, key=lambda at: at.sizes == compiled.network.input.sizes)}
    last = [*chosen.values()][-COUNTED:]
    _, accepted, measures, _ = parts(compiled)
    at_most = max((measures.multiply_adds(at.sizes) for at in last), default=0)

    def check(at: Example) -> None:
        assertions.assert_multiply_adds_agree(compiled, at.sizes)

    return tried("multiply_adds", check, last, f"up to {at_most:,} an image", compiled, accepted.axes)


def images(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """In evaluation mode an image's output depends on no other image."""
    real = {at.sizes: at for at in taken(compiled, inputs) if at.device == "cpu"}
    chosen = sorted(real.values(), key=lambda at: at.sizes)[:: max(len(real) // COMPARED, 1)][:COMPARED]

    def check(at: Example) -> None:
        assert_images_independent(compiled, at.sizes)

    seen = "an image alone, among others, in another order"
    if not chosen:
        seen = "none is accepted" if not taken(compiled, inputs) else "numbers are needed, and too much of them"
    return tried("images", check, chosen, seen, compiled, parts(compiled)[1].axes)


PROPERTIES: dict[str, Callable[[Compiled | Trial, Sequence[Example]], Finding]] = {
    "shapes": shapes,
    "strides": strides,
    "state": state,
    "multiply_adds": multiply_adds,
    "images": images,
}


# -- trying -----------------------------------------------------------------------------------------------------------


def taken(compiled: Compiled | Trial, inputs: Sequence[Example]) -> list[Example]:
    """The inputs that the compiler accepts."""
    _, accepted, _, _ = parts(compiled)
    return [at for at in inputs if at.within(accepted.axes)]


def tried(
    name: str, check: Check, inputs: Sequence[Example], seen: str, compiled: Compiled | Trial, within: Within = ()
) -> Finding:
    """A property at all inputs, or to the first at which it fails; that is made smaller `within` its sets of sizes."""
    for number, at in enumerate(inputs, 1):
        if wrong(check, at) is not None:
            least = smallest(check, at, compiled, within)
            return Finding(name, number, seen, Failure(wrong(check, least) or "", least))
    return Finding(name, len(inputs), seen)


def alone(name: str, check: Callable[[], None], seen: str) -> Finding:
    """A property of the module as it is."""
    message = wrong(lambda _: check(), Example((), 0))
    return Finding(name, 1, seen, None if message is None else Failure(message, None))


def wrong(check: Check, at: Example) -> str | None:
    """How a property fails at an input; None where it holds. What a module raises is a failure as well."""
    try:
        check(at)
    except AssertionError as failed:
        return str(failed).strip()
    except Exception as raised:
        return f"the module raises {type(raised).__name__}: {raised}"
    return None


def smallest(check: Check, at: Example, compiled: Compiled | Trial, within: Within) -> Example:
    """The smallest input, axis by axis, at which a property fails too: fewer images first, then smaller sizes."""
    left = SHRINKING
    measures = parts(compiled)[2]
    for batch in range(1, at.batch):
        if wrong(check, replace(at, batch=batch)) is not None:
            at = replace(at, batch=batch)
            break
    for axis, symbol in enumerate(compiled.network.input.symbols):
        for n in range(1, at.sizes[axis] if symbol else 1):
            sizes = (*at.sizes[:axis], n, *at.sizes[axis + 1 :])
            fewer = Example(sizes, at.batch, device_for(measures, sizes, at.batch))
            left -= 1
            if left < 0:
                return at
            if (not within or fewer.within(within)) and wrong(check, fewer) is not None:
                at = fewer
                break
    return at
