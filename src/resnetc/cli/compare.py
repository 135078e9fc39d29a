"""`resnetc compare`: several networks, or finished runs, side by side under one recipe and the same seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.common import (
    USAGE,
    add_import_option,
    is_color_terminal,
    print_imports,
    print_note,
    refuse_occupied,
)
from resnetc.cli.declaration import Command
from resnetc.cli.train import (
    choose_axes,
    import_runtime,
    parse_seed,
    print_data_function,
    print_data_notes,
    read_module,
    require_runtime,
)
from resnetc.compiler.fast_dataclass import record

if TYPE_CHECKING:
    from resnetc.runtime.comparison.arm import Arm
    from resnetc.runtime.comparison.compare import Row
    from resnetc.runtime.data import MixedOutline, Outline
    from resnetc.runtime.recipe.recipe import Recipe

Setting = tuple[str, str]


@record(eq=True)
class NetworkArgument:
    """A SPEC or RUN of the command line with the `--model` and the `--set`s that hold for it; `own`: it has its own."""

    name: str
    model: str | None
    settings: tuple[Setting, ...]
    has_own_options: bool


def add_commands(command: Command, add_selection_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command(
        "compare",
        compare,
        "train several networks with one recipe and compare them",
        "resnetc compare cifar/resnet --set depth=20 cifar/resnet --set depth=20 --set shortcut=none",
    )
    parser.usage = "resnetc compare [options] SPEC|RUN [--set K=V]... [SPEC|RUN [--set K=V]...]..."
    parser.set_defaults(parser=parser)
    add_selection_options(parser)
    parser.add_argument("--data", metavar="NAME[:PATH]", help="the data set (default: digits)")
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="how to train (default: the recipe named after the data set)"
    )
    parser.add_argument("--override", action="append", default=[], metavar="KEY=V", help="override a key of the recipe")
    parser.add_argument(
        "--seeds", type=parse_seeds, metavar="N,N,...", help="train once with each seed (default: the recipe's)"
    )
    parser.add_argument("--deterministic", action="store_true", help="give bit-identical weights for the same seed")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the runs and curves (default: runs/compare-<date>); finished runs are reused",
    )
    add_import_option(parser)
    parser.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="SPEC|RUN",
        help=(
            "a spec, a generated module or the folder of a finished run; --set and --model apply to the SPEC "
            "before them, or to all if they precede the first"
        ),
    )


def parse_seeds(text: str) -> list[int]:
    """`0,1,2` as numbers, each once."""
    try:
        return list(dict.fromkeys(parse_seed(part.strip()) for part in text.split(",")))
    except argparse.ArgumentTypeError:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise argparse.ArgumentTypeError(f"write them as 0,1,2, each from 0 to {2**32 - 1}, not {shown!r}") from None


def parse_networks(options: argparse.Namespace) -> list[NetworkArgument]:
    """The SPECs and RUNs in order; options between them are read into `options`.

    argparse takes all that follows the first SPEC as `rest`: it is parsed again from there, SPEC by SPEC.
    """
    common: list[Setting] = options.settings
    model: str | None = options.model
    networks = []
    while options.rest:
        name, *rest = options.rest
        options.settings, options.model = [], None
        _, unknown = options.parser.parse_known_args(rest, options)
        if unknown:
            from resnetc.cli.command_words import refuse_unknown_arguments

            refuse_unknown_arguments(unknown, options.parser)
        own: list[Setting] = options.settings
        common_rest = [(key, value) for key, value in common if key not in dict(own)]
        networks.append(NetworkArgument(name, options.model or model, (*common_rest, *own), bool(own or options.model)))
    return networks


def compare(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    require_runtime()
    from resnetc.compiler.driver.session import UsageError
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.runtime.errors import Stopped
    from resnetc.runtime.run import folder

    try:
        chosen = parse_networks(options)
    except SystemExit as stop:  # argparse has said why, or shown its help
        return int(stop.code or 0)
    if not chosen:
        options.parser.print_usage(sys.stderr)
        print("resnetc compare: error: name a SPEC or the folder of a run", file=sys.stderr)
        return USAGE
    if launch.is_torchrun():
        raise UsageError("compare runs in one process: use torchrun for train, then compare the folders of its runs")
    out = Path(options.out) if options.out else folder.choose_folder("compare")
    runs = {one.name: one for one in chosen if folder.RunFolder(Path(one.name)).holds_run}
    specs = [one for one in chosen if one.name not in runs]
    for one in runs.values():
        if one.has_own_options or (not specs and (one.settings or one.model)):
            raise UsageError(f"{one.name}: --set and --model need a spec: a run cannot be changed")
    refuse_vain_options(options, bool(runs), bool(specs))
    refuse_occupied(out)
    plan = make_plan(specs, options) if specs else None
    import_runtime()
    from resnetc.runtime.comparison import compare as runtime_compare
    from resnetc.runtime.comparison import plots

    print_imports(options)
    rows: dict[NetworkArgument, Row] = {}  # of runs that differ in the seed alone, the first stands for all
    for names in runtime_compare.group_by_seed(list(runs)):
        rows[runs[names[0]]] = runtime_compare.read_runs(
            [Path(name) for name in names], allow_imports=options.allow_import
        )
    if plan is not None:
        try:
            rows |= zip(specs, train_plan(plan, options.seeds, out), strict=True)
        except Stopped as stopped:
            print(f"stopped; finished work is in {out}: the same command with --out {out} continues", file=sys.stderr)
            return stopped.status
    labelled_rows = disambiguate_labels([(one.name, rows[one]) for one in dict.fromkeys(chosen) if one in rows])
    for difference in runtime_compare.list_differences(labelled_rows):
        print_note(difference)
    sys.stdout.write(runtime_compare.format_table(labelled_rows, is_color_terminal(sys.stdout)))
    pictures = plots.draw(labelled_rows, out)
    print(f"curves: {pictures[0]} and {pictures[1].name}")
    return 0


def refuse_vain_options(options: argparse.Namespace, has_runs: bool, has_specs: bool) -> None:
    """UsageError for an option about runs where there are only specs, and for one about specs where there are none."""
    from resnetc.compiler.driver.session import UsageError

    names = ("data", "recipe", "override", "seeds", "deterministic")
    about_training = [f"--{name}" for name in names if getattr(options, name)]
    if about_training and not has_specs:
        raise UsageError(f"{', '.join(about_training)}: all of these runs are finished, and nothing is trained")
    if options.allow_import and not has_runs:
        raise UsageError("--allow-import is for the networks of runs, but there is no run here")


def disambiguate_labels(rows: Sequence[tuple[str, Row]]) -> list[Row]:
    """Rows of one label are told apart by what the command line calls them; the first keeps its label."""
    labelled: list[Row] = []
    for name, row in rows:
        is_taken = any(row.label == other.label for other in labelled)
        labelled.append(replace(row, label=f"{row.label} ({name})") if is_taken else row)
    return labelled


@record(eq=True)
class Plan:
    """What is due: the networks, compiled for the data, and the recipe."""

    arms: list[Arm]
    images: Outline
    recipe: Recipe


def make_plan(specs: Sequence[NetworkArgument], options: argparse.Namespace) -> Plan:
    """Compiles all of the specs; what is wrong with one of them is said before torch is imported."""
    from resnetc.runtime import data as datasets
    from resnetc.runtime.recipe import recipe_file

    argument = options.data if options.data is not None else "digits"
    name, path = datasets.parse_argument(argument, is_of_command=True)
    said = {
        "seed": f"--seeds {','.join(map(str, options.seeds))}" if options.seeds else None,
        "deterministic": "--deterministic" if options.deterministic else None,
    }
    recipe_file.refuse_saying_twice(options.override, said)
    overrides = [*options.override, *(["deterministic=true"] if options.deterministic else [])]
    recipe = options.recipe if options.recipe is not None else datasets.choose_recipe(name)
    chosen = recipe_file.load(recipe, overrides, options=said)
    print_data_function(name)
    first = argparse.Namespace(spec=specs[0].name, model=specs[0].model)
    return Plan(*compile_arms(specs, datasets.read_outline(name, path, choose_axes(first, None)), chosen), chosen)


def train_plan(plan: Plan, seeds: list[int] | None, out: Path) -> list[Row]:
    """Trains what is due; a row for each."""
    from resnetc.runtime.comparison import compare as runtime_compare
    from resnetc.runtime.run.signals import exit_on_interrupt

    with exit_on_interrupt():
        images = plan.images.read()
    print_data_notes(images, plan.recipe)
    return runtime_compare.train_arms(plan.arms, images, plan.recipe, seeds or [plan.recipe.seed], out)


def compile_arms(
    specs: Sequence[NetworkArgument], data: Outline | MixedOutline, recipe: Recipe
) -> tuple[list[Arm], Outline]:
    """The specs compiled for the data, each under its network's name, and the images as all of them get them; equal
    networks are refused."""
    from resnetc.compiler.driver.session import UsageError
    from resnetc.runtime.comparison.arm import Arm

    compiled_arms: list[Arm] = []
    images: Outline | None = None
    for one in specs:
        options = argparse.Namespace(spec=one.name, model=one.model, settings=list(one.settings))
        source, network, fitted = read_module(options, data, recipe)
        if any(arm.source == source for arm in compiled_arms):
            raise UsageError(f"{network} occurs twice: give each SPEC its own --set")
        if images is not None and fitted.size != images.size:
            sizes = " and ".join("x".join(map(str, outline.size)) for outline in (images, fitted))
            raise UsageError(f"the networks declare images of {sizes}: set one size: --override image_size=N")
        images = fitted
        namesakes = sum(arm.network == network for arm in compiled_arms)
        compiled_arms.append(Arm(f"{network}-{namesakes + 1}" if namesakes else network, network, source))
    assert images is not None  # there is a spec, or there would be no plan
    return compiled_arms, images
