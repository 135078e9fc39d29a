"""Evaluates `expect` at one input, with numbers measured on the real module instead of the compiler's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

from resnetc.api import Compiled
from resnetc.compiler.claims.claimed_sizes import ClaimedSizes
from resnetc.compiler.claims.contract import Contract
from resnetc.compiler.claims.evaluator import ClaimEvaluator
from resnetc.compiler.claims.facts import QUESTIONS, Facts, collect_facts
from resnetc.compiler.claims.questions import Questions
from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import Record, Value, describe, normal_size
from resnetc.compiler.ir.network import Network
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.proof.accepted_sizes import intersect_with_declared
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.compiler.sizes import ALL, EMPTY
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.evaluator import list_mentioned_names
from resnetc.compiler.symbolic.predicates import Comparison
from resnetc.compiler.symbolic.values import join_lines
from resnetc.compiler.syntax import tree as syntax
from resnetc.testing.exercise import Finding, tried
from resnetc.testing.inputs import Example, Sizes, quick_device_for
from resnetc.testing.regions import regions, sizes_inside
from resnetc.testing.torch_measurements import Measured
from resnetc.testing.torch_module import run_enough

INSIDE = 8  # inputs inside of what a claim speaks of by itself, besides those of the network


class Counted(Mapping[str, Value]):
    """Fields by their names; those given by a function are counted when they are asked for, as they take runs."""

    def __init__(self, fields: Mapping[str, Value | Callable[[], Value]]) -> None:
        self.fields = fields

    def __getitem__(self, name: str) -> Value:
        value = self.fields[name]
        return value() if callable(value) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


class OnModule:
    """Evaluates claims with shapes that the module gave, parameters and multiply-adds that were counted on it."""

    def __init__(self, compiled: Compiled, measured: Measured, evaluator: Evaluator, at: Example) -> None:
        """At an input at which the module runs: what was measured there stands for every name."""
        self.measured, self.network, self.sizes = measured, compiled.network, at.sizes
        self.runs: set[Sizes] = set()  # where the module was asked, or its costs were counted
        self.own = self.facts(compiled, at)
        self.about = ClaimedSizes(self.own)
        self.questions = Questions(self.about)
        mentions = ClaimEvaluator(evaluator, self.about, self.answer, (self.questions.refusals,))
        self.mentions, self.sized = mentions, mentions.sized

    def facts(self, compiled: Compiled, at: Example) -> Facts:
        """What is known of the module at an input."""
        checked, measured = compiled.checked, self.measured
        predicted = collect_facts(self.network.name, self.network, checked.accepted, checked.measures, at.sizes)
        fields = {
            **predicted.fields,
            "weighted_layers": lambda: measured.weighted_layers,
            "receptive_field": lambda: measured.receptive_field,
        }
        run = run_enough(measured.source, self.network, at.sizes, at.batch, at.device)
        if run.refusal is not None:
            return replace(predicted, fields=Counted(fields), global_because=())
        stages: dict[Path, Record] = {}
        for number, (stage, shape) in enumerate(zip(self.network.stages, run.stages, strict=True)):
            more: dict[str, Value | Callable[[], Value]] = {
                "stride": partial(self.stride, number),
                "blocks": measured.blocks[number],
            }
            stages[stage.path] = concrete(stage.name, shape, more)
        output = run.output if isinstance(run.output, tuple) else run.stages[-1]
        fields |= {
            "output": concrete("output", output, {}),
            "parameters": measured.parameters,
            "buffers": measured.buffers,
        }
        predicted = replace(predicted, multiply_adds=self.multiply_adds, activation_bytes=self.activation_bytes)
        return replace(predicted, fields=Counted(fields), global_because=(), stages=stages)

    def stride(self, number: int) -> Value:
        """Of a stage, as its map grows; what the compiler says where no input could show it."""
        grown, predicted = self.measured.strides[number], self.measured.predicted.stages[number].stride
        return normal_size(tuple(get_size_on_axis(predicted, i) if s is None else s for i, s in enumerate(grown)))

    def multiply_adds(self, sizes: Sequence[Value], span: Span) -> Value:
        at = as_sizes(sizes)
        self.runs.add(at)
        return self.measured.multiply_adds(at).layers

    def activation_bytes(self, sizes: Sequence[Value], batch: int, precision: str, span: Span) -> Value:
        at = as_sizes(sizes)
        self.runs.add(at)
        return batch * self.measured.activation_bytes(at, precision)

    def answer(self, facts: Facts, name: str, values: list[Value], expr: syntax.Call) -> bool:
        """Whether the module runs at what is asked: this input, a size of one axis, or sizes that are given."""
        if facts is not self.own:
            return self.questions.answer(facts, name, values, expr)
        sizes, argument = tuple(values), expr.arguments[0].value
        if len(values) == 1 and isinstance(values[0], bool):
            if not values[0]:
                return True
            sizes = self.sizes
        elif len(values) == 1 and isinstance(argument, syntax.Name) and argument.id in facts.symbols:
            axis = facts.symbols.index(argument.id)
            sizes = (*self.measured.least[:axis], values[0], *self.measured.least[axis + 1 :])
        declared = zip(sizes, self.network.input.symbols, self.network.input.sizes, strict=True)
        if not all(symbol or size == fixed for size, symbol, fixed in declared):
            return self.questions.answer(facts, name, values, expr)
        self.runs.add(at := as_sizes(sizes))
        return (self.measured.run(at).refusal is None) is (name == "accepts")

    def shared(self, at: Example) -> bool:
        """Whether the other models of a claim take the input too: of others it says nothing."""
        return all(at.within(limits) for limits in self.about.limits)

    def hold(self, expect: syntax.Expect, frame: Frame, at: Example) -> bool:
        """Raises an AssertionError where the claim is false at an input, or cannot be evaluated there.

        Returns whether it says anything of the input.
        """
        where = f"{self.network.name} at {at}"
        self.about.begin()
        self.questions.begin()
        self.mentions.begin(expect)
        try:
            if expect.condition is not None and not self.sized.flag(expect.condition, frame):
                return False
            self.sized.false.clear()
            true = self.sized.flag(expect.claim, frame)
        except Fault as fault:
            if not self.shared(at):
                return False
            raise AssertionError(f"{where}: {fault.diagnostic.message}") from None
        if not self.shared(at):
            return False
        if true:
            return True
        values = "; ".join(
            f"`{join_lines(c.expr.span.text)}` compares {format_comparison(c)}" for c in self.sized.false
        )
        raise AssertionError(f"{where}: the claim is false on the module{': ' if values else ''}{values}")


def runs(compiled: Compiled, measured: Measured, at: Example) -> bool:
    """Whether the module runs at all; where it does not, that is another property's failure."""
    try:
        return run_enough(measured.source, compiled.network, at.sizes, at.batch, at.device).refusal is None
    except Exception:
        return False


