"""The texts of the studies: complete, of nets that compile, and of recipes that load."""

from dataclasses import fields
from pathlib import Path

import pytest

import resnetc
from resnetc.cli.study_costs import compute_costs, format_costs
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.study import plan as plans
from resnetc.runtime.study.plan import Expectation, Form, Plan, has_photographs, list_studies, read_plan

FORM_NAMES: tuple[Form, ...] = ("quick", "full", "photographs")
PAGE = Path(__file__).parents[4] / "docs" / "studies.md"
FORMS: list[tuple[str, Form]] = [
    (name, form) for name in list_studies() for form in FORM_NAMES if form != "photographs" or has_photographs(name)
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_study_is_whole(name: str, form: Form) -> None:
    plan = read_plan(name, form)
    assert all((plan.title, plan.source, plan.claim, plan.measured, plan.criteria, plan.arms))
    labels = [arm.label for arm in plan.arms]
    assert len(labels) == len(set(labels)) and "{" not in "".join(labels)
    assert all(arm.init is None or arm.init in labels[: labels.index(arm.label)] for arm in plan.arms)
    assert (plan.set_up is None) == (name == "table1")


SET_UP = {"data", "images", "side", "recipe", "override", "set", "seeds"}
OF_A_FORM = {"limits", "measured", "published", "criteria", "arms", "claim", "dispute", "title", "source"}
OF_AN_ARM = {"label", "spec", "set", "override", "values", "images", "classes", "init"}


@pytest.mark.parametrize("name", list_studies())
def test_a_text_has_no_key_that_nobody_reads(name: str) -> None:
    """A mistyped one would be taken for none."""
    text = plans._read(name)
    assert text.keys() <= OF_A_FORM | {"cpu_minutes", "trains", *FORM_NAMES}
    for form in FORM_NAMES:
        assert text.get(form, {}).keys() <= OF_A_FORM | SET_UP
    for part in (text, *(text.get(form, {}) for form in FORM_NAMES)):
        for arm in part.get("arms", []):
            assert arm.keys() <= OF_AN_ARM | set(FORM_NAMES)
            assert all(arm[form] is False or arm[form].keys() <= OF_AN_ARM for form in FORM_NAMES if form in arm)
        for criterion in part.get("criteria", []):
            assert criterion.keys() <= {"statistic", "says", "at_least", "at_most", "exact"}


def test_what_all_studies_share_has_no_key_that_nobody_reads() -> None:
    shared = plans._read("set_ups")
    assert shared.keys() == {"studies", *FORM_NAMES}
    expected = {field.name for field in fields(Expectation)}
    for form in FORM_NAMES:
        assert shared[form].keys() <= SET_UP | {"expected"} and shared[form].get("expected", {}).keys() <= expected


@pytest.mark.parametrize(("name", "form"), [one for one in FORMS if one[0] != "table1"])
def test_every_recipe_of_a_study_loads(name: str, form: Form) -> None:
    plan = read_plan(name, form)
    assert plan.set_up is not None
    for overrides in {arm.overrides for arm in plan.arms}:
        recipe_file.load(plan.set_up.recipe, [*plan.set_up.overrides, *overrides])


@pytest.mark.parametrize(("name", "form"), [one for one in FORMS if one[1] != "full"])
def test_every_net_of_a_study_compiles(name: str, form: Form) -> None:
    plan = read_plan(name, form)
    texts = {}
    for arm in plan.arms:
        shared = dict(plan.set_up.settings) if plan.set_up else {}
        settings = {key: convert(value) for key, value in {**shared, **dict(arm.settings)}.items()}
        if settings.get("depth") == 1202:
            continue  # the same net as the others, and long
        texts[arm.spec, tuple(sorted(settings.items()))] = resnetc.compile(arm.spec, **settings).network.name
    assert texts


def convert(value: str) -> object:
    """What `--set` takes as text, as `resnetc.compile` takes it."""
    return int(value) if value.isdigit() else value


def count_cpu_minutes(plans: list[Plan]) -> float:
    return sum(plan.budget for plan in plans)


def test_the_budgets_of_all_studies_are_eighty_cpu_minutes_at_most() -> None:
    assert count_cpu_minutes([read_plan(name, "quick") for name in list_studies()]) <= 80


def test_several_seeds_where_the_effect_is_to_be_shown_and_one_elsewhere() -> None:
    plans = {name: read_plan(name, "quick") for name in list_studies()}
    seeds = {name: len(plan.set_up.seeds) for name, plan in plans.items() if plan.set_up}
    assert seeds.pop("degradation") == 5 and seeds.pop("options") == 3
    assert set(seeds.values()) == {1}


def test_the_deepest_net_takes_sixty_steps() -> None:
    (arm,) = [arm for arm in read_plan("depth", "quick").arms if arm.label == "ResNet-1202"]
    chosen = recipe_file.load("fashion-mnist", arm.overrides)
    assert arm.images is not None and chosen.epochs * (arm.images // chosen.batch_size) == 60
    assert chosen.activation_checkpointing


def test_an_unknown_study_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        RunError, match=r"no such study: degradaton; a similar name exists: `degradation`; `all` runs all of them"
    ) as refusal:
        read_plan("degradaton", "quick")
    assert refusal.value.status == 2


def test_a_study_without_a_form_for_photographs_says_which_have_one() -> None:
    with pytest.raises(RunError, match="norm has no photograph form; degradation, options, depth have one"):
        read_plan("norm", "photographs")


def test_the_page_has_the_costs_as_they_are_reckoned() -> None:
    assert format_costs(compute_costs(list_studies())) in PAGE.read_text("utf-8")


def test_runs_that_studies_share_are_paid_once() -> None:
    costs = {
        cost.name: cost for cost in compute_costs(["degradation", "options"], seeds=(0,)) if cost.data == "CIFAR-10"
    }
    assert [costs[name].runs for name in ("degradation", "options", "all")] == [8, 8, 12]  # plain and A of 20 and 56


def test_a_cost_is_steps_times_images_over_the_rate() -> None:
    (cost,) = [cost for cost in compute_costs(["lesion"], seeds=(0,)) if cost.data == "CIFAR-10"]
    multiply_adds = 40_551_040 + 125_485_696  # plain-20 and ResNet-56, as tables 6 and 1 count them
    assert (cost.runs, cost.steps, cost.images) == (2, 2 * 164 * 390, 2 * 164 * 390 * 128)
    assert cost.limit_hours == pytest.approx(164 * 390 * 128 * multiply_adds / 3.275e13 / 3600)
    assert cost.eager_hours == pytest.approx(164 * 390 * (20 + 56) * 1.25e-4 / 3600)  # launches, not the memory


@pytest.mark.parametrize("name", list_studies())
def test_the_page_of_the_studies_tells_of_each(name: str) -> None:
    plan = read_plan(name, "quick")
    seeds = len(plan.set_up.seeds) if plan.set_up else "none"
    (row,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}` | {plan.title} (")]
    assert row.endswith(f") | {plan.budget:g} | {seeds} |")
