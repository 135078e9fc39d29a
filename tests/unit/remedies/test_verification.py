"""How far a fix may be trusted: what compiles, what is one of several, what is only words."""

from dataclasses import replace

import pytest

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion
from resnetc.compiler.remedies.verification import MAX_COST, Recompile, verify_fixes
from resnetc.compiler.source import Source, Span

TEXT = Source("net.resnet", "out = main + side\n")
HERE = Span(TEXT, 6, 17)
MAIN, SIDE = (Edit(Span(TEXT, start, start + 4), f"({TEXT.text[start : start + 4]} |> act)") for start in (6, 13))
FAULT = Diagnostic("E0302", "strides differ", Label(HERE, "here"), helps=("change main",), fix=(MAIN,))
OTHER = replace(FAULT, code="E0402", primary=Label(Span(TEXT, 0, 3), "elsewhere"))


def outcome(fault: Diagnostic, recompile: Recompile, cost: int = 0) -> tuple[str, str]:
    verified = verify_fixes(fault, recompile, cost)
    assert verified.alternatives == ()
    return verified.helps[0], verified.applicability


def test_a_fix_that_compiles_and_is_the_only_edit_is_certain() -> None:
    assert outcome(FAULT, lambda edits: []) == ("change main", "certain")
    in_words = Suggestion("give both sides the same stride")
    assert outcome(replace(FAULT, alternatives=(in_words,)), lambda edits: []) == ("change main", "certain")


@pytest.mark.parametrize("compiling", [MAIN, SIDE])
def test_a_fix_that_is_one_of_several_is_plausible(compiling: Edit) -> None:
    fault = replace(FAULT, alternatives=(Suggestion("change side", (SIDE,)),))

    def recompile(edits: tuple[Edit, ...]) -> list[Diagnostic]:
        return [] if edits == (compiling,) else [FAULT]

    assert outcome(fault, recompile) == (f"change {compiling.span.text}", "plausible")


@pytest.mark.parametrize("code", ["E0314", "E0332"])
def test_a_fix_beside_which_others_are_not_named_is_plausible(code: str) -> None:
    assert outcome(replace(FAULT, code=code), lambda edits: []) == ("change main", "plausible")


def test_a_fix_that_leaves_another_fault_is_plausible() -> None:
    assert outcome(FAULT, lambda edits: [OTHER]) == ("change main", "plausible")


def test_a_fix_that_was_not_tried_is_plausible() -> None:
    assert verify_fixes(replace(FAULT, code="E0331"), lambda edits: [], 0).applicability == "plausible"


@pytest.mark.parametrize("cost", [0, MAX_COST + 1])
def test_what_cannot_be_tried_or_does_not_help_is_only_words(cost: int) -> None:
    """Such a fix is left out: nobody knows what it does."""
    assert outcome(FAULT, lambda edits: None, cost) == ("change main", "words")
    assert outcome(FAULT, lambda edits: [FAULT], cost) == ("change main", "words")
