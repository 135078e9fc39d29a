"""`resnetc train`: compiles a named spec, then passes its text to the runtime."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resnetc.bounded_read import contents
from resnetc.cli.common import add_import_option, print_imports, print_note, refuse_occupied
from resnetc.cli.data_check import AlreadyReported, FittedModule, compile_for_data, count_axes
from resnetc.cli.declaration import Command
from resnetc.terminal import one_line

if TYPE_CHECKING:
    from resnetc.runtime.data import ImageSet, MixedOutline, Outline
    from resnetc.runtime.recipe.recipe import Recipe

MAX_MODULE_BYTES = 1 << 26  # bytes of a generated module


def add_command(command: Command, add_selection_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command(
        "train",
        train,
        "compile a spec if needed, train and evaluate it",
        "resnetc train cifar/resnet --set depth=20 --data cifar10:~/cifar-10-batches-bin",
    )
    parser.add_argument(
        "spec",
        metavar="SPEC|MODULE.py",
        nargs="?",
        help="a spec, or a module written by `resnetc compile` (with --resume, default: the run's)",
    )
    add_selection_options(parser)
    parser.add_argument(
        "--data",
        metavar="NAME[:PATH]",
        help="the data set, or your own MODULE:FUNCTION (default: digits; with --resume: the run's)",
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="how to train (default: the recipe named after the data set; with --resume: the run's)",
    )
    parser.add_argument("--override", action="append", default=[], metavar="KEY=V", help="override a key of the recipe")
    parser.add_argument(
        "--init",
        metavar="FILE|RUN",
        help="start from weights: safetensors, a file from torch.save, or a run",
    )
    parser.add_argument(
        "--freeze",
        action="append",
        default=[],
        metavar="PATTERN",
        help="freeze a part: stem, stage1, head, norms, a module, or a pattern such as '*.bn1.*'",
    )
    parser.add_argument("--seed", type=parse_seed, metavar="N", help="the seed of weights, order and augmentation")
    parser.add_argument(
        "--holdout", metavar="SHARE", help="hold out this share of the images to test a set without test images"
    )
    parser.add_argument(
        "--validation", metavar="SHARE", help="choose the best epoch on this share of the training images"
    )
    parser.add_argument("--deterministic", action="store_true", help="give bit-identical weights for the same seed")
    parser.add_argument("--out", metavar="DIR", help="the run folder (default: runs/<network>-<date>)")
    parser.add_argument("--resume", action="store_true", help="resume the stopped run in --out")
    parser.add_argument(
        "--extend",
        action="append",
        default=[],
        metavar="KEY=V",
        help="continue the finished run in --out with another value of a key, such as epochs=60",
    )
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="NAME",
        help="also log the figures of every epoch: tensorboard (event files in the run folder) or wandb",
    )
    add_import_option(parser)


def parse_seed(text: str) -> int:
    """A seed of the command line."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to {2**32 - 1}, not {text!r}")
    return int(text)


def train(options: argparse.Namespace) -> int:
    """The command; returns its exit status. Of several processes (`torchrun`) one a machine says what is wrong."""
    require_runtime()
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.runtime.errors import RunError, Stopped

    try:
        return run_training(options)
    except (RunError, Stopped) as end:
        if launch.is_main_process("LOCAL_RANK"):
            raise
        raise AlreadyReported(end.status) from None


def run_training(options: argparse.Namespace) -> int:
    """Reads what the command line names, trains, and tells the result."""
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.runtime.run.signals import exit_on_interrupt

    options.resume = options.resume or bool(options.extend)
    with exit_on_interrupt():
        source, network, images, recipe = read_arguments(options)
    if launch.is_main_process():
        print_data_notes(images, recipe)
    from resnetc.runtime.run import folder
    from resnetc.runtime.train import train as run

    result = run(
        source,
        network,
        images,
        recipe,
        Path(options.out) if options.out else folder.choose_folder(network),
        init=Path(options.init) if options.init is not None else None,
        resume=options.resume,
        extend=list_extended_keys(options),
        logs=options.log,
    )
    if launch.is_main_process():
        epochs = f"{result.epochs} epoch" + ("s" if result.epochs != 1 else "")
        if result.epochs < recipe.epochs:
            epochs += f", stopped after {recipe.early_stopping} without a better one,"
        of = by = ""
        if images.validation is not None:
            of, by = "of the validation images ", f" by the weights of epoch {result.best_epoch},"
            epochs += "" if epochs.endswith(",") else ","
        accuracy, best = f"{result.top1:.2f} %", f"{result.best_top1:.2f} %"
        if result.mean_average_precision is not None:
            accuracy, best = f"mAP {result.mean_average_precision:.2f} %", f"{result.best_mean_average_precision:.2f} %"
        print(
            f"{result.network}: {accuracy} of the held-out {images.name} images after {epochs}{by}"
            f" in {result.seconds:.1f} s (best {best} {of}in epoch {result.best_epoch});"
            f" {one_line(str(result.out))}"
        )
    return 0


