"""Evaluates the names in claims: figures, stages, costs, other models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import ClassVar

from resnetc.compiler.claims import errors as claims_errors
from resnetc.compiler.claims.claimed_sizes import ClaimedSizes
from resnetc.compiler.claims.corrections import correct_expression
from resnetc.compiler.claims.facts import COSTS, PRECISIONS, QUESTIONS, Facts
from resnetc.compiler.claims.other_models import OtherModels
from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation import errors
from resnetc.compiler.evaluation.arithmetic import COMPARISONS
from resnetc.compiler.evaluation.evaluator import Evaluator, Rule, indexed_elements
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import ModelValue, Record, Value
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.sizes import ALL, preimage
from resnetc.compiler.source import Span
from resnetc.compiler.symbolic.evaluator import Causes, SizedEvaluator, mentions_sizes
from resnetc.compiler.symbolic.values import SymInt, join_lines
from resnetc.compiler.syntax import tree as syntax

Answer = Callable[[Facts, str, list[Value], syntax.Call], bool]
"""What `accepts(...)` and `refuses(...)` come to: of a network, by their name and their values."""


@record(eq=True)
class StagePrefix:
    """The beginning of a stage's path: `stages` or `stages[0]` of `stages[0].blocks`."""

    kind: ClassVar[str] = "a size"

    facts: Facts
    path: Path

    def list_stages(self) -> list[str]:
        return [show_path(path) for path in self.facts.stages if path[: len(self.path)] == self.path]