def as_sizes(values: Sequence[Value]) -> Sizes:
    """The sizes that a claim asks about: on a module all of them are numbers."""
    sizes = tuple(value for value in values if isinstance(value, int))
    assert len(sizes) == len(values)
    return sizes


def concrete(name: str, shape: Sizes, more: Mapping[str, Value | Callable[[], Value]]) -> Record:
    return Record(f"`{name}`", Counted({"shape": shape, "channels": shape[0], **more}))


def format_comparison(claim: Comparison) -> str:
    return f"{describe(claim.left)} with {describe(claim.right)}"


def claim(
    contract: Contract,
    compiled: Compiled,
    inputs: Sequence[Example],
    evaluator: Evaluator,
    measured: Measured,
    alone: bool = False,
) -> Finding | None:
    """A claim that the compiler found true, at the promised inputs; None where no run can show what it speaks of.

    One with a condition, or about sizes of its own, is tried inside of these too, unless the inputs `alone` are meant;
    one that does not depend on the input's size with the declared one. `examples` are the inputs of which it says
    something, `detail` where the module was run for it.
    """
    network, accepted = compiled.network, compiled.checked.accepted
    speaks_of = list_mentioned_names(contract.expect.claim, of_fields=True)
    # A question about accepted sizes is asked of refused inputs too, all else where the module runs.
    is_about_sizes = speaks_of - contract.frame.locals.keys() <= {*QUESTIONS, *network.input.symbols}
    promised = [
        ALL if is_about_sizes else intersect_with_declared(network, accepted, axis)
        for axis in range(len(accepted.axes))
    ]
    smaller = promised if is_about_sizes else contract.sizes
    examples = [*{at.sizes: at for at in inputs if at.within(promised)}.values()]
    if contract.verdict == "proved" and not alone:
        own = regions(contract, compiled, evaluator)
        most = min(INSIDE, len(inputs) // 2)
        batch = inputs[0].batch if len({at.batch for at in inputs}) == 1 else 2
        tried_with = {at.sizes for at in examples}
        more = [s for s in sizes_inside(own, network, measured.least, most) if s not in tried_with]
        examples += [Example(s, batch, quick_device_for(measured.predicted, s, batch)) for s in more]
    if contract.verdict == "checked":
        # What does not depend on the size fails at every size: there is nothing to make smaller.
        smaller = [EMPTY for _ in promised]
        examples = [Example(network.input.sizes, 1, measured.device(network.input.sizes))]

    def fits(at: Example) -> bool:
        return is_about_sizes or runs(compiled, measured, at)

    shown: set[Sizes] = set()
    told_of: set[Sizes] = set()

    def check(at: Example) -> None:
        if fits(at):
            on_module = OnModule(compiled, measured, evaluator, at)
            if on_module.hold(contract.expect, contract.frame, at) and (on_module.runs or not is_about_sizes):
                told_of.add(at.sizes)
                shown.update(on_module.runs if is_about_sizes or contract.verdict == "checked" else {at.sizes})

    fitting = [at for at in examples if fits(at)]
    if fitting and "receptive_field" in speaks_of and measured.receptive_field is None:
        return None
    finding = tried(f"expect {contract.text}", check, fitting, "", compiled, smaller)
    return replace(finding, examples=len(told_of), detail=places(network, shown))


def places(network: Network, shown: set[Sizes]) -> str:
    """Where the module was run: one or two inputs by name, more by their number with the smallest and the largest."""
    ordered = sorted(shown, key=lambda sizes: (prod(sizes), sizes))
    names = ["x".join(map(str, (network.input.channels, *sizes))) for sizes in ordered]
    if len(names) <= 2:
        return " and ".join(names)
    return f"{len(names)} inputs from {names[0]} to {names[-1]}"