class TrainingArguments(NamedTuple):
    """What the command line names: the generated text, the name of its network, the data and the recipe."""

    source: str
    network: str
    images: ImageSet
    recipe: Recipe


def read_arguments(options: argparse.Namespace) -> TrainingArguments:
    """What the command line names.

    The network is compiled and the data looked at before torch is imported: what is wrong with them is said at once.
    """
    from resnetc.runtime import data as datasets
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.input_pipeline.image_size import fit_images, read_declared_size
    from resnetc.runtime.recipe import recipe_file
    from resnetc.runtime.recipe.agreement import refuse_fixed_keys
    from resnetc.runtime.training.log_names import check_names
    from resnetc.runtime.weights.source import find_weight_file

    check_names(options.log)
    flags = {"seed": options.seed, "deterministic": "true" if options.deterministic else None}
    flags |= {"holdout": options.holdout, "validation": options.validation}
    said = {key: f"--{key} {value}" for key, value in flags.items() if value is not None}
    if options.deterministic:
        said["deterministic"] = "--deterministic"
    said |= {key: f"--extend {text}" for key, text in zip(list_extended_keys(options), options.extend, strict=True)}
    recipe_file.refuse_saying_twice(options.override, said)
    overrides = [*options.override, *(f"{key}={value}" for key, value in flags.items() if value is not None)]
    if options.resume and options.out is None:
        option = "--extend" if options.extend else "--resume"
        raise RunError(f"{option} needs --out: the folder of the run to resume", status=2)
    if options.spec is None and not options.resume:
        raise RunError("SPEC is missing: name a network, for example: resnetc train digits", status=2)
    if options.init is not None:
        if options.resume:
            raise RunError(
                "--init does not combine with --resume: a stopped run continues from its own weights", status=2
            )
        find_weight_file(options.init)
    if options.allow_import and options.spec is not None:
        raise RunError(
            "--allow-import is for the network of a run, with --resume and without SPEC: a SPEC may import its own "
            "modules",
            status=2,
        )
    refuse_fixed_keys(list_extended_keys(options))
    if options.out is not None and not options.resume:
        refuse_occupied(Path(options.out))
    stopped_run = read_stopped_run(Path(options.out)) if options.resume else None
    data_argument = options.data if options.data is not None else stopped_run.data if stopped_run else "digits"
    name, path = datasets.parse_argument(data_argument, is_of_command=options.data is not None)
    default_recipe = str(stopped_run.recipe) if stopped_run else datasets.choose_recipe(name)
    if options.recipe is not None:
        recipe = recipe_file.load(options.recipe, overrides, extensions=options.extend, options=said)
    else:
        of_run = stopped_run is not None
        recipe = recipe_file.load(default_recipe, overrides, extensions=options.extend, options=said, of_run=of_run)
    recipe = recipe_file.add_frozen(recipe, options.freeze)
    axes = choose_axes(options, stopped_run)
    print_data_function(name)
    outline = datasets.read_outline(name, path, axes)
    if stopped_run and options.spec is None:
        refuse_choices(options)
        if not stopped_run.is_sealed:
            raise RunError(f"{options.out}: its model.py has changed since last.ckpt was written: name the SPEC")
        admit_source(stopped_run.source, stopped_run.model, options)
        source, network = stopped_run.source, stopped_run.network
        outline = fit_images(outline, recipe, read_declared_size(source))
    else:
        source, network, outline = read_module(options, outline, recipe)
    if outline.note and launch.is_main_process():
        print_note(outline.note)
    import_runtime()
    return TrainingArguments(source, network, outline.read(), recipe)


def list_extended_keys(options: argparse.Namespace) -> list[str]:
    """The keys of `--extend`."""
    return [argument.partition("=")[0].strip() for argument in options.extend]


