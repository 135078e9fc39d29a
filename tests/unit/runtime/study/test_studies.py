"""Every study: its machinery on runs of seconds, and verdicts that turn where the figures do."""

import html
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.study import page
from resnetc.runtime.study.plan import has_photographs, list_studies, read_plan
from resnetc.runtime.study.study_code import load_code
from resnetc.runtime.study.table import Figure, Table
from resnetc.runtime.study.training import TrainedArm
from resnetc.runtime.study.verdict import Outcome, Word
from tests.unit.runtime.study.conftest import MakeArm, compile_arm

SEEDS = 0, 1, 2


# -- machinery --------------------------------------------------------------------------------------------------------


def make_arms(name: str, make_arm: MakeArm, halves: tuple[Data, Data]) -> list[TrainedArm]:
    """The arms of a study by their labels, all of eight layers, with what their texts vary."""
    arms = []
    for text in read_plan(name, "quick").arms:
        settings = {"shortcut": "none"} if dict(text.settings).get("shortcut") == "none" else {}
        if name == "table1":
            arm = TrainedArm(compile_arm(text.label), ())
        elif text.classes:
            arm = make_arm(text.label, data=halves[text.classes[0] // 5], **settings)
        else:
            arm = make_arm(text.label, **settings)
        arms.append(replace(arm, compiled=replace(arm.compiled, text=text)))
    return arms


@pytest.mark.parametrize("name", list_studies())
def test_a_study_measures_draws_and_judges(
    name: str, make_arm: MakeArm, halves: tuple[Data, Data], small: Data, tmp_path: Path
) -> None:
    plan, code = read_plan(name, "quick"), load_code(name)
    arms = make_arms(name, make_arm, halves)
    findings = page.find(plan, code, code.measure(arms, None if name == "table1" else small))
    assert {arm.label for arm in arms} <= set(findings.table.arms)
    report = page.write(findings, code, arms, tmp_path).read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", "figure.svg", "figure.png", "report.html"}
    assert findings.verdict.word.value.capitalize() in report and report.count("<svg") == 1
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 1 + len(findings.table.figures)
    for criterion in plan.criteria:
        assert criterion.says in html.unescape(report)
    if name != "table1":  # one seed decides nothing
        assert findings.verdict.word is Word.TOO_SMALL


# -- verdicts ---------------------------------------------------------------------------------------------------------


def spread(arm: str, quantity: str, value: float, seeds: tuple[int, ...] = SEEDS) -> list[Figure]:
    """The value for every seed, a thousandth apart."""
    return [Figure(arm, seed, quantity, value * (1 + seed / 1000)) for seed in seeds]


def row(values: dict[str, dict[str, float]]) -> Table:
    return Table(
        figure for arm, own in values.items() for key, value in own.items() for figure in spread(arm, key, value)
    )


def make_depth_table() -> Table:
    tops = {"ResNet-20": 70, "ResNet-32": 76, "ResNet-44": 77, "ResNet-56": 78, "ResNet-110": 79}
    curve = [Figure("ResNet-1202", seed, "loss", 2.3 - 0.3 * x, x) for seed in SEEDS for x in (0.5, 1.5)]
    curve.append(Figure("ResNet-1202", None, "constant_guess", 2.3))
    return Table([*row({arm: {"top1": top} for arm, top in tops.items()}).figures, *curve])


def make_lesion_table() -> Table:
    paths = [
        Figure("ResNet-56", seed, "path", share, k) for seed in SEEDS for k, share in enumerate((0.5, 0.3, 0.1, 0.1))
    ]
    return Table([*row({"ResNet-56": {"median_loss": 1}, "plain-20": {"median_loss": 60}}).figures, *paths])


def make_table1() -> Table:
    figures = [Figure("plain-34", None, "multiply_adds", 3.64e9), Figure("ResNet-18", None, "deviation", 0.1)]
    return Table(figures)


# A table in which the claim holds, and how its arms are exchanged so that it does not.
CASES: dict[str, tuple[Callable[[], Table], dict[str, str]]] = {
    "degradation": (
        lambda: row(
            {
                "plain-20": {"train_loss": 0.6},
                "plain-56": {"train_loss": 1.5},
                "ResNet-20": {"top1": 82.0},
                "ResNet-56": {"top1": 82.5},
            }
        ),
        {"plain-20": "plain-56", "plain-56": "plain-20"},
    ),
    "options": (
        lambda: row(
            {
                "plain-56": {"top1": 40},
                "option A-56": {"top1": 80},
                "option B-56": {"top1": 80.5},
                "option C-56": {"top1": 81},
            }
        ),
        {"plain-56": "option A-56", "option A-56": "plain-56"},
    ),
    "depth": (make_depth_table, {"ResNet-20": "ResNet-56", "ResNet-56": "ResNet-20"}),
    "norm": (
        lambda: row(
            {
                "batch norm, identity": {"best_top1": 80},
                "batch norm, no shortcut": {"best_top1": 70},
                "scaled residuals, identity": {"best_top1": 79},
                "no norm, identity": {"best_top1": 60},
                "no norm, no shortcut": {"best_top1": 20},
            }
        ),
        {"no norm, identity": "no norm, no shortcut", "no norm, no shortcut": "no norm, identity"},
    ),
    "landscape": (
        lambda: row({"plain-56": {"rise": 3, "range": 9}, "ResNet-56": {"rise": 1, "range": 2}}),
        {"plain-56": "ResNet-56", "ResNet-56": "plain-56"},
    ),
    "responses": (
        lambda: row(
            {
                "plain-20": {"mean_response": 1.2},
                "plain-56": {"mean_response": 1.1},
                "ResNet-20": {"mean_response": 0.6},
                "ResNet-56": {"mean_response": 0.4},
            }
        ),
        {"plain-56": "ResNet-56", "ResNet-56": "plain-56"},
    ),
    "lesion": (make_lesion_table, {"ResNet-56": "plain-20", "plain-20": "ResNet-56"}),
    "identity": (
        lambda: row(
            {
                "original": {"top1": 78},
                "pre-activation": {"top1": 80, "mean_change": 0.3},
                "zero gains": {"top1": 79},
                "halved shortcuts": {"top1": 60},
            }
        ),
        {"original": "halved shortcuts", "halved shortcuts": "original"},
    ),
    "warmup": (
        lambda: row({"with warm-up, rate 0.1": {"end_loss": 1}, "without, rate 0.1": {"end_loss": 2}}),
        {"with warm-up, rate 0.1": "without, rate 0.1", "without, rate 0.1": "with warm-up, rate 0.1"},
    ),
    "transfer": (
        lambda: row(
            {
                "plain, first half": {"probe": 80},
                "ResNet, first half": {"probe": 85},
                "plain, fine-tuned": {"top1": 84},
                "ResNet, fine-tuned": {"top1": 90},
            }
        ),
        {"plain, fine-tuned": "ResNet, fine-tuned", "ResNet, fine-tuned": "plain, fine-tuned"},
    ),
    "table1": (make_table1, {}),
}


@pytest.mark.parametrize("name", list_studies())
def test_a_verdict_turns_with_the_figures(name: str) -> None:
    plan, code = read_plan(name, "quick"), load_code(name)
    make_table, exchange = CASES[name]
    table = make_table()
    assert page.find(plan, code, table).verdict.word is Word.SUPPORTED
    if name == "table1":
        wrong = Table([*table.figures[:1], Figure("ResNet-18", None, "deviation", 1.1)])
    elif name == "lesion":  # the plain net's blocks are no paths: exchange what both lose
        swapped = table.rename_arms(exchange)
        wrong = Table(replace(one, arm="ResNet-56") if one.quantity == "path" else one for one in swapped.figures)
    else:
        wrong = table.rename_arms(exchange)
    assert page.find(plan, code, wrong).verdict.word is Word.NOT_SUPPORTED


@pytest.mark.parametrize("name", [name for name in list_studies() if name != "table1"])
def test_one_seed_of_the_same_figures_is_too_small(name: str) -> None:
    table = Table(one for one in CASES[name][0]().figures if one.seed in (None, 0))
    verdict = page.find(read_plan(name, "quick"), load_code(name), table).verdict
    assert verdict.word is Word.TOO_SMALL and {one.outcome for one in verdict.judgements} == {Outcome.OPEN}


def test_a_loss_that_falls_to_that_of_a_guess_is_no_learning() -> None:
    """1202 layers at a rate that explodes: from 57 nats to 2.3, which is what ten classes give a constant guess."""
    curve = [Figure("ResNet-1202", seed, "loss", loss, x) for seed in SEEDS for x, loss in ((0.2, 57), (0.9, 2.3))]
    kept = [one for one in make_depth_table().figures if one.quantity != "loss"]
    verdict = page.find(read_plan("depth", "quick"), load_code("depth"), Table([*kept, *curve])).verdict
    assert verdict.word is Word.NOT_SUPPORTED


PHOTOGRAPHS: dict[str, tuple[dict[str, float], dict[str, str]]] = {  # accuracies, and how they are exchanged
    "degradation": (
        {"plain-18": 70, "plain-34": 68, "ResNet-18": 70, "ResNet-34": 74},
        {"ResNet-18": "ResNet-34", "ResNet-34": "ResNet-18"},
    ),
    "options": (
        {"plain-34": 68, "option A-34": 74, "option B-34": 74.5, "option C-34": 75},
        {"plain-34": "option B-34", "option B-34": "plain-34"},
    ),
    "depth": (
        {"ResNet-34": 73, "ResNet-50": 76, "ResNet-101": 77, "ResNet-152": 78},
        {"ResNet-50": "ResNet-101", "ResNet-101": "ResNet-50"},
    ),
}


@pytest.mark.parametrize("name", [name for name in list_studies() if has_photographs(name) and name != "table1"])
def test_a_verdict_on_photographs_turns_with_the_figures(name: str) -> None:
    plan, code = read_plan(name, "photographs"), load_code(name)
    accuracies, exchange = PHOTOGRAPHS[name]
    table = row({arm: {"top1": top1, "train_loss": 100 - top1} for arm, top1 in accuracies.items()})
    assert {arm.label for arm in plan.arms} == set(accuracies)
    assert page.find(plan, code, table).verdict.word is Word.SUPPORTED
    assert page.find(plan, code, table.rename_arms(exchange)).verdict.word is Word.NOT_SUPPORTED


# -- runs that diverge ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in list_studies() if name != "table1"])
def test_a_run_that_diverged_is_a_finding_or_one_message(
    name: str, make_arm: MakeArm, halves: tuple[Data, Data], small: Data, tmp_path: Path
) -> None:
    plan, code = read_plan(name, "quick"), load_code(name)
    arms = make_arms(name, make_arm, halves)
    lost = {
        "warmup": ("without, rate 0.1",),
        "norm": tuple(a.label for a in arms if a.label.startswith("no norm, no s")),
    }
    labels = lost.get(name, (arms[0].label,))
    arms = [replace(arm, runs=(), diverged=(0,)) if arm.label in labels else arm for arm in arms]
    if name not in lost:
        with pytest.raises(RunError, match=f"{labels[0]}, seed 0: its loss diverged, and this study needs"):
            page.refuse_diverged(code, arms)
        return
    page.refuse_diverged(code, arms)
    findings = page.find(plan, code, code.measure(arms, small))
    page.write(findings, code, arms, tmp_path)
    if name == "norm":  # which counts as guessing
        assert findings.table.values("no norm, no shortcut", "best_top1") == (10,)
    else:
        assert findings.verdict.judgements[0].values == (math.inf,)


# -- more verdicts ----------------------------------------------------------------------------------------------------


def test_without_the_effect_there_is_no_support() -> None:
    """Plain nets that do not degrade at all, three seeds."""
    same = {f"plain-{depth}": {"train_loss": 0.6} for depth in (20, 56)}
    same |= {f"ResNet-{depth}": {"top1": 82} for depth in (20, 56)}
    verdict = page.find(read_plan("degradation", "quick"), load_code("degradation"), row(same)).verdict
    assert verdict.word is Word.NOT_SUPPORTED


# -- the table and its numbers ----------------------------------------------------------------------------------------


def test_a_table_gives_curves_and_their_mean() -> None:
    table = Table(Figure("net", seed, "loss", seed + x, x) for seed in SEEDS for x in (1.0, 2.0))
    assert table.mean_curve("net", "loss") == ([1.0, 2.0], [2.0, 3.0])
    with pytest.raises(KeyError, match="net has no top1"):
        table.values("net", "top1")


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (1234567, "1,234,567"), (0.12345, "0.123"), (12.345, "12.35"), (-0.5, "-0.5"), (12345.6, "12,346")],
)
def test_numbers_are_for_people(value: float, text: str) -> None:
    assert page.format_number(value) == text


def test_a_mean_and_its_interval_end_with_the_same_digit() -> None:
    table = Table(Figure("net", seed, "top1", value) for seed, value in enumerate((84.5, 85.05, 85.21)))
    assert page.format_mean(table, "net", "top1") == "84.92 ± 0.93"
    assert page.format_mean(Table([Figure("net", 0, "top1", 84.5)]), "net", "top1") == "84.50"
    assert page.format_mean(table, "net", "probe") == ""
