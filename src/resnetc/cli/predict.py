"""`resnetc predict`: what a trained run says of images and arrays."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc import terminal
from resnetc.cli.common import add_import_option, print_imports
from resnetc.cli.declaration import Command
from resnetc.cli.train import import_runtime, require_runtime
from resnetc.compiler.fast_dataclass import record

if TYPE_CHECKING:
    from resnetc.runtime.inference.inputs import Input
    from resnetc.runtime.inference.trained_run import TrainedRun

DEFAULT_TOP = 3  # classes of each input


@record(eq=True)
class Prediction:
    """An input with its most probable classes, best first, each with its probability."""

    input: str
    top: tuple[tuple[str, float], ...]


def add_command(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command(
        "predict",
        predict,
        "classify images with a trained run",
        "resnetc predict runs/first photo.jpg folder --top 5",
    )
    parser.add_argument("run_dir", metavar="RUN", help="the folder of a run of `resnetc train`")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="an image, a folder of images, or an array of images (FILE.npy, FILE.npz, FILE.npz:NAME)",
    )
    parser.add_argument(
        "--top", type=parse_count, default=DEFAULT_TOP, metavar="N", help=f"classes to show (default: {DEFAULT_TOP})"
    )
    parser.add_argument("--weights", choices=("best", "last"), help="which checkpoint (default: best if there is one)")
    parser.add_argument("--format", choices=("human", "json", "csv"), default="human", help="the format of the results")
    add_import_option(parser)


def parse_count(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10**9):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return int(text)


def predict(options: argparse.Namespace) -> int:
    """The command; returns its exit status. Nothing is written unless every input could be read."""
    require_runtime()
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.run.signals import exit_on_interrupt

    for argument in options.inputs:  # before torch is imported
        file = argument.rpartition(":")[0] if not os.path.lexists(argument) else argument
        if not os.path.lexists(file):
            raise RunError(f"{argument}: no such file or folder")
    import_runtime()
    with exit_on_interrupt():
        from resnetc.runtime.inference import inputs
        from resnetc.runtime.inference.trained_run import open_run

        print_imports(options)
        run = open_run(Path(options.run_dir), weights=options.weights, allow_imports=options.allow_import)
        listed = [one for argument in options.inputs for one in inputs.list_argument(argument, run.preprocessing)]
        predictions = rank_classes(run, listed, options.top)
    write = {"human": format_human, "json": format_json, "csv": format_csv}[options.format]
    text = write(predictions)
    if options.format == "human":
        sys.stdout.write(text)
    else:
        terminal.document(text)
    return 0


def rank_classes(run: TrainedRun, inputs: Sequence[Input], count: int) -> list[Prediction]:
    """The `count` most probable classes of each input, or all of them where there are fewer."""
    predictions = []
    for batch, probabilities in run.predict_batches(inputs):
        best = probabilities.topk(min(count, len(run.classes)))
        for one, chances, labels in zip(batch, best.values.tolist(), best.indices.tolist(), strict=True):
            top = tuple((run.classes[label], chance) for label, chance in zip(labels, chances, strict=True))
            predictions.append(Prediction(one.name, top))
    return predictions


def format_human(predictions: Sequence[Prediction]) -> str:
    """A line for each input: its name, then its classes with their probabilities."""
    from resnetc.runtime.data.labels import shorten_name

    names = [terminal.one_line(prediction.input) for prediction in predictions]
    width = min(40, max(map(len, names), default=0))
    lines = []
    for name, prediction in zip(names, predictions, strict=True):
        classes = [f"{shorten_name(label)} {100 * chance:.2f} %" for label, chance in prediction.top]
        lines.append(f"{name:<{width}}  {',  '.join(classes)}\n")
    return "".join(lines)


def format_json(predictions: Sequence[Prediction]) -> str:
    """An object a line."""
    import json

    lines = []
    for prediction in predictions:
        top = [{"class": label, "probability": shorten(chance)} for label, chance in prediction.top]
        lines.append(json.dumps({"input": prediction.input, "top": top}) + "\n")
    return "".join(lines)


def format_csv(predictions: Sequence[Prediction]) -> str:
    """A line for each class of each input, under a line of headings."""
    import csv
    import io

    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["input", "rank", "class", "probability"])
    for prediction in predictions:
        for rank, (label, chance) in enumerate(prediction.top, 1):
            table.writerow([prediction.input, rank, label, shorten(chance)])
    return text.getvalue()


def shorten(probability: float) -> float:
    """The shortest number that is read back to the same float32."""
    return float(f"{probability:.9g}")
