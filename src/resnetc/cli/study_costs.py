"""What a study would take on a GPU: reckoned from its text, before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from resnetc.cli.study_networks import check_network, choose_settings
from resnetc.compiler.fast_dataclass import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resnetc.compiler.measures.summary import Measures
    from resnetc.runtime.study.arms import ArmText
    from resnetc.runtime.study.plan import Expectation, Form, Plan, SetUp

_Key = tuple[object, ...]


@record(eq=True)
class Cost:
    """What one study takes, or several of which equal runs are made once.

    data: what it is made with; runs, steps: how many, of all nets and seeds; images: passed through a net in training;
    limit_hours, eager_hours: of one device, with its kernels fused or each by itself. What tests and measures the nets
    is left out.
    """

    name: str
    data: str
    runs: int
    steps: int
    images: int
    limit_hours: float
    eager_hours: float


@record(eq=True)
class _Run:
    steps: int
    images: int
    limit_seconds: float
    eager_seconds: float


def compute_costs(names: Sequence[str], seeds: tuple[int, ...] | None = None) -> list[Cost]:
    """The costs of these studies with CIFAR-10, and with ImageNet where they have a form for photographs; of several
    studies a last row for all of them. seeds: instead of those of the text."""
    from resnetc.runtime.study.plan import has_photographs, read_plan

    forms: tuple[tuple[Form, list[str]], ...] = (
        ("full", list(names)),
        ("photographs", [name for name in names if has_photographs(name)]),
    )
    return [cost for form, own in forms for cost in _compute_form([read_plan(name, form) for name in own], form, seeds)]


def _compute_form(plans: Sequence[Plan], form: Form, seeds: tuple[int, ...] | None) -> list[Cost]:
    from resnetc.runtime.study.plan import read_expectation

    expected = read_expectation(form)
    measures: dict[_Key, Measures] = {}
    everything: dict[_Key, _Run] = {}
    costs = []
    for plan in plans:
        if plan.set_up is None:
            continue
        set_up = replace(plan.set_up, seeds=seeds or plan.set_up.seeds)
        own = dict(run for text in plan.arms for run in _list_runs(text, set_up, expected, measures))
        costs.append(_add_up(plan.name, list(own.values()), expected))
        everything |= own
    return costs if len(costs) < 2 else [*costs, _add_up("all", list(everything.values()), expected)]


def _list_runs(
    text: ArmText, set_up: SetUp, expected: Expectation, measures: dict[_Key, Measures]
) -> list[tuple[_Key, _Run]]:
    """The runs of an arm, each with what tells it from others; `measures`: of the networks that are known already."""
    from resnetc.runtime.recipe import recipe_file

    recipe = recipe_file.load(set_up.recipe, [*set_up.overrides, *text.overrides])
    classes = len(text.classes) or expected.classes
    settings = choose_settings(text, set_up, classes, expected.channels)
    network = (text.spec, *sorted(settings.items()))
    if network not in measures:
        measures[network] = check_network(text, settings, expected.size)[1].measures
    images = text.images or set_up.images or expected.images * classes // expected.classes
    steps = recipe.epochs * (images // recipe.batch_size)
    trained_images = steps * recipe.batch_size
    work = trained_images * measures[network].count_multiply_adds(expected.size)
    launched = steps * measures[network].weighted_layers * expected.launch
    run = _Run(steps, trained_images, work / expected.limit, max(work / expected.eager, launched))
    key = (network, recipe, text.images, text.classes, text.init)
    return [((*key, seed), run) for seed in set_up.seeds]


def _add_up(name: str, runs: Sequence[_Run], expected: Expectation) -> Cost:
    return Cost(
        name,
        expected.data,
        runs=len(runs),
        steps=sum(run.steps for run in runs),
        images=sum(run.images for run in runs),
        limit_hours=sum(run.limit_seconds for run in runs) / 3600,
        eager_hours=sum(run.eager_seconds for run in runs) / 3600,
    )


def format_costs(costs: Sequence[Cost]) -> str:
    """The costs as a table in Markdown, hours with two digits that count."""
    heads = ["study", "data", "runs", "steps, thousands", "images, millions", "hours at the limit", "hours, eager"]
    lines = [heads, ["---"] * len(heads)]
    for cost in costs:
        hours = [f"{one:.2g}" if one < 100 else f"{one:,.0f}" for one in (cost.limit_hours, cost.eager_hours)]
        counts = [str(cost.runs), f"{cost.steps / 1e3:,.0f}", f"{cost.images / 1e6:,.0f}"]
        lines.append([f"`{cost.name}`", cost.data, *counts, *hours])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
