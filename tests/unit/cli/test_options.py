"""Options that exclude each other: of any two that a command takes, neither is ignored without a word."""

import argparse
import io
import itertools
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from resnetc.cli import predict, study
from resnetc.cli.declaration import name_option
from resnetc.cli.main import build_parser, main
from tests.support import run_command

COMMANDS = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
SPEC = """edition 1

model net(classes: int = 10, channels: int = 1) {
  input [channels, H, W] = [channels, 8, 8]
  stem = conv(4, kernel=3) |> relu
  head = global_avg_pool |> fc: linear(classes)
}
"""
# A value for every option of every command, by its last name; of those with two meanings, one for each.
VALUES: dict[str, tuple[str, ...]] = {
    "--allow-import": ("--allow-import json",),
    "--batch": ("--batch 2",),
    "--check": ("--check",),
    "--costs": ("--costs",),
    "--crops": ("--crops 10",),
    "--data": ("--data digits",),
    "--deny": ("--deny W0601",),
    "--deterministic": ("--deterministic",),
    "--examples": ("--examples 3",),
    "--extend": ("--extend epochs=2",),
    "--fix": ("--fix",),
    "--folded": ("--folded",),
    "--force": ("--force",),
    "--format": ("--format json",),
    "--freeze": ("--freeze stem",),
    "--holdout": ("--holdout 0",),
    "--init": ("--init run",),
    "--input": ("--input 1x8x8",),
    "--jobs": ("--jobs 2",),
    "--list": ("--list",),
    "--log": ("--log tensorboard",),
    "--model": ("--model net",),
    "--out": ("--out new", "--out -"),
    "--override": ("--override momentum=0.5",),
    "--quick": ("--quick",),
    "--recipe": ("--recipe digits",),
    "--resume": ("--resume",),
    "--scales": ("--scales 8",),
    "--seed": ("--seed 1",),
    "--seeds": ("--seeds 1",),
    "--set": ("--set classes=10",),
    "--side": ("--side 4",),
    "--top": ("--top 1",),
    "--validation": ("--validation 0.1",),
    "--weights": ("--weights last",),
}
USES = (  # every command that has options, with what it is given besides them
    "check net.resnet",
    "compile net.resnet",
    "show net.resnet",
    "fmt net.resnet",
    "test net.resnet",
    "train net.resnet",
    "train run/model.py",
    "train --resume --out run",
    "train --resume --out run net.resnet",
    "eval run",
    "predict run image.png",
    "compare net.resnet",
    "compare run",
    "compare net.resnet run",
    "pack folder new.pack",
    "study",
    "study table1",
    "study responses",
    "study all",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, a finished run and an image."""
    from PIL import Image

    root = tmp_path_factory.mktemp("options")
    (root / "net.resnet").write_text(SPEC)
    quick = ("--override", "epochs=1", "--override", "threads=1")
    ran = run_command("train", str(root / "net.resnet"), *quick, "--out", str(root / "run"))
    assert ran.status == 0, ran.err
    assert run_command("compile", str(root / "net.resnet"), "-o", str(root / "generated")).status == 0
    (root / "folder" / "a").mkdir(parents=True)
    for path in (root / "image.png", root / "folder" / "a" / "image.png"):
        Image.new("L", (8, 8)).save(path)
    return root


class WatchedOptions(argparse.Namespace):
    """The options of a command, which say which of them were read since the command began."""

    read: set[str]

    def __getattribute__(self, name: str) -> object:
        if name == "run":  # which is read last before the command begins
            WatchedOptions.read = set()
        elif sys._getframe(1).f_globals["__name__"] != "argparse":
            WatchedOptions.read.add(name)
        return super().__getattribute__(name)


class Done(Exception):
    """In the place of what takes its time, training or an evaluation: the command would have begun with it."""

    status = 0


def end(*arguments: object, **keywords: object) -> None:
    raise Done


@pytest.fixture
def run_watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], tuple[int, set[str], str]]:
    """Runs a command line without what takes its time: the status, the options that were read, and stderr."""
    from resnetc.cli import compare
    from resnetc.runtime import evaluate, train
    from resnetc.runtime.comparison import plots
    from resnetc.runtime.training import log_names

    WatchedOptions.read = set()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(argparse, "Namespace", WatchedOptions)
    monkeypatch.setattr(train, "train", end)
    monkeypatch.setattr(evaluate, "evaluate", end)
    monkeypatch.setattr(plots, "draw", end)
    monkeypatch.setattr(log_names, "check_names", lambda names: None)  # one of which may not be installed
    monkeypatch.setattr(compare, "train_plan", end)
    monkeypatch.setattr(predict, "rank_classes", lambda *arguments: [])
    monkeypatch.setattr(study, "make_study", lambda *arguments: None)
    monkeypatch.setattr("resnetc.cli.study_costs.compute_costs", lambda *arguments: [])
    monkeypatch.setattr("resnetc.testing.exercise.exercise", lambda *arguments: [])

    def run(words: list[str]) -> tuple[int, set[str], str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(words)
        return status, WatchedOptions.read, err.getvalue()

    return run


def list_options(command: str) -> Iterator[tuple[argparse.Action, str]]:
    """The options of a command, each with words that give it."""
    for action in COMMANDS[command]._actions:
        if action.option_strings and action.dest != "help":
            for words in VALUES[action.option_strings[-1]]:
                yield action, words


@pytest.mark.parametrize("use", USES)
def test_no_option_is_ignored_beside_another(use: str, run_watched) -> None:
    first, *rest = shlex.split(use)
    ignored, begun = [], 0
    for pair in itertools.combinations_with_replacement(list_options(first), 2):
        given = dict(pair)
        words = [first, *shlex.split(" ".join(given.values())), *rest]
        status, read, err = run_watched(words)
        assert status in (0, 1, 2) and "Traceback" not in err, (words, err)
        unread = [action.option_strings[-1] for action in given if action.dest not in read]
        begun += status == 0
        if status == 0 and unread:
            ignored.append(f"{shlex.join(words)}: {', '.join(unread)}")
    assert ignored == [] and begun


def test_every_command_with_options_is_among_them() -> None:
    assert {use.split()[0] for use in USES} == {command for command in COMMANDS if list(list_options(command))}


REFUSED = (
    ("study table1 --list --costs", "arguments NAME, --costs: not allowed with --list, which only lists the studies"),
    (
        "study --quick --seeds 1 --list",
        "arguments --quick, --seeds: not allowed with --list, which only lists the studies",
    ),
    ("study --list --out runs/studies", "argument --out: not allowed with --list, which only lists the studies"),
    (
        "study options --costs --quick --data digits",
        "arguments --quick, --data: not allowed with --costs, which is about CIFAR-10 and ImageNet, and trains nothing",
    ),
    (
        "study options --costs --jobs 1",
        "argument --jobs: not allowed with --costs, which is about CIFAR-10 and ImageNet, and trains nothing",
    ),
    ("compile net.resnet --force --check", "argument --force: not allowed with --check, which writes nothing"),
    (
        "compile net.resnet -o - --check",
        "`-o -` prints the modules: remove `--check` and `--force`, which apply to files",
    ),
    (
        "test net.resnet --input 1x8x8 --examples 3",
        "argument --examples: not allowed with --input, which is the only size that is tested",
    ),
    (
        "train net.resnet --allow-import json",
        "--allow-import is for the network of a run, with --resume and without SPEC: a SPEC may import its own modules",
    ),
    (
        "compare run --seeds 1 --recipe digits",
        "--recipe, --seeds: all of these runs are finished, and nothing is trained",
    ),
    ("compare --set classes=10 run", "run: --set and --model need a spec: a run cannot be changed"),
    ("compare net.resnet --allow-import json", "--allow-import is for the networks of runs, but there is no run here"),
)


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_options_that_exclude_each_other_are_refused(
    line: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    ran = run_command(*line.split())
    assert (ran.status, ran.out) == (2, "") and ran.err.endswith(f": {message}\n"), ran.err


def test_every_exclusion_that_is_declared_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the parsers, whatever the commands are."""
    tried = 0
    for command, parser in COMMANDS.items():
        positionals = ["SPEC"] if any(action.dest == "spec" for action in parser._actions) else []
        for exclusion in parser.get_default("exclusions") or ():
            for ignored in exclusion.ignored:
                words = [command, *positionals]
                for action in (exclusion.option, ignored):
                    words += VALUES[action.option_strings[-1]][0].split() if action.option_strings else ["NAME"]
                assert main(words) == 2
                out, err = capsys.readouterr()
                assert not out
                assert (
                    f"error: argument {name_option(ignored)}: not allowed with {name_option(exclusion.option)}" in err
                )
                tried += 1
    assert tried > 10
