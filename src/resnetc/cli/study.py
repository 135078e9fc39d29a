"""`resnetc study`: re-runs a claim about residual networks, and says what the figures found."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.common import OK, print_note, refuse_occupied
from resnetc.cli.compare import parse_seeds
from resnetc.cli.declaration import Command, Exclusion, exclude
from resnetc.cli.study_networks import compile_arm
from resnetc.cli.train import import_runtime, require_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from resnetc.runtime.data import ImageSet, MixedOutline, Outline
    from resnetc.runtime.study.arms import ArmText, CompiledArm
    from resnetc.runtime.study.plan import Form, Plan, SetUp
    from resnetc.runtime.study.training import Job, TrainedArm

    TakeData = Callable[[int | None, tuple[int, ...]], tuple[ImageSet, str]]


def add_command(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command("study", study, "re-run a claim about residual networks", "resnetc study table1")
    name = parser.add_argument("name", nargs="?", metavar="NAME", help="the study (see --list), or all")
    listing = parser.add_argument("--list", action="store_true", help="list the studies and their claims")
    quick = parser.add_argument(
        "--quick", action="store_true", help="minutes on two cores: small images, narrow nets, few epochs"
    )
    data = parser.add_argument("--data", metavar="NAME[:PATH]", help="the data set (default: the study's)")
    costs = parser.add_argument(
        "--costs", action="store_true", help="print the estimated costs on an H200; train nothing"
    )
    seeds = parser.add_argument(
        "--seeds", type=parse_seeds, metavar="N,N,...", help="train each net once with each of these seeds"
    )
    jobs = parser.add_argument(
        "--jobs", type=parse_jobs, metavar="N", help="parallel runs (default: one per CPU; one on a GPU)"
    )
    out = parser.add_argument("--out", metavar="DIR", help="folder of runs and reports (default: runs/studies)")
    exclude(
        parser,
        Exclusion(listing, [name, quick, data, costs, seeds, jobs, out], "only lists the studies"),
        Exclusion(costs, [quick, data, jobs, out], "is about CIFAR-10 and ImageNet, and trains nothing"),
    )


def parse_jobs(text: str) -> int:
    """How many runs there are at a time."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 1024, not {text!r}")
    return int(text)


