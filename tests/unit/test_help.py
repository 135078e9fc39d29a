"""`--help`: every command and option says what it is for, and every example is a command line that works."""

import argparse
import io
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from resnetc.cli import main, parser

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
TRAINS = {"train", "eval", "compare"}  # need data or a run
LONG = {"list", "test"}  # run elsewhere, on less


def example(command: str) -> str:
    return COMMANDS[command].epilog.removeprefix("example: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_help(command: str) -> None:
    made = COMMANDS[command]
    assert made.description and made.description.endswith(".")
    assert [action.dest for action in made._actions if not action.help] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_is_a_command_line(command: str) -> None:
    program, *words = shlex.split(example(command))
    assert program == "resnetc" and words[0] == command
    parser().parse_args(words)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in TRAINS | LONG])
def test_the_example_ends_well(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder where the specs lie as in the repository."""
    shutil.copytree(ROOT / "specs" / "imagenet", tmp_path / "specs" / "imagenet")
    monkeypatch.chdir(tmp_path)
    stream = io.StringIO()
    with redirect_stdout(stream), redirect_stderr(stream):
        status = main(shlex.split(example(command))[1:])
    assert status == 0, stream.getvalue()


def test_the_list_of_commands_is_short_and_whole() -> None:
    text = parser().format_help()
    assert all(f"\n    {command} " in text for command in COMMANDS)