def choose_axes(options: argparse.Namespace, stopped_run: StoppedRun | None) -> int:
    """How many axes an input of the network has that the command line names."""
    from resnetc.runtime.input_pipeline.image_size import count_declared_axes

    if options.spec is None:
        assert stopped_run is not None
        return count_declared_axes(stopped_run.source)
    if options.spec.endswith(".py"):
        return count_declared_axes(read_module_text(Path(options.spec)))
    return count_axes(options)


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """What a run folder says of the run to resume: its data, as an argument of --data; the files with its recipe and
    its module; the text of the module, and whether it is the one that was trained; the name of its network."""

    data: str
    recipe: Path
    model: Path
    source: str
    is_sealed: bool
    network: str


def read_stopped_run(out: Path) -> StoppedRun:
    """The stopped run in a folder; RunError where there is none."""
    from resnetc.runtime.errors import RunError, describe_no_folder
    from resnetc.runtime.model import loader
    from resnetc.runtime.run import folder, train_state

    run = folder.RunFolder(out)
    if not run.holds_run:
        if not os.path.isdir(out):
            raise RunError(f"{out}: {describe_no_folder(out)}; expected the folder of the run to resume")
        raise RunError(f"{out}: this folder has no run to resume")
    if not run.is_resumable:
        raise RunError(f"{out}: this run ended before its first checkpoint: start it again without --resume")
    metadata, source = train_state.load_newest(run).metadata, run.read_source()
    is_sealed = loader.compute_digest(source) == metadata["module"]
    return StoppedRun(
        metadata["data"],
        run.recipe_path,
        model=run.model_path,
        source=source,
        is_sealed=is_sealed,
        network=metadata["network"],
    )


def admit_source(source: str, model: Path, options: argparse.Namespace) -> None:
    """RunError where the module of a run holds or imports code that the command line does not name."""
    from resnetc.runtime.model import user_classes

    user_classes.admit_source(source, str(model), options.allow_import)
    print_imports(options)


def print_data_function(name: str) -> None:
    """Says where code of the user's own is taken from, if the data set is what a function returns."""
    from resnetc.runtime.data import NAMES, user_function
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.user_code import shorten

    if name not in NAMES:
        home = user_function.find_module(name, NAMES)
        require_runtime()
        if launch.is_main_process():
            where = f"from {shorten(home)}" if home is not None else "from where Python finds it"
            print_note(f"calls `{name}` {where} (--data)")


def print_data_notes(images: ImageSet, recipe: Recipe) -> None:
    """Says which classes have no images, and whether they are too few for several steps an epoch."""
    from resnetc.runtime.data import labels
    from resnetc.runtime.distributed.batch_shares import describe_single_step

    for remark in labels.list_notes(images):
        print_note(remark)
    if remark := describe_single_step(len(images.train_labels), recipe.batch_size):
        print_note(f"{images.name}: {remark}")


def require_runtime() -> None:
    """RunError, in one message, where packages of the runtime are not installed; imports none of them."""
    from resnetc.runtime.errors import require_packages

    require_packages("torch", "numpy", "safetensors")


def import_runtime() -> None:
    """Imports the packages of the runtime, which takes seconds; Ctrl-C meanwhile ends the process at once."""
    from resnetc.runtime.run.signals import exit_on_interrupt

    with exit_on_interrupt():
        import safetensors.torch  # noqa: F401  (and with it torch and NumPy)


def read_module(options: argparse.Namespace, images: Outline | MixedOutline, recipe: Recipe) -> FittedModule:
    """The generated text to train and the name of its network: read, or compiled for the data; and the images as the
    network gets them."""
    from resnetc.runtime.input_pipeline.image_size import fit_images, read_declared_size

    if options.spec.endswith(".py"):
        path = Path(options.spec)
        refuse_choices(options)
        text = read_module_text(path)
        return FittedModule(text, path.stem, fit_images(images, recipe, read_declared_size(text)))
    return compile_for_data(options, images, recipe)


def read_module_text(path: Path) -> str:
    """The text of a generated module; RunError where it cannot be read."""
    from resnetc.runtime.errors import RunError

    try:
        return contents(path, MAX_MODULE_BYTES).decode()
    except UnicodeDecodeError:
        raise RunError(f"{path}: cannot be read: not a text file") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from None


def refuse_choices(options: argparse.Namespace) -> None:
    """RunError for options that change a spec, where there is none."""
    from resnetc.runtime.errors import RunError

    if options.settings or options.model:
        raise RunError("--set and --model need a spec: a generated module cannot be changed", status=2)
