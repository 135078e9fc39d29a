"""Compares a compiled network with its real module at many inputs: one finding per property; failures are reduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from resnetc.api import Compiled
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf, list_leaves
from resnetc.compiler.measures.uncounted import add_uncounted
from resnetc.compiler.sizes import SizeSet
from resnetc.testing import assertions, values
from resnetc.testing.buffers import assert_buffers_agree
from resnetc.testing.calls import assert_calls_agree
from resnetc.testing.inputs import Example, device_for, edge_sizes
from resnetc.testing.replay import hold
from resnetc.testing.torch_measurements import Measured
from resnetc.testing.torch_module import run, too_few
from resnetc.testing.trial import Trial, parts

COUNTED = 2  # accepted inputs at which costs are counted
MAX_EXTERNS = 16  # operations of the user's own, by class, arguments and channels
EXTERN = "extern "  # what the finding about one is called, and its name
SHRINKING = 64  # of the smallest sizes of an axis are tried one by one to make a failure smaller

Check = Callable[[Example], None]
Within = Sequence[SizeSet]


@record(eq=True)
class Failure:
    """What went wrong, and the smallest input that was found to show it; None where no input is needed."""

    message: str
    example: Example | None


@record(eq=True)
class Finding:
    """One property of one network: the number of inputs it was tried with, what was seen, the failure if any."""

    name: str
    examples: int
    detail: str
    failure: Failure | None = None


def exercise(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Iterator[Finding]:
    """Every built-in property at the inputs that it needs. Imports torch, and builds the module once a device."""
    lies = False
    for finding in externs(compiled):
        lies = lies or finding.failure is not None
        yield finding
    for name in PROPERTIES if not lies else ():  # what is predicted follows from what is declared
        if name != "activations" or not parts(compiled).measures.uncounted.activation_bytes:
            yield PROPERTIES[name](compiled, inputs)


def externs(compiled: Compiled | Trial) -> Iterator[Finding]:
    """Each class of the user's own does what its declaration says, with all arguments that it has in the network."""
    distinct: dict[object, Leaf] = {}
    for leaf in list_leaves(compiled.network.root):
        if leaf.external is not None:
            distinct.setdefault((leaf.external.definition, leaf.arguments, leaf.shape_in.channels), leaf)
    if not distinct:
        return
    from resnetc.testing import extern_checks

    for leaf in [*distinct.values()][:MAX_EXTERNS]:
        answer = extern_checks.check(leaf)
        failure = None if answer.failure is None else Failure(answer.failure, None)
        yield Finding(f"{EXTERN}{leaf.primitive.name}", max(answer.examples, 1), answer.detail, failure)


# -- properties -------------------------------------------------------------------------------------------------------


