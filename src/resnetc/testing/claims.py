"""`expect` once more, at one input and with the numbers of the real module in place of the compiler's."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from resnetc.api import Compiled
from resnetc.compiler import syntax
from resnetc.compiler.contracts import Contract
from resnetc.compiler.diagnostics import Fault
from resnetc.compiler.evaluate import Evaluator, Frame
from resnetc.compiler.expect import Claims, mentioned
from resnetc.compiler.prove import allowed
from resnetc.compiler.shapes import axis as along
from resnetc.compiler.sizes import EMPTY
from resnetc.compiler.symbolic import Claim, plain
from resnetc.compiler.values import Record, Value, describe, normal_size
from resnetc.testing.exercise import Finding, tried
from resnetc.testing.inputs import Example, Sizes
from resnetc.testing.measured import Measured
from resnetc.testing.real import run

UNMEASURED = frozenset(("receptive_field",))  # no run of a module shows them


class OnModule(Claims):
    """Evaluates claims with shapes that the module gave, parameters and multiply-adds that were counted on it."""

    def __init__(self, compiled: Compiled, measured: Measured, evaluator: Evaluator) -> None:
        super().__init__(compiled.network, compiled.checked.accepted, compiled.checked.measures, evaluator)
        self.measured = measured

    def take(self, at: Example) -> None:
        """Goes to an input at which the module runs: what was measured there stands for every name."""
        sizes, declared = at.sizes, self.network.input
        found = run(self.measured.source, self.network, sizes, at.batch, at.device)
        for number, (stage, shape) in enumerate(zip(self.network.stages, found.stages, strict=True)):
            more = {"stride": partial(self.stride, number), "blocks": self.measured.blocks[number]}
            self.stages[stage.path] = concrete(stage.name, shape, more)
        output = found.output if isinstance(found.output, tuple) else found.stages[-1]
        self.known |= {
            "input": concrete("input", (declared.channels, *sizes), {}),
            "output": concrete("output", output, {}),
            "parameters": self.measured.parameters,
            "buffers": self.measured.buffers,
            **{symbol: n for symbol, n in zip(declared.symbols, sizes, strict=True) if symbol},
        }

    def runs(self, at: Example) -> bool:
        """Whether the module runs at all; where it does not, that is another property's failure."""
        try:
            return run(self.measured.source, self.network, at.sizes, at.batch, at.device).refusal is None
        except Exception:
            return False

    def stride(self, number: int) -> Value:
        """Of a stage, as its map grows; what the compiler says where no input could show it."""
        grown, predicted = self.measured.strides[number], self.measured.predicted.stages[number].stride
        return normal_size(tuple(along(predicted, i) if s is None else s for i, s in enumerate(grown)))

    def attribute(self, expr: syntax.Attribute, frame: Frame) -> Value:
        value = super().attribute(expr, frame)
        return value() if isinstance(value, partial) else value

    def name(self, expr: syntax.Name, frame: Frame) -> Value:
        # Counted when a claim asks for them, for each takes runs of its own; strides as well.
        if expr.id not in frame.locals and expr.id == "weighted_layers":
            return self.measured.weighted_layers
        if expr.id not in frame.locals and expr.id == "multiply_adds":
            return self.measured.multiply_adds(self.network.input.sizes).layers
        return super().name(expr, frame)

    def hold(self, expect: syntax.Expect, frame: Frame, at: Example) -> None:
        """Raises an AssertionError where the claim is false at an input, or cannot be evaluated there."""
        where = f"{self.network.name} at {at}"
        self.take(at)
        self.false.clear()
        try:
            if expect.condition is not None and not self.flag(expect.condition, frame):
                return
            true = self.flag(expect.claim, frame)
        except Fault as fault:
            raise AssertionError(f"{where}: {fault.diagnostic.message}") from None
        values = "; ".join(f"`{plain(c.expr.span.text)}` compares {told(c)}" for c in self.false)
        assert true, f"{where}: the claim is false on the module{': ' if values else ''}{values}"


def concrete(name: str, shape: Sizes, more: dict[str, Value]) -> Record:
    return Record(f"`{name}`", {"shape": shape, "channels": shape[0], **more})


def told(claim: Claim) -> str:
    return f"{describe(claim.left)} with {describe(claim.right)}"


def claim(
    contract: Contract, compiled: Compiled, inputs: Iterable[Example], evaluator: Evaluator, measured: Measured
) -> Finding | None:
    """A claim that the compiler found true, at the promised inputs; None where no run can show what it speaks of.

    One that does not depend on the input's size is tried with the declared one.
    """
    network, accepted = compiled.network, compiled.checked.accepted
    expect, frame = next(pair for pair in network.expects if pair[0].claim.span == contract.span)
    if mentioned(expect.claim) & UNMEASURED:
        return None
    judge = OnModule(compiled, measured, evaluator)
    # What does not depend on the size fails at every size: there is nothing to make smaller.
    within = [EMPTY] * len(accepted.axes)
    meant = [Example(network.input.sizes, 1, measured.device(network.input.sizes))]
    if contract.verdict == "proved":
        within = [allowed(network, accepted, axis) for axis in range(len(accepted.axes))]
        meant = [*{at.sizes: at for at in inputs if at.within(within)}.values()]

    def check(at: Example) -> None:
        if judge.runs(at):
            judge.hold(expect, frame, at)

    return tried(f"expect {contract.text}", check, [at for at in meant if judge.runs(at)], "", compiled, within)
