"""`resnetc compare`: several networks, or finished runs, side by side under one recipe and the same seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.common import USAGE, colored, note
from resnetc.cli.train import Command, find_runtime, load_runtime, module_of, seed, tell
from resnetc.compiler.record import record

if TYPE_CHECKING:
    from resnetc.runtime.arm import Arm
    from resnetc.runtime.compare import Row
    from resnetc.runtime.data import Outline
    from resnetc.runtime.recipe import Recipe

Setting = tuple[str, str]


@record(eq=True)
class Named:
    """A SPEC or RUN of the command line with the `--model` and the `--set`s that hold for it; `own`: it has its own."""

    name: str
    model: str | None
    settings: tuple[Setting, ...]
    own: bool


def add_commands(command: Command, choosing: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    one = command(
        "compare",
        compare,
        "train several networks with one recipe and compare them",
        "resnetc compare cifar/resnet --set depth=20 cifar/resnet --set depth=20 --set shortcut=none",
    )
    one.usage = "resnetc compare [options] SPEC|RUN [--set K=V]... [SPEC|RUN [--set K=V]...]..."
    one.set_defaults(parser=one)
    choosing(one)
    one.add_argument("--data", default="digits", metavar="NAME[:PATH]", help="the data set (default: digits)")
    one.add_argument(
        "--recipe", metavar="NAME|FILE", help="how to train (default: the recipe named after the data set)"
    )
    one.add_argument("--override", action="append", default=[], metavar="KEY=V", help="override a key of the recipe")
    one.add_argument("--seeds", type=seeds, metavar="N,N,...", help="train once with each seed (default: the recipe's)")
    one.add_argument("--deterministic", action="store_true", help="give bit-identical weights for the same seed")
    one.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the runs and curves (default: runs/compare-<date>); finished runs are reused",
    )
    one.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="SPEC|RUN",
        help="a spec, a generated module or the folder of a finished run; --set and --model after one apply to it,"
        " before the first to all of them",
    )


def seeds(text: str) -> list[int]:
    """`0,1,2` as numbers, each once."""
    try:
        return list(dict.fromkeys(seed(part.strip()) for part in text.split(",")))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"write them like 0,1,2, not {text!r}") from None


def named(options: argparse.Namespace) -> list[Named]:
    """The SPECs and RUNs in order; options between them are read into `options`.

    argparse takes all that follows the first SPEC as `rest`: it is parsed again from there, SPEC by SPEC.
    """
    common: list[Setting] = options.settings
    model: str | None = options.model
    found = []
    while options.rest:
        name, *rest = options.rest
        options.settings, options.model = [], None
        options.parser.parse_args(rest, options)
        own: list[Setting] = options.settings
        kept = [(key, value) for key, value in common if key not in dict(own)]
        found.append(Named(name, options.model or model, (*kept, *own), bool(own or options.model)))
    return found


def compare(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    find_runtime()
    from resnetc.compiler.driver.session import UsageError
    from resnetc.runtime import launch
    from resnetc.runtime.errors import Stopped
    from resnetc.runtime.run import folder

    try:
        chosen = named(options)
    except SystemExit as stop:  # argparse has said why, or shown its help
        return int(stop.code or 0)
    if not chosen:
        options.parser.print_usage(sys.stderr)
        print("resnetc compare: error: a SPEC or the folder of a run is needed", file=sys.stderr)
        return USAGE
    if launch.launched():
        raise UsageError("compare runs in one process: use torchrun for train, then compare the folders of its runs")
    out = Path(options.out) if options.out else folder.default("compare")
    runs = {one.name: one for one in chosen if folder.RunFolder(Path(one.name)).exists}
    for one in runs.values():
        if one.own:
            raise UsageError(f"{one.name}: --set and --model need a spec: a run cannot be changed")
    specs = [one for one in chosen if one.name not in runs]
    due = planned(specs, options) if specs else None
    load_runtime()
    from resnetc.runtime import compare as runtime_compare
    from resnetc.runtime import plots

    rows: dict[Named, Row] = {}  # of runs that differ in the seed alone, the first stands for all
    for names in runtime_compare.together(list(runs)):
        rows[runs[names[0]]] = runtime_compare.read([Path(name) for name in names])
    if due is not None:
        try:
            rows |= zip(specs, trained(due, options.seeds, out), strict=True)
        except Stopped as stopped:
            print(f"stopped; finished work is in {out}: the same command with --out {out} continues", file=sys.stderr)
            return stopped.status
    found = relabelled([(one.name, rows[one]) for one in dict.fromkeys(chosen) if one in rows])
    for difference in runtime_compare.differences(found):
        note(difference)
    sys.stdout.write(runtime_compare.table(found, colored(sys.stdout)))
    pictures = plots.draw(found, out)
    print(f"curves: {pictures[0]} and {pictures[1].name}")
    return 0


def relabelled(rows: Sequence[tuple[str, Row]]) -> list[Row]:
    """Rows of one label are told apart by what the command line calls them; the first keeps its label."""
    found: list[Row] = []
    for name, row in rows:
        taken = any(row.label == other.label for other in found)
        found.append(replace(row, label=f"{row.label} ({name})") if taken else row)
    return found


@record(eq=True)
class Plan:
    """What is due: the networks, compiled for the data, and the recipe."""

    arms: list[Arm]
    images: Outline
    recipe: Recipe


def planned(specs: Sequence[Named], options: argparse.Namespace) -> Plan:
    """Compiles all of the specs; what is wrong with one of them is said before torch is imported."""
    from resnetc.runtime import data as datasets
    from resnetc.runtime import recipe

    name, path = datasets.split(options.data)
    overrides = [*options.override, *(["deterministic=true"] if options.deterministic else [])]
    chosen = recipe.load(options.recipe if options.recipe is not None else name, overrides)
    images = datasets.look(name, path)
    return Plan(arms(specs, images, chosen), images, chosen)


def trained(plan: Plan, seeds: list[int] | None, out: Path) -> list[Row]:
    """Trains what is due; a row for each."""
    from resnetc.runtime import compare as runtime_compare
    from resnetc.runtime.run.signals import ended_at_once

    with ended_at_once():
        images = plan.images.read()
    tell(images)
    return runtime_compare.run(plan.arms, images, plan.recipe, seeds or [plan.recipe.seed], out)


def arms(specs: Sequence[Named], images: Outline, recipe: Recipe) -> list[Arm]:
    """The specs compiled for the data, each under its network's name; equal networks are refused."""
    from resnetc.compiler.driver.session import UsageError
    from resnetc.runtime.arm import Arm

    made: list[Arm] = []
    for one in specs:
        options = argparse.Namespace(spec=one.name, model=one.model, settings=list(one.settings))
        source, network = module_of(options, images, recipe)
        if any(arm.source == source for arm in made):
            raise UsageError(f"{network} is given twice: give each SPEC its own --set")
        same = sum(arm.network == network for arm in made)
        made.append(Arm(f"{network}-{same + 1}" if same else network, network, source))
    return made