def shapes(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """A size is accepted exactly when the module runs at it without broadcasting a map; all shapes are as predicted."""

    def check(at: Example) -> None:
        assertions.assert_shapes_agree(compiled, at.sizes, at.batch, at.device)

    accepted = len(taken(compiled, inputs))
    edges = set(edge_sizes(compiled.network, parts(compiled).accepted))
    counts = [
        f"{sum(at.sizes in edges for at in inputs)} on or next to a boundary",
        f"{accepted} accepted, {len(inputs) - accepted} rejected by both",
        f"batches of {', '.join(map(str, sorted({at.batch for at in inputs})))}",
    ]
    if shadows := sum(at.device == "meta" for at in inputs):
        counts.append(f"{shadows} without numbers (`meta`)")
    finding, (network, _, _, source) = tried("shapes", check, inputs, "; ".join(counts), compiled), parts(compiled)
    if finding.failure is None:
        single = [at for at in inputs if at.batch == 1 and too_few(run(source, network, at.sizes, 1, at.device))]
        if single:
            reason = "with two images instead of one, because a norm needs more than one value"
            detail = f"{finding.detail}; {len(single)} {reason}"
            return replace(finding, detail=detail)
    return finding


def strides(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Where the input grows by a multiple of a stage's stride, the stage's map grows by that multiple."""
    return alone("strides", lambda: assertions.assert_strides_agree(compiled), "of every stage, along every open axis")


def state(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """The state dict: keys, order, shapes, sums."""
    measures = parts(compiled).measures
    device = device_for(measures, compiled.network.input.sizes, 0)
    missing = measures.uncounted
    parameters = add_uncounted(f"{measures.parameters:,} parameters", missing.parameters)
    buffers = add_uncounted(f"{measures.buffers:,} elements in buffers", missing.buffers)
    detail = f"keys, order and shapes; {parameters}, {buffers}"
    return alone("state", lambda: assertions.assert_state_agrees(compiled, device), detail)


def multiply_adds(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Torch's own counter finds the multiply-adds."""
    last = counted(compiled, inputs)
    _, accepted, measures, _ = parts(compiled)
    most = max((measures.count_multiply_adds(at.sizes) for at in last), default=0)

    def check(at: Example) -> None:
        assertions.assert_multiply_adds_agree(compiled, at.sizes)

    detail = f"up to {add_uncounted(f'{most:,}', measures.uncounted.multiply_adds)} per image"
    return tried("multiply_adds", check, last, detail, compiled, accepted.axes)


def activations(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Autograd keeps the predicted bytes of an image while training."""
    last = counted(compiled, inputs)
    network, accepted, measures, _ = parts(compiled)
    measured = Measured(*parts(compiled))
    most = max((measures.count_activation_bytes(at.sizes) for at in last), default=0)

    def check(at: Example) -> None:
        measured_bytes, predicted = measured.activation_bytes(at.sizes), measures.count_activation_bytes(at.sizes)
        hold(
            measured_bytes == predicted,
            f"{network.name} at {at}: autograd keeps {measured_bytes} bytes of an image, predicted {predicted}",
        )

    return tried("activations", check, last, f"up to {most:,} bytes per image, in float32", compiled, accepted.axes)


def calls(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """Each module runs once for every step of the network."""

    def check(at: Example) -> None:
        assert_calls_agree(compiled, at.sizes, at.device)

    detail = "every module once for each of its steps"
    return tried("calls", check, taken(compiled, inputs)[:1], detail, compiled, parts(compiled).accepted.axes)


def buffers(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """A training step leaves every buffer as the network's steps say."""

    def check(at: Example) -> None:
        assert_buffers_agree(compiled, at.sizes)

    return compared("buffers", check, compiled, inputs, "after one training step")


def images(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """In evaluation mode an image's output depends on no other image."""

    def check(at: Example) -> None:
        values.assert_images_independent(compiled, at.sizes)

    detail = "an image by itself, in a batch, in another order"
    return compared("images", check, compiled, inputs, detail)


def layouts(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """The output does not depend on the order of the channels in memory."""

    def check(at: Example) -> None:
        values.assert_layouts_agree(compiled, at.sizes)

    return compared("layouts", check, compiled, inputs, "channels first and last in memory")


def outputs(compiled: Compiled | Trial, inputs: Sequence[Example]) -> Finding:
    """The module gives what its operations give one after the other, each shape on the way as predicted."""

    def check(at: Example) -> None:
        values.assert_outputs_agree(compiled, at.sizes)

    return compared("outputs", check, compiled, inputs, "of all operations, run one by one")


PROPERTIES: dict[str, Callable[[Compiled | Trial, Sequence[Example]], Finding]] = {
    "shapes": shapes,
    "strides": strides,
    "state": state,
    "multiply_adds": multiply_adds,
    "activations": activations,
    "calls": calls,
    "buffers": buffers,
    "images": images,
    "layouts": layouts,
    "outputs": outputs,
}


# -- trying -----------------------------------------------------------------------------------------------------------


def taken(compiled: Compiled | Trial, inputs: Sequence[Example]) -> list[Example]:
    """The inputs that the compiler accepts."""
    accepted = parts(compiled).accepted
    return [at for at in inputs if at.within(accepted.axes)]


def counted(compiled: Compiled | Trial, inputs: Sequence[Example]) -> list[Example]:
    """A few accepted inputs of different sizes, the declared ones among them."""
    declared = compiled.network.input.sizes
    chosen = {at.sizes: at for at in sorted(taken(compiled, inputs), key=lambda at: at.sizes == declared)}
    return [*chosen.values()][-COUNTED:]


def compared(name: str, check: Check, compiled: Compiled | Trial, inputs: Sequence[Example], detail: str) -> Finding:
    """A property of numbers: at an accepted input that is run with them, of middle size."""
    fitting = taken(compiled, inputs)
    real = sorted((at for at in fitting if at.device == "cpu"), key=lambda at: at.sizes)
    chosen = real[len(real) // 2 :][:1]
    if not chosen:
        detail = "it needs real numbers, and computing them would take too long" if fitting else "none is accepted"
    return tried(name, check, chosen, detail, compiled, parts(compiled).accepted.axes)


def tried(
    name: str, check: Check, inputs: Sequence[Example], detail: str, compiled: Compiled | Trial, within: Within = ()
) -> Finding:
    """A property at all inputs, or to the first at which it fails; that is made smaller `within` its sets of sizes."""
    for number, at in enumerate(inputs, 1):
        if wrong(check, at) is not None:
            least = smallest(check, at, compiled, within)
            return Finding(name, number, detail, Failure(wrong(check, least) or "", least))
    return Finding(name, len(inputs), detail)


def alone(name: str, check: Callable[[], None], detail: str) -> Finding:
    """A property of the module as it is."""
    message = wrong(lambda _: check(), Example((), 0))
    return Finding(name, 1, detail, None if message is None else Failure(message, None))


def wrong(check: Check, at: Example) -> str | None:
    """How a property fails at an input; None where it holds. What is raised on the way is a failure as well.

    Whatever is drawn is drawn the same every time, so that an input alone is enough to replay it.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            check(at)
    except AssertionError as failed:
        return str(failed).strip()
    except Exception as raised:
        return f"raises {type(raised).__name__}: {' '.join(str(raised).split())}"
    return None


def smallest(check: Check, at: Example, compiled: Compiled | Trial, within: Within) -> Example:
    """A smaller input at which a property fails too: fewer images first, then a smaller size, axis by axis.

    It is the smallest if one of the first sizes fails, or if all do from some size on.
    """
    measures = parts(compiled).measures
    for batch in range(1, at.batch):
        if wrong(check, replace(at, batch=batch)) is not None:
            at = replace(at, batch=batch)
            break
    for axis, symbol in enumerate(compiled.network.input.symbols):
        sizes = [(*at.sizes[:axis], n, *at.sizes[axis + 1 :]) for n in range(1, at.sizes[axis] if symbol else 1)]
        fewer = [Example(other, at.batch, device_for(measures, other, at.batch)) for other in sizes]
        allowed = [other for other in fewer if not within or other.within(within)]
        at = next((other for other in allowed[:SHRINKING] if wrong(check, other) is not None), at)
        if at not in allowed[:SHRINKING]:  # it often fails from some size on: halving the rest leads there
            passes, fails = min(SHRINKING, len(allowed)) - 1, len(allowed)
            while fails - passes > 1:
                middle = (passes + fails) // 2
                if wrong(check, allowed[middle]) is None:
                    passes = middle
                else:
                    at, fails = allowed[middle], middle
    return at
