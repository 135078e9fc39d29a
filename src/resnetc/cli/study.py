"""`resnetc study`: re-runs a claim about residual networks, and says what the figures found."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.common import OK, print_note
from resnetc.cli.compare import parse_seeds
from resnetc.cli.declaration import Command
from resnetc.cli.train import import_runtime, require_runtime

if TYPE_CHECKING:
    from resnetc.runtime.data import Data
    from resnetc.runtime.study.arms import ArmText, CompiledArm
    from resnetc.runtime.study.plan import Plan, SetUp
    from resnetc.runtime.study.training import Job, TrainedArm


def add_command(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    one = command("study", study, "re-run a claim about residual networks", "resnetc study table1")
    one.add_argument("name", nargs="?", metavar="NAME", help="which study (see --list), or all of them: all")
    one.add_argument("--list", action="store_true", help="list the studies and their claims")
    one.add_argument("--quick", action="store_true", help="minutes on two cores: small images, narrow nets, few epochs")
    one.add_argument("--data", metavar="NAME[:PATH]", help="the data set (default: that of the study)")
    one.add_argument("--seeds", type=parse_seeds, metavar="N,N,...", help="one run of each net for each of these seeds")
    one.add_argument("--jobs", type=parse_jobs, metavar="N", help="runs at a time (default: one for each CPU)")
    one.add_argument("--out", default="runs/studies", metavar="DIR", help="folder of runs and reports (runs/studies)")


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
            print(f"{name:<12} {plans.read_plan(name, quick=True).title}")
        return OK
    if options.name is None:
        raise RunError("NAME is missing: which study? `resnetc study --list` lists them", status=2)
    if options.data is not None:
        refuse_functions(options.data)
    names = plans.list_studies() if options.name == "all" else [options.name]
    chosen = [choose_plan(name, options) for name in names]
    require_runtime()
    require_packages("matplotlib", "scipy")
    out = Path(options.out)
    try:
        for plan in chosen:
            make_study(plan, out, options.jobs or os.cpu_count() or 1)
    except (Stopped, KeyboardInterrupt) as stopped:
        print(f"stopped; finished work is in {out}: the same command continues", file=sys.stderr)
        return stopped.status if isinstance(stopped, Stopped) else 130
    return OK


def refuse_functions(argument: str) -> None:
    """RunError where `--data` names a function: the runs read the data in processes of their own, from files."""
    from resnetc.runtime.data import NAMES
    from resnetc.runtime.data.user_function import is_function_name
    from resnetc.runtime.errors import RunError

    if argument.partition(":")[0] not in NAMES and is_function_name(argument):
        raise RunError(
            f"--data {argument}: a study calls no function; save its images, and give --data npz:FILE", status=2
        )


def choose_plan(name: str, options: argparse.Namespace) -> Plan:
    """The study with the data and the seeds of the command line."""
    from dataclasses import replace

    from resnetc.runtime.errors import RunError
    from resnetc.runtime.study.plan import read_plan

    plan = read_plan(name, options.quick)
    changes = {"data": options.data, "seeds": tuple(options.seeds) if options.seeds else None}
    changes = {key: value for key, value in changes.items() if value is not None}
    if not changes:
        return plan
    if plan.set_up is None:
        if options.name != "all":
            raise RunError(f"{name} trains nothing: --data and --seeds have no meaning there", status=2)
        return plan
    return replace(plan, set_up=replace(plan.set_up, **changes))


def make_study(plan: Plan, out: Path, jobs: int) -> None:
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
    from resnetc.runtime.study.small_data import make_folder, read_small
    from resnetc.runtime.study.training import read_arm, train_missing

    data = read_small(plan.set_up.data, plan.set_up.images, plan.set_up.side, (), out / "data")
    jobs_by_arm: list[tuple[CompiledArm, list[Job]]] = []
    for text in plan.arms:
        started = {arm.text.label: own for arm, own in jobs_by_arm}
        jobs_by_arm.append(plan_arm(text, plan.set_up, data, out, started[text.init] if text.init else None))
    make_folder(folder)  # before hours of training, where it may be a file
    train_missing([job for _, own in jobs_by_arm for job in own], jobs, lambda line: print(line, file=sys.stderr))
    conclude(plan, [read_arm(arm, own) for arm, own in jobs_by_arm], data, folder)


def plan_arm(
    text: ArmText, set_up: SetUp, data: Data, out: Path, first: list[Job] | None
) -> tuple[CompiledArm, list[Job]]:
    """An arm compiled for the data, and its runs, one for each seed; `first`: those whose weights they start from."""
    from resnetc.runtime import recipe_file
    from resnetc.runtime.study.small_data import read_small
    from resnetc.runtime.study.training import make_job

    chosen = recipe_file.load(set_up.recipe, [*set_up.overrides, *text.overrides])
    own = data
    if text.images is not None or text.classes:
        own = read_small(set_up.data, text.images or set_up.images, set_up.side, text.classes, out / "data")
    arm = compile_arm(text, set_up, own)
    starts = [job.folder for job in first] if first is not None else [None] * len(set_up.seeds)
    pairs = zip(set_up.seeds, starts, strict=True)
    return arm, [make_job(arm, own, chosen, seed, out / "runs", init=start) for seed, start in pairs]


def compile_arm(text: ArmText, set_up: SetUp | None = None, data: Data | None = None) -> CompiledArm:
    """The arm's network, its parameters from the data where it is trained; its costs at the size of the images."""
    from resnetc.cli.common import report_diagnostics
    from resnetc.cli.data_check import AlreadyReported
    from resnetc.compiler.driver.session import Session
    from resnetc.runtime.study.arms import CompiledArm

    settings = dict(text.settings)
    if set_up is not None and data is not None:
        settings = {**dict(set_up.settings), **settings}
        settings.setdefault("classes", str(data.classes))
        settings.setdefault("channels", str(data.channels))
    session = Session()
    session.add(text.spec)
    networks = session.networks(None, list(settings.items()))
    if report_diagnostics(session) or len(networks) != 1:
        print_note(f"the study's {text.label} is not one network")
        raise AlreadyReported()
    checked = networks[0] if data is None else networks[0].at(data.size)
    measures, sizes = checked.measures, checked.network.input.sizes
    return CompiledArm(
        text=text,
        network=checked.network.name,
        source=session.render(checked),
        parameters=measures.parameters,
        multiply_adds=measures.multiply_adds(sizes),
        weighted_layers=measures.weighted_layers,
    )


def conclude(plan: Plan, arms: list[TrainedArm], data: Data | None, folder: Path) -> None:
    """Measure, judge, write the folder of the study, print the verdict."""
    from resnetc.runtime.determinism import limit_threads
    from resnetc.runtime.study import page
    from resnetc.runtime.study.study_code import load_code

    code = load_code(plan.name)
    with limit_threads(1):
        findings = page.find(plan, code, code.measure(arms, data))
    report = page.write(findings, code, arms, folder)
    for one in findings.verdict.judgements:
        print(f"  {one.criterion.says}: {page.format_number(one.mean)}, {one.outcome.value}")
    print(f"{plan.name}: {findings.verdict.word.value}; {report}")