class ClaimEvaluator:
    """Evaluates what a claim mentions: a stage has fields, `H` is a size, a cost is that of the sizes meant.

    `answer` is asked where a claim asks which sizes are accepted; `blamed` are lists of what makes its answers false.
    """

    def __init__(
        self, evaluator: Evaluator, about: ClaimedSizes, answer: Answer, blamed: Sequence[Causes] = ()
    ) -> None:
        self.about, self.own, self.answer = about, about.own, answer
        sizes = zip(self.own.symbols, self.own.inputs, strict=True)
        sizes_by_symbol = {symbol: size for symbol, size in sizes if symbol is not None}
        self.sized = SizedEvaluator(evaluator, sizes_by_symbol, blamed)
        self.evaluator = self.sized.evaluator
        self.others = OtherModels(evaluator, self.own.inputs)
        self.symbols = frozenset(sizes_by_symbol)
        self.open = False  # costs are told for the sizes of the input, and not for the declared ones
        self.around: syntax.Binary | None = None  # the operation that is being evaluated
        self.parts: dict[type, Rule] = {
            syntax.Name: self.name,
            syntax.Attribute: self.attribute,
            syntax.Index: self.index,
        }
        self.calls = self.evaluator.rules[syntax.Call]
        self.evaluator.rules |= dict.fromkeys(self.parts, self.require_value)
        self.evaluator.rules |= {syntax.Binary: self.binary, syntax.Call: self.call}

    def begin(self, expect: syntax.Expect) -> None:
        """Forgets the claim before. A cost alone is that of the declared size, but under a condition about sizes."""
        self.sized.false.clear()
        self.around = None
        self.open = expect.condition is not None and mentions_sizes(expect.condition, self.symbols)

    # -- names --------------------------------------------------------------------------------------------------------

    def name(self, expr: syntax.Name, frame: Frame) -> Value:
        own = self.own
        if expr.id not in frame.locals and expr.id not in self.sized.values and has_fact(own, expr.id):
            return self.find_fact(own, expr.id, expr.span)
        stages = (str(path[0]) for path in own.stages)
        return self.sized.name(expr, frame, chain(own.fields, COSTS, QUESTIONS, stages))

    def find_fact(self, facts: Facts, name: str, span: Span) -> Value:
        """What is known of a network under a name."""
        if facts.is_stage_prefix(name):
            return self.find_stage(facts, (name,), span)
        if name in COSTS:
            return self.evaluate_cost(facts, name, facts.inputs if self.open else facts.declared, 1, "float32", span)
        if name in QUESTIONS:
            raise Fault(claims_errors.wrong_question(name, span, "must be called with sizes", facts.symbols))
        if name not in facts.fields:
            names = [*facts.fields, *COSTS, *QUESTIONS, *(str(path[0]) for path in facts.stages)]
            raise Fault(errors.no_field(f"`{facts.name}`", name, span, names))
        if name == "receptive_field" and facts.global_because:
            raise Fault(claims_errors.whole_input(facts, span))
        if missing := facts.uncounted.get_names(name):
            raise Fault(claims_errors.figure_not_counted(facts, name, missing, span))
        if isinstance(facts.fields[name], Record):
            self.about.add_model(facts, span)
        return facts.fields[name]

    def find_stage(self, facts: Facts, path: Path, span: Span) -> Record | StagePrefix:
        """The stage of a path, or the beginning of one."""
        if path in facts.stages:
            self.about.add_model(facts, span)
            return facts.stages[path]
        if any(other[: len(path)] == path for other in facts.stages):
            return StagePrefix(facts, path)
        raise Fault(claims_errors.unknown_stage(show_path(path), span, [show_path(other) for other in facts.stages]))

    def attribute(self, expr: syntax.Attribute, frame: Frame) -> Value:
        value, name = self.evaluate_part(expr.value, frame), expr.name.id
        match value:
            case StagePrefix(facts, path):
                return self.find_stage(facts, (*path, name), expr.span)
            case Record(what, fields):
                if name not in fields:
                    raise Fault(errors.no_field(what, name, expr.name.span, list(fields)))
                return fields[name]
            case ModelValue():
                return self.find_fact(self.others.find_facts(value, expr.value.span), name, expr.name.span)
        return self.evaluator.field(value, expr)

    def index(self, expr: syntax.Index, frame: Frame) -> Value:
        if indexed_elements(expr.value, frame) is not None:
            return self.evaluator.index(expr, frame)
        index = self.evaluator.integer(expr.index, frame)
        value = self.evaluate_part(expr.value, frame)
        if isinstance(value, StagePrefix):
            return self.find_stage(value.facts, (*value.path, index), expr.span)
        if isinstance(value, Record):
            write = f"{join_lines(expr.value.span.text)}.shape[{index}]"
            raise Fault(claims_errors.no_value(expr.value.span, list(value.fields), write))
        return self.evaluator.element(value, index, expr, frame)

    # -- what has fields, and is no value -----------------------------------------------------------------------------

    def require_value(self, expr: syntax.Expr, frame: Frame) -> Value:
        """A value: a stage and the output have fields, and are none themselves."""
        value = self.evaluate_part(expr, frame)
        if isinstance(value, StagePrefix):
            raise Fault(claims_errors.no_value(expr.span, value.list_stages(), stages=True))
        if isinstance(value, Record):
            raise Fault(claims_errors.no_value(expr.span, list(value.fields), self.suggest_field(expr, value, frame)))
        return value

    def evaluate_part(self, expr: syntax.Expr, frame: Frame) -> Value:
        """What a field or an element is taken of: a value, or something that only has fields."""
        rule = self.parts.get(type(expr))
        return self.evaluator.evaluate(expr, frame) if rule is None else rule(expr, frame)

    def suggest_field(self, expr: syntax.Expr, value: Record, frame: Frame) -> str | None:
        """The comparison of something that has fields with a list, by its shape; None in any other place."""
        around = self.around
        if around is None or around.op not in COMPARISONS or not (expr is around.left or expr is around.right):
            return None
        other = around.right if expr is around.left else around.left
        ours, theirs = f"{join_lines(expr.span.text)}.shape", join_lines(other.span.text)
        try:
            said = self.evaluate_part(other, frame)
        except Fault:
            return None
        if isinstance(said, Record):
            theirs = f"{theirs}.shape"
        elif isinstance(said, tuple) and around.op == "==":
            theirs = (
                correct_expression(other, said, value.fields["shape"], frame.spec, partial(self.about.is_equal, around))
                or theirs
            )
        elif not isinstance(said, tuple):
            return None
        return f"{ours} {around.op} {theirs}" if expr is around.left else f"{theirs} {around.op} {ours}"

    # -- comparisons and calls ----------------------------------------------------------------------------------------

    def binary(self, expr: syntax.Binary, frame: Frame) -> Value:
        outer = self.open, self.around
        self.open = self.open or (expr.op not in ("and", "or") and mentions_sizes(expr, self.symbols))
        self.around = expr
        value = self.sized.binary(expr, frame)
        self.open, self.around = outer
        return value

    def call(self, expr: syntax.Call, frame: Frame) -> Value:
        question = self.find_question(expr.callee, frame)
        if question is None:
            return self.calls(expr, frame)
        facts, name = question
        named = {a.name.id: a for a in expr.arguments if a.name is not None}
        values = [self.evaluator.evaluate(a.value, frame) for a in expr.arguments if a.name is None]
        parameters = ["batch", "precision"] if name == "activation_bytes" else []
        for keyword, argument in named.items():
            if keyword not in parameters:
                raise Fault(errors.unknown_parameter(name, keyword, argument.span, parameters, []))
        if name in QUESTIONS:
            return self.answer(facts, name, values, expr)
        sizes = values or list(facts.inputs if self.open else facts.declared)
        if len(sizes) != len(facts.symbols):
            raise Fault(
                claims_errors.wrong_question(
                    name, expr.span, f"is called with {len(sizes)} of {len(facts.symbols)} sizes", facts.symbols
                )
            )
        batch, precision = 1, "float32"
        if "batch" in named:
            batch = self.evaluator.integer(named["batch"].value, frame)
            if batch < 1:
                raise Fault(
                    claims_errors.wrong_question(
                        name, named["batch"].span, f"is called with a batch of {batch}", facts.symbols
                    )
                )
        if "precision" in named:
            stated = self.evaluator.evaluate(named["precision"].value, frame)
            if not isinstance(stated, str) or stated not in PRECISIONS:
                raise Fault(claims_errors.not_a_precision(named["precision"].span, stated))
            precision = stated
        return self.evaluate_cost(facts, name, sizes, batch, precision, expr.span)

    def find_question(self, callee: syntax.Expr, frame: Frame) -> tuple[Facts, str] | None:
        """The network and the name where a call asks for a cost, or whether sizes are accepted."""
        match callee:
            case syntax.Name(id) if id in (*COSTS, *QUESTIONS) and id not in frame.locals:
                return None if self.own.is_stage_prefix(id) else (self.own, id)
            case syntax.Attribute(value, name) if name.id in (*COSTS, *QUESTIONS):
                target = self.evaluate_part(value, frame)
                if isinstance(target, ModelValue):
                    return self.others.find_facts(target, value.span), name.id
        return None

    def evaluate_cost(
        self, facts: Facts, name: str, sizes: Sequence[Value], batch: int, precision: str, span: Span
    ) -> Value:
        """A cost at these sizes, which the network must accept."""
        if missing := facts.uncounted.get_names(name):
            raise Fault(claims_errors.figure_not_counted(facts, name, missing, span))
        for axis, size in enumerate(sizes):
            whole = isinstance(size, SymInt) and size.divisor == 1
            if not (whole or (isinstance(size, int) and not isinstance(size, bool))):
                raise Fault(claims_errors.not_an_integer(name, size, span, facts.symbols))
            self.require_accepted(facts, axis, size, span)
        if any(isinstance(size, SymInt) for size in sizes):
            self.about.add_model(facts, span)
        if name == "multiply_adds":
            return facts.multiply_adds(sizes, span)
        return facts.activation_bytes(sizes, batch, precision, span)

    def require_accepted(self, facts: Facts, axis: int, size: Value, span: Span) -> None:
        """Refuses a size that the network does not take."""
        if isinstance(size, SymInt):
            mine = self.own.promised[size.axis] & self.about.list_sizes(size.axis)
            if facts is not self.own:
                mine &= facts.promised[axis] if size.axis == axis else ALL
            outside = (mine - preimage(size.fn, facts.accepted[axis])).min
            if outside is not None:
                raise Fault(
                    claims_errors.size_not_accepted(
                        facts, axis, size.evaluate(outside), span, f" (for {size.symbol} = {outside})"
                    )
                )
        elif not isinstance(size, int) or size < 1 or size not in facts.accepted[axis]:
            raise Fault(claims_errors.size_not_accepted(facts, axis, size, span))


def has_fact(facts: Facts, name: str) -> bool:
    """Whether a network has something of this name that claims speak of."""
    return facts.is_stage_prefix(name) or name in facts.fields or name in (*COSTS, *QUESTIONS)