def study(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    from resnetc.runtime.errors import RunError, Stopped, require_packages
    from resnetc.runtime.study import plan as plans

    if options.list:
        for name in plans.list_studies():
            print(f"{name:<12} {plans.read_plan(name, 'quick').title}")
        return OK
    if options.name is None:
        raise RunError("NAME is missing: `resnetc study --list` lists the studies, `all` runs all of them", status=2)
    if options.data is not None:
        refuse_functions(options.data)
    names = plans.list_studies() if options.name == "all" else [options.name]
    for name in names:
        plans.read_plan(name, "full")  # before the data is looked at
    if options.costs:
        return print_costs(names, options)
    photographs = find_photographs(options)
    form: Form = "quick" if options.quick else "photographs" if photographs is not None else "full"
    if options.name == "all" and photographs is not None:
        names = leave_out_small_nets(names)
    studies = [choose_plan(name, form, options) for name in names]
    require_runtime()
    require_packages("matplotlib", "scipy")
    out = Path(options.out if options.out is not None else "runs/studies")
    if photographs is None:
        find_data(studies)
    for plan in studies:
        for name in (plan.name, *(("data", "runs") if plan.set_up is not None else ())):
            refuse_occupied(out / name)
    try:
        for plan in studies:
            make_study(plan, photographs, out, options.jobs)
    except (Stopped, KeyboardInterrupt) as stopped:
        print(f"stopped; finished work is in {out}: the same command continues", file=sys.stderr)
        return stopped.status if isinstance(stopped, Stopped) else 130
    return OK


def print_costs(names: list[str], options: argparse.Namespace) -> int:
    """Prints what the studies would take, with CIFAR-10 and with ImageNet; returns the exit status."""
    from resnetc.cli.study_costs import compute_costs, format_costs

    costs = compute_costs(names, tuple(options.seeds) if options.seeds else None)
    print(format_costs(costs) if costs else f"{', '.join(names)}: nothing is trained")
    return OK


def find_photographs(options: argparse.Namespace) -> Outline | MixedOutline | None:
    """The photographs that `--data` names, for the nets of ImageNet; None where it names another set, or the quick form
    is asked for, which has small nets alone."""
    from resnetc.runtime import data as datasets
    from resnetc.runtime.study.form import takes_photographs

    name, path = datasets.parse_argument(options.data) if options.data is not None else ("", None)
    if options.quick or name not in ("folder", "pack"):
        return None
    outline = datasets.read_outline(name, path)
    return outline if takes_photographs(outline) else None


def find_data(studies: list[Plan]) -> None:
    """RunError where the data of the studies is not there, before the first of them is made."""
    from resnetc.runtime import data as datasets

    for argument in dict.fromkeys(plan.set_up.data for plan in studies if plan.set_up is not None):
        datasets.read_outline(*datasets.parse_argument(argument))


def leave_out_small_nets(names: list[str]) -> list[str]:
    """Those of the studies that can be made with photographs; says which cannot."""
    from resnetc.runtime.study.plan import has_photographs

    print_note(f"skipped (no photograph form): {', '.join(n for n in names if not has_photographs(n))}")
    return [name for name in names if has_photographs(name)]


def refuse_functions(argument: str) -> None:
    """RunError where `--data` names a function: the runs read the data in processes of their own, from files."""
    from resnetc.runtime.data import NAMES
    from resnetc.runtime.data.user_function import is_function_name
    from resnetc.runtime.errors import RunError

    if argument.partition(":")[0] not in NAMES and is_function_name(argument):
        raise RunError(
            f"--data {argument}: a study cannot call a function; save its images, and use --data npz:FILE", status=2
        )


def choose_plan(name: str, form: Form, options: argparse.Namespace) -> Plan:
    """The study with the data and the seeds of the command line."""
    from dataclasses import replace

    from resnetc.runtime.errors import RunError
    from resnetc.runtime.study.plan import read_plan

    plan = read_plan(name, form)
    changes = {"data": options.data, "seeds": tuple(options.seeds) if options.seeds else None}
    changes = {key: value for key, value in changes.items() if value is not None}
    if plan.set_up is None:
        if options.name != "all" and (changes or options.jobs):
            raise RunError(f"{name} trains nothing: --data, --seeds and --jobs have no effect", status=2)
        return plan
    return replace(plan, set_up=replace(plan.set_up, **changes))


def make_study(plan: Plan, photographs: Outline | MixedOutline | None, out: Path, jobs: int | None) -> None:
    """Compile, train what is missing, measure, judge; writes the study's folder and prints the verdict."""
    folder = out / plan.name
    print(f"{plan.name}: {plan.title}", file=sys.stderr)
    if plan.set_up is None:
        arms = [compile_arm(arm) for arm in plan.arms]
        import_runtime()
        from resnetc.runtime.study.small_data import make_folder
        from resnetc.runtime.study.training import TrainedArm

        make_folder(folder)
        conclude(plan, [TrainedArm(arm, ()) for arm in arms], None, folder)
        return
    import_runtime()
    from resnetc.runtime.study.small_data import make_folder
    from resnetc.runtime.study.training import choose_processes, read_arm, train_missing

    take = open_data(plan.set_up, photographs, out)
    jobs_by_arm: list[tuple[CompiledArm, list[Job]]] = []
    for text in plan.arms:
        started = {arm.text.label: own for arm, own in jobs_by_arm}
        jobs_by_arm.append(plan_arm(text, plan.set_up, take, out, started[text.init] if text.init else None))
    make_folder(folder)  # before hours of training, where it may be a file
    processes = jobs or choose_processes()
    train_missing([job for _, own in jobs_by_arm for job in own], processes, lambda line: print(line, file=sys.stderr))
    data, _ = take(None, ())
    conclude(plan, [read_arm(arm, own) for arm, own in jobs_by_arm], data, folder)


def open_data(set_up: SetUp, photographs: Outline | MixedOutline | None, out: Path) -> TakeData:
    """The function that gives an arm its images and their fingerprint: `images` of those of the study, of some of its
    classes. The set is read once."""
    from resnetc.runtime.recipe import recipe_file
    from resnetc.runtime.study.small_data import SmallData, read_photographs

    if photographs is not None:
        recipe = recipe_file.load(set_up.recipe, list(set_up.overrides))
        whole = read_photographs(set_up.data, photographs, recipe)
        both = whole, whole.fingerprint()
        return lambda images, classes: both
    small = SmallData(set_up.data, set_up.side, out / "data")
    fingerprints: dict[tuple[int | None, tuple[int, ...]], str] = {}

    def take(images: int | None, classes: tuple[int, ...]) -> tuple[ImageSet, str]:
        part = small.take(images or set_up.images, classes)
        if (images, classes) not in fingerprints:
            fingerprints[images, classes] = part.fingerprint()
        return part, fingerprints[images, classes]

    return take


def plan_arm(
    text: ArmText, set_up: SetUp, take: TakeData, out: Path, first: list[Job] | None
) -> tuple[CompiledArm, list[Job]]:
    """An arm compiled for the data, and its runs, one for each seed; `first`: those whose weights they start from."""
    from resnetc.runtime.recipe import recipe_file
    from resnetc.runtime.study.training import make_job

    recipe = recipe_file.load(set_up.recipe, [*set_up.overrides, *text.overrides])
    own, fingerprint = take(text.images, text.classes)
    arm = compile_arm(text, set_up, own)
    starts = [job.folder for job in first] if first is not None else [None] * len(set_up.seeds)
    pairs = zip(set_up.seeds, starts, strict=True)
    return arm, [
        make_job(arm, own, recipe, seed, out / "runs", fingerprint=fingerprint, init=start) for seed, start in pairs
    ]


def conclude(plan: Plan, arms: list[TrainedArm], data: ImageSet | None, folder: Path) -> None:
    """Measure, judge, write the folder of the study, print the verdict."""
    from resnetc.runtime.determinism import limit_threads
    from resnetc.runtime.run.folder import RunFolder
    from resnetc.runtime.run.lock import wait_for_folder
    from resnetc.runtime.study import page
    from resnetc.runtime.study.study_code import load_code

    code = load_code(plan.name)
    page.refuse_diverged(code, arms)
    with limit_threads(1):
        findings = page.find(plan, code, code.measure(arms, data))
    with wait_for_folder(RunFolder(folder)):  # the same study may be made twice at once
        report = page.write(findings, code, arms, folder)
    for one in findings.verdict.judgements:
        print(f"  {one.criterion.says}: {page.format_number(one.mean)}, {one.words}")
    print(f"{plan.name}: {findings.verdict.sentence}; {report}")
