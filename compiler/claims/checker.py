"""Proves or refutes the claims of a network.

A claim about sizes is proved for every size that the network accepts and its input allows, or refuted by the smallest
counterexample.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from resnetc.compiler.claims import errors
from resnetc.compiler.claims.claimed_sizes import (
    ClaimedSizes,
    Violation,
    compute_extent,
    find_counterexamples,
    is_nowhere,
    list_distinct_points,
)
from resnetc.compiler.claims.contract import Contract, Verdict
from resnetc.compiler.claims.corrections import correct_equality
from resnetc.compiler.claims.evaluator import ClaimEvaluator, has_fact
from resnetc.compiler.claims.facts import FIGURES, QUESTIONS, Facts, collect_facts, list_open_sizes
from resnetc.compiler.claims.questions import Questions
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault
from resnetc.compiler.evaluation.evaluator import AlreadyReported, Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network, StatedClaim
from resnetc.compiler.measures.summary import Measures
from resnetc.compiler.proof.accepted_sizes import Accepted
from resnetc.compiler.sizes import SizeSet, SizesTooIrregular
from resnetc.compiler.sizes.budget import Budget, BudgetSpent, within
from resnetc.compiler.symbolic.counterexamples import Undecided
from resnetc.compiler.symbolic.evaluator import list_mentioned_names
from resnetc.compiler.symbolic.polynomials import Point
from resnetc.compiler.symbolic.predicates import Comparison, Difference, SymBool, cover_sizes
from resnetc.compiler.symbolic.values import join_lines, undecided
from resnetc.compiler.syntax import tree as syntax


@record
class Finding:
    """What comes of a claim, as in its `Contract`."""

    verdict: Verdict
    sizes: tuple[SizeSet, ...] = ()
    fault: Diagnostic | None = None
    counterexamples: tuple[Point, ...] = ()


class ClaimChecker:
    """Judges the claims of one network: a comparison of sizes is a `SymBool`."""

    def __init__(self, own: Facts, evaluator: Evaluator) -> None:
        self.own = own
        self.claimed_sizes = ClaimedSizes(own)
        self.questions = Questions(self.claimed_sizes)
        self.claim_evaluator = ClaimEvaluator(
            evaluator, self.claimed_sizes, self.questions.answer, (self.questions.refusals,)
        )
        self.sized = self.claim_evaluator.sized

    def is_about_sizes(self, claim: syntax.Expr) -> bool:
        """Whether a claim speaks of shapes and sizes, and of nothing that slots change besides."""
        said = list_mentioned_names(claim, of_fields=True)
        stages = {str(path[0]) for path in self.own.stages}
        return bool(said & {*stages, *self.own.symbols, *QUESTIONS, "output"}) and not said & FIGURES

    def check(self, expect: syntax.Expect, frame: Frame) -> Finding:
        """What comes of a claim, at the sizes that its own condition leaves."""
        span, claimed_sizes = expect.claim.span, self.claimed_sizes
        claimed_sizes.begin()
        self.questions.begin()
        self.claim_evaluator.begin(expect)
        if expect.condition is not None:
            condition = self.sized.evaluate_condition(expect.condition, frame)
            if condition is False:
                return Finding("void")
            claimed_sizes.restrict_to_condition(condition, expect.condition.span)
        questions = list_mentioned_names(expect.claim, of_fields=True) & {*QUESTIONS}
        if all(
            is_nowhere(region.restrict({} if questions else claimed_sizes.within)) for region in claimed_sizes.condition
        ):
            return Finding("void")
        # A statement about sizes comes back as the regions in which it is broken. It is false if one of them meets the
        # sizes that the claim is about: those that the input promises, under the condition, and, where the claim
        # compares with other models, those that they take too (known only now, hence `apply_limits` after it). A
        # question such as `accepts(H == 7)` is about all sizes: a refused size is no counterexample, but the subject.
        # A region that is too irregular to search leaves the claim open only if no other region refutes it.
        self.sized.false.clear()
        statement = self.sized.evaluate_condition(expect.claim, frame)
        claimed_sizes.apply_limits()
        if statement is False:
            points = self.questions.refusals[0].counterexamples if self.questions.refusals else ()
            return Finding("false", fault=self.refuted(expect, frame), counterexamples=points)
        if claimed_sizes.limits and any(sizes.is_empty for sizes in claimed_sizes.within.values()):
            raise Fault(undecided(span, "no size passes through both models"))
        violations: list[Violation] = []
        undecided_by: Exception | None = None
        for region in statement.broken if isinstance(statement, SymBool) else ():
            try:
                broken = claimed_sizes.intersect_region(region, span)
                where = find_counterexamples(broken, self.own.declared)
            except (SizesTooIrregular, Undecided) as error:
                undecided_by = undecided_by or error
                continue
            if where is not None:
                violations.append(Violation(region, broken, *where))
        if undecided_by is not None and not violations:
            raise undecided_by
        if violations:
            least = min(violations, key=lambda b: compute_extent(b.least))
            nearest = min(violations, key=lambda b: compute_extent(b.near or b.least, self.own.declared))
            points = (
                claimed_sizes.restrict_point(least.least, least),
                claimed_sizes.restrict_point(nearest.near or nearest.least, nearest),
            )
            shown = (least.region.compared, *points, nearest.region.compared)
            write = self.suggest_equality(least.region.compared[0].comparison, frame)
            fault = errors.false_claim(expect, self.own, *shown, *write)
            return Finding("false", fault=fault, counterexamples=list_distinct_points(*points))
        if not claimed_sizes.mentions_sizes and not isinstance(statement, SymBool):
            return Finding("checked")
        regions = [region.restrict({} if questions else claimed_sizes.within) for region in claimed_sizes.condition]
        return Finding("proved", tuple(cover_sizes(regions, axis) for axis in claimed_sizes.within))

    def refuted(self, expect: syntax.Expect, frame: Frame) -> Diagnostic:
        """The fault of a claim that is false whatever the sizes."""
        if self.questions.refusals:
            why = self.questions.refusals[0]
            return errors.refuted(expect, self.own, why.message, why.primary, why.labels, why.notes, why.help)
        if not self.sized.false:
            return errors.false_claim(expect, self.own, (), None, None)
        claim = self.sized.false[0]
        compared = (Difference(claim, claim.left, claim.right),)
        return errors.false_claim(expect, self.own, compared, None, None, (), *self.suggest_equality(claim, frame))

    def suggest_equality(self, claim: Comparison, frame: Frame) -> tuple[str | None, bool]:
        """The equality to write instead of one that is false, and whether the network stands on the right of it."""
        left, right = (self.mentions_network(side) for side in (claim.expr.left, claim.expr.right))
        turned = right and not left
        return correct_equality(claim, turned, frame.spec, partial(self.claimed_sizes.is_equal, claim.expr)), turned

    def mentions_network(self, expr: syntax.Expr) -> bool:
        """Whether an expression speaks of this network or its sizes."""
        return any(name in self.sized.values or has_fact(self.own, name) for name in list_mentioned_names(expr))

    def make_contract(self, expect: syntax.Expect, frame: Frame, rebound: bool) -> Contract | None:
        """What comes of a claim; None where a fault that is reported already is in the way."""
        values = ((name, frame.locals[name]) for name in frame.rounds)
        rounds = ", ".join(f"{name} = {describe(v)}" for name, v in values if not isinstance(v, dict))
        text = join_lines(get_claim_text(expect)) + (f" for {rounds}" if rounds else "")
        contract = Contract(expect=expect, frame=frame, text=text, span=expect.claim.span, verdict="skipped")
        if rebound and not self.is_about_sizes(expect.claim):
            return contract
        try:
            finding = self.check(expect, frame)
        except Fault as raised:
            finding = Finding("undecided", fault=raised.diagnostic)
        except BudgetSpent as error:
            help = (
                "make fewer or simpler claims: use bounds instead of `==` and `!=`, and smaller numbers in `%` and `/`"
            )
            finding = Finding("undecided", fault=undecided(expect.claim.span, str(error), help))
        except (SizesTooIrregular, Undecided) as error:
            finding = Finding("undecided", fault=undecided(expect.claim.span, str(error)))
        except AlreadyReported:
            return None
        if rebound and finding.verdict == "false":
            return contract  # not of the network that it was made for
        fault = finding.fault
        if fault is not None and rounds:
            fault = replace(fault, notes=(*fault.notes, f"for {rounds}"))
        return replace(
            contract,
            verdict=finding.verdict,
            sizes=finding.sizes,
            fault=fault,
            counterexamples=finding.counterexamples,
        )


def get_claim_text(expect: syntax.Expect) -> str:
    """The claim and its condition as they are written."""
    end = (expect.condition or expect.claim).span.end
    return expect.span.source.text[expect.claim.span.start : end]


def check_contracts(
    network: Network, accepted: Accepted, measures: Measures, evaluator: Evaluator, budget: Budget
) -> tuple[Contract, ...]:
    """All claims of a network, in the order of their text, each with its verdict; a budget pays for all of them."""
    own = collect_facts(network.name, network, accepted, measures, list_open_sizes(network))
    claims = ClaimChecker(own, evaluator)
    with within(budget):
        rebound = bool(network.rebound_slots)
        contracts = [claims.make_contract(stated.expect, get_frame(stated), rebound) for stated in network.expects]
    return tuple(contract for contract in contracts if contract is not None)


def get_frame(stated: StatedClaim) -> Frame:
    """What the names in a claim stand for: the network carries it, and only the evaluation knows its type."""
    assert isinstance(stated.frame, Frame)
    return stated.frame
