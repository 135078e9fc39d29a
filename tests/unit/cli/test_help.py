"""`--help`: every command and option says what it is for, and every example is a command line that works."""

import argparse
import io
import re
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from resnetc.cli.main import build_parser, main

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
TRAINS = {"train", "eval", "predict", "compare", "pack", "study"}  # need data, a run or hours
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
    build_parser().parse_args(words)


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
    text = build_parser().format_help()
    assert all(f"\n    {command} " in text for command in COMMANDS)


def test_a_wrong_command_line_shows_the_usage_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--colour", "digits"]) == 2
    assert capsys.readouterr().err.startswith("usage: resnetc check ")
    assert main(["show", "digits", "other"]) == 2
    out, err = capsys.readouterr()
    assert not out and err.endswith("resnetc show: error: unrecognized arguments: other\n")


def test_no_command_is_a_question_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr() == ("", build_parser().format_help())


def test_the_first_steps_are_commands() -> None:
    steps = re.findall(r"^  resnetc (\w+ [\w./]+)", build_parser().format_help(), re.MULTILINE)
    assert len(steps) == 2
    for words in steps:
        build_parser().parse_args(words.split())
