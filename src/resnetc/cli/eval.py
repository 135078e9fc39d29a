"""`resnetc eval`: judges a checkpoint of a run on test images."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resnetc.cli.common import add_import_option, print_imports, print_note
from resnetc.cli.train import Command, import_runtime, require_runtime


def add_command(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    one = command(
        "eval", evaluate, "evaluate the best or last checkpoint of a run", "resnetc eval runs/digits-20260101-120000"
    )
    one.add_argument("run_dir", metavar="RUN_DIR", help="the folder of a run of `resnetc train`")
    one.add_argument("--data", metavar="NAME[:PATH]", help="another data set than that of the run")
    one.add_argument("--weights", choices=("best", "last"), help="which checkpoint (default: best if there is one)")
    add_import_option(one)


def evaluate(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    require_runtime()
    import_runtime()
    from resnetc.runtime import data as datasets
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.evaluate import evaluate as evaluate_run
    from resnetc.runtime.run.signals import exit_on_interrupt

    run = Path(options.run_dir)
    allowed = options.allow_import
    with exit_on_interrupt():
        print_imports(options)
        images = datasets.read_outline(*datasets.parse_argument(options.data)) if options.data is not None else None
        evaluation = evaluate_run(run, images, weights=options.weights, allow_imports=allowed)
    sys.stdout.write(evaluation.format_text().rstrip("\n") + "\n")
    if images is None and options.weights != "last":
        from resnetc.runtime.report import report

        sys.stdout.flush()
        try:
            report.write(run, images, evaluation, allow_imports=allowed)
        except RunError as fault:  # a folder that may only be read: the figures are told already
            print_note(f"no report: {fault}")
    return 0
