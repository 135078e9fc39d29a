"""`resnetc eval`: judges a checkpoint of a run on test images."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.cli.common import add_import_option, print_imports, print_note
from resnetc.cli.declaration import Command
from resnetc.cli.train import import_runtime, print_data_function, require_runtime

if TYPE_CHECKING:
    from resnetc.runtime.data import MixedOutline, Outline


def add_command(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command(
        "eval", evaluate, "evaluate the best or last checkpoint of a run", "resnetc eval runs/digits-20260101-120000"
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="the folder of a run of `resnetc train`")
    parser.add_argument("--data", metavar="NAME[:PATH]", help="evaluate on this data set instead of the run's")
    parser.add_argument("--weights", choices=("best", "last"), help="which checkpoint (default: best if there is one)")
    parser.add_argument(
        "--crops",
        type=int,
        choices=(1, 10),
        default=1,
        help="average over 10 crops of each image: corners and centre, each also flipped",
    )
    parser.add_argument(
        "--scales",
        type=parse_scales,
        default=(),
        metavar="N,N,...",
        help="average over images with the shorter side resized to each of these; without --crops 10, whole images",
    )
    parser.add_argument("--folded", action="store_true", help="fold batch norms into convolutions first (faster)")
    add_import_option(parser)


def parse_scales(text: str) -> tuple[int, ...]:
    """`224,256` as numbers, each once."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) < 10**6 for part in parts):
        raise argparse.ArgumentTypeError(f"write them as 224,256,384, not {text!r}")
    return tuple(dict.fromkeys(map(int, parts)))


def count_axes(run: Path) -> int:
    """How many axes an input of a run has; 2 where its files do not say it: what is wrong with them is said later."""
    from resnetc.runtime.input_pipeline.image_size import count_declared_axes
    from resnetc.runtime.run.folder import RunFolder

    folder = RunFolder(run)
    return count_declared_axes(folder.read_source() if folder.holds_run else "")


def read_data(argument: str, axes: int) -> Outline | MixedOutline:
    """The data set that the command line names."""
    from resnetc.runtime import data as datasets

    name, path = datasets.parse_argument(argument, is_of_command=True)
    print_data_function(name)
    return datasets.read_outline(name, path, axes)


def evaluate(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    require_runtime()
    import_runtime()
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.evaluate import evaluate as evaluate_run
    from resnetc.runtime.run.signals import exit_on_interrupt

    run = Path(options.run_dir)
    allowed = options.allow_import
    with exit_on_interrupt():
        print_imports(options)
        images = None
        if options.data is not None:
            images = read_data(options.data, count_axes(run))
        evaluation = evaluate_run(
            run,
            images,
            weights=options.weights,
            allow_imports=allowed,
            crops=options.crops,
            scales=options.scales,
            folded=options.folded,
        )
    if evaluation.folding:
        print_note(evaluation.folding)
    sys.stdout.write(evaluation.format_text().rstrip("\n") + "\n")
    is_usual = options.weights != "last" and options.crops == 1 and not options.scales and not options.folded
    if images is None and is_usual:
        from resnetc.runtime.report import report

        sys.stdout.flush()
        try:
            report.write(run, images, evaluation, allow_imports=allowed)
        except RunError as fault:  # a folder that may only be read: the figures are told already
            print_note(f"no report: {fault}")
    return 0
