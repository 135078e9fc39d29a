"""`resnetc train` and `eval`: compiles where a spec is named, then hands the text to the runtime."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetc.contents import contents

if TYPE_CHECKING:
    from resnetc.runtime.data import Data
    from resnetc.runtime.recipe import Recipe

MOST = 1 << 26  # bytes of a generated module

Command = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]


def add_commands(command: Command, choosing: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the commands of the runtime; nothing of it is imported before one of them runs."""
    one = command(
        "train",
        train,
        "compile if needed, train, evaluate",
        "resnetc train cifar/resnet --set depth=20 --data cifar10:~/cifar-10-batches-bin",
    )
    one.add_argument("spec", metavar="SPEC|MODULE.py", help="a spec, or a module that `resnetc compile` wrote")
    choosing(one)
    one.add_argument("--data", metavar="NAME[:PATH]", help="the images (default: digits; resumed: those of the run)")
    one.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="how to train (default: the recipe of the data's name; resumed: the run's)",
    )
    one.add_argument("--override", action="append", default=[], metavar="KEY=V", help="a key of the recipe")
    one.add_argument("--seed", type=seed, metavar="N", help="of weights, order and augmentation")
    one.add_argument("--deterministic", action="store_true", help="the same weights for the same seed, bit for bit")
    one.add_argument("--out", metavar="DIR", help="the run folder (default: runs/<network>-<date>)")
    one.add_argument("--resume", action="store_true", help="go on with the stopped run in --out")

    one = command(
        "eval", evaluate, "evaluate the best or last checkpoint of a run", "resnetc eval runs/digits-20260101-120000"
    )
    one.add_argument("run_dir", metavar="RUN_DIR", help="the folder that `resnetc train` left behind")
    one.add_argument("--data", metavar="NAME[:PATH]", help="other images than those of the run")
    one.add_argument("--weights", choices=("best", "last"), help="which checkpoint (default: best where there is one)")


def seed(text: str) -> int:
    """A seed of the command line."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {2**32 - 1} is due, not {text!r}")
    return int(text)


def train(options: argparse.Namespace) -> int:
    """The command; returns its exit status. Of several processes (`torchrun`) one a machine says what is wrong."""
    require_runtime()
    from resnetc.runtime import group
    from resnetc.runtime.errors import RunError, Stopped

    try:
        return trained(options)
    except (RunError, Stopped) as end:
        if group.speaks("LOCAL_RANK"):
            raise
        raise Refused(end.status) from None


def trained(options: argparse.Namespace) -> int:
    """Reads what the command line names, trains, and tells the result."""
    from resnetc.runtime import folder, group
    from resnetc.runtime.signals import ended_at_once
    from resnetc.runtime.train import train as run

    with ended_at_once():
        source, network, images, chosen = read(options)
    result = run(
        source,
        network,
        images,
        chosen,
        Path(options.out) if options.out else folder.default(network),
        resume=options.resume,
    )
    if group.speaks():
        epochs = f"{result.epochs} epoch" + ("s" if result.epochs != 1 else "")
        print(
            f"{result.network}: {result.top1:.2f} % of the held-out {images.name} images after {epochs}"
            f" in {result.seconds:.1f} s (best {result.best_top1:.2f} % in epoch {result.best_epoch}); {result.out}"
        )
    return 0


def read(options: argparse.Namespace) -> tuple[str, str, Data, Recipe]:
    """What the command line names: the generated text, the name of its network, the data and the recipe."""
    from resnetc.runtime import data as datasets
    from resnetc.runtime import folder, recipe, state
    from resnetc.runtime.errors import RunError

    overrides = [*options.override]
    if options.seed is not None:
        overrides.append(f"seed={options.seed}")
    if options.deterministic:
        overrides.append("deterministic=true")
    if options.resume and options.out is None:
        raise RunError("--resume needs --out: the folder of the run to go on with", status=2)
    if options.resume and not folder.RunFolder(Path(options.out)).exists:
        raise RunError(f"{options.out}: no run to go on with in this folder")
    if options.resume and not folder.RunFolder(Path(options.out)).begun:
        raise RunError(f"{options.out}: this run ended before it had saved itself: start it again, without --resume")
    before = folder.RunFolder(Path(options.out)) if options.resume else None
    name, path = datasets.split(
        options.data if options.data is not None else state.load(before.last)[1]["data"] if before else "digits"
    )
    started = str(before.recipe) if before else name
    chosen = recipe.load(options.recipe if options.recipe is not None else started, overrides)
    images = datasets.load(name, path)
    return *module_of(options, images), images, chosen


def require_runtime() -> None:
    """Imports the packages of the runtime, which takes seconds; the one message where they are not installed."""
    from resnetc.runtime.errors import require
    from resnetc.runtime.signals import ended_at_once

    require("torch", "numpy", "safetensors")
    with ended_at_once():
        import safetensors.torch  # noqa: F401  (and with it torch and NumPy)


def module_of(options: argparse.Namespace, images: Data) -> tuple[str, str]:
    """The generated text to train and the name of its network: read, or compiled for the data."""
    from resnetc.runtime.errors import RunError

    if options.spec.endswith(".py"):
        path = Path(options.spec)
        if options.settings or options.model:
            raise RunError("--set and --model need a spec: a generated module is what it is", status=2)
        try:
            return contents(path, MOST).decode(), path.stem
        except UnicodeDecodeError:
            raise RunError(f"{path}: cannot be read: not a text") from None
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror or error}") from None
    return compiled_for(options, images)


def compiled_for(options: argparse.Namespace, images: Data) -> tuple[str, str]:
    """The network compiled with the classes, channels and size of the data, unless `--set` says otherwise."""
    from resnetc.cli import failed, note, opened, remarks
    from resnetc.compiler.driver import Checked, UsageError
    from resnetc.runtime import group
    from resnetc.runtime.errors import RunError

    session = opened([options.spec])
    given = {name for name, _ in options.settings}
    wanted = {"classes": images.classes, "channels": images.channels}
    parameters = {p.name.id: p for model in session.models(options.model) for p in model.parameters}
    settings = [*options.settings]
    for key, value in wanted.items():
        if key in parameters and key not in given:
            settings.append((key, str(value)))
    networks: list[Checked] = session.networks(options.model, settings, sizes=images.size)
    if failed(session):
        raise Refused()
    if len(networks) != 1:
        names = ", ".join(c.network.name for c in networks) or "none"
        raise UsageError(
            f"one network is trained at a time, and `{options.spec}` stands for {len(networks)}: {names}\n"
            "choose with --model or --set"
        )
    (checked,) = networks
    for key, have in (
        ("channels", checked.network.input.channels),
        ("classes", checked.measures.output(images.size)[0]),
    ):
        if have != wanted[key] and key not in given:
            raise RunError(
                f"{checked.network.name} has {have} {key} and {images.name} has {wanted[key]}; the model has no"
                f" parameter `{key}` that could be set"
            )
    for size, axis, symbol in zip(images.size, checked.accepted.axes, checked.network.input.symbols, strict=False):
        if size not in axis:
            from resnetc.compiler.sizes import show_set

            raise RunError(
                f"{checked.network.name} accepts {show_set(axis, symbol or 'size')}; {images.name} has {size}"
            )
    if group.speaks():
        told = [f"{k} = {v}" for k, v in wanted.items() if k in parameters and k not in given]
        told.append(f"input {'x'.join(map(str, images.size))}")
        note(f"{checked.network.name}: from the data: {', '.join(told)}")
        remarks(session, networks)
    return session.render(checked), checked.network.name


class Refused(Exception):
    """Ends a command of which all has been said, such as the diagnostics of a spec."""

    def __init__(self, status: int = 1) -> None:
        super().__init__()
        self.status = status


def evaluate(options: argparse.Namespace) -> int:
    require_runtime()
    from resnetc.cli import note
    from resnetc.runtime import data as datasets
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.evaluate import evaluate as judge
    from resnetc.runtime.signals import ended_at_once

    run = Path(options.run_dir)
    with ended_at_once():
        images: Any = datasets.load(*datasets.split(options.data)) if options.data is not None else None
        judged = judge(run, images, weights=options.weights)
    sys.stdout.write(judged.text().rstrip("\n") + "\n")
    if images is None and options.weights != "last":
        from resnetc.runtime import report

        sys.stdout.flush()
        try:
            report.write(run, images, judged)
        except RunError as fault:  # a folder that may only be read: the figures are told already
            note(f"no report: {fault}")
    return 0
