"""The words of other tools: commands, options and the names of networks are answered by what is meant."""

import argparse
import re
from pathlib import Path

import pytest

from resnetc.cli.command_words import ADVICE, OPTION, WORDS, describe_unknown_command
from resnetc.cli.main import build_parser, main
from resnetc.compiler.driver.errors import no_spec
from tests.support import run_python

COMMANDS: dict[str, str] = build_parser().get_default("commands")


@pytest.mark.parametrize("name", WORDS)
def test_a_command_of_another_tool_leads_to_the_one_here(name: str) -> None:
    assert name in COMMANDS
    for word in WORDS[name].split():
        assert word not in COMMANDS
        first, _, _ = describe_unknown_command(word, COMMANDS).partition("\n")
        assert first == f"there is no command `{word}`; `resnetc {name}`: {COMMANDS[name]}"


def test_what_no_command_does_is_said_until_there_is_one() -> None:
    for advice, words in ADVICE.items():
        for word in words.split():
            assert advice in describe_unknown_command(word, COMMANDS)
    later = COMMANDS | {"predict": "predict the classes of images"}
    assert "; `resnetc predict`: predict the classes" in describe_unknown_command("infer", later)


def test_each_word_for_a_command_has_one_answer() -> None:
    words = [word for row in (*WORDS.values(), *ADVICE.values()) for word in row.split()]
    assert len(words) == len(set(words))


OPTIONS = {
    "train digits --epochs 3": "it is a key of the recipe: `--override epochs=3`",
    "train digits --lr=0.1": "it is a key of the recipe: `--override learning_rate=0.1`",
    "train digits --amp": "it is a key of the recipe: `--override precision=...`",
    "train digits --teacher resnet50": "recipes have no distillation",
    "train digits --dataset cifar10": "`--dataset` is written `--data NAME:PATH` here",
    "compile digits --output models": "`--output` is written `--out DIR` here",
    "compile digits --num-classes 10": "set parameters and slots of a model with `--set`: `--set classes=10`",
    "show digits --input-size 32": "`--input-size` is written `--input 3x224x224` here",
    "show digits --json": "`--json` is written `--format json` here",
    "check digits --strict": "`--strict` is written `--deny warnings` here",
    "compare digits --dataset cifar10": "`--dataset` is written `--data NAME:PATH` here",
    "study --lst": "a similar option exists: `--list`",
    "study degradation --quik": "a similar option exists: `--quick`",
    "check digits --formt json": "a similar option exists: `--format`",
    "train digits --set precision=bfloat16": "it is a key of the recipe: `--override precision=bfloat16`",
    "train digits --set lr=0.1": "it is a key of the recipe: `--override learning_rate=0.1`",
    "compare digits --set epochs=3": "it is a key of the recipe: `--override epochs=3`",
}


@pytest.mark.parametrize("line", OPTIONS)
def test_an_option_of_another_tool_is_answered(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr().err.endswith(f"\n{OPTIONS[line]}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_its_options_and_no_others(name: str) -> None:
    """Of these an unknown one is answered."""
    subparsers = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    parser = subparsers.choices[name]
    options = {option for action in parser._actions for option in action.option_strings}
    assert {option for option in OPTION.findall(parser.format_help()) if option.startswith("--")} <= options
    assert {option for option in options if option.startswith("--")} <= set(OPTION.findall(parser.format_help()))


SPECS = {
    "ResNet50": "the shipped network is `resnet50`",
    "resnet-50": "the shipped network is `resnet50`",
    "wrn-28-10": "the shipped network is `wrn_28_10`",
    "timm/resnet50": "the shipped network with this name is `zoo/timm/resnet --model resnet50`",
    "torchvision/resnet50": "the shipped network with this name is `zoo/torchvision/resnet --model resnet50`",
    "torchvision.models.resnet50": "the shipped network with this name is `zoo/torchvision/resnet --model resnet50`",
    "hf-hub:timm/resnet50.a1_in1k": "the shipped network with this name is `zoo/timm/resnet --model resnet50`",
    "resnet50.a1_in1k": "the shipped network with this name is `imagenet/resnet50`",
    "tv_resnet50": "the shipped network with this name is `imagenet/resnet50`",
    "models/resnet50": "the shipped network with this name is `imagenet/resnet50`",
    "seresnext50": "a shipped network with a longer name exists: `seresnext50_32x4d`",
    "mynet": "the file is `mynet.resnet`",
}


@pytest.mark.parametrize("spec", SPECS)
def test_a_network_of_another_name_is_named(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mynet.resnet").write_text("edition 1\n")
    (help,) = no_spec(spec).helps
    assert help == SPECS[spec]
    named = re.findall(r"(?:network|name) (?:is|exists:) `([^`]*)`|longer name exists: `([^`]*)`", help)
    for written in (a or b for a, b in named):  # what is named can be shown
        assert main(["show", *written.split()]) == 0


def test_no_table_of_words_is_read_where_nothing_is_wrong(tmp_path: Path) -> None:
    spec = tmp_path / "net.resnet"
    spec.write_text(
        "edition 1\nmodel net() {\n  input [3, H, W] = [3, 8, 8]\n  stem = conv(8, kernel=3)\n"
        "  head = global_avg_pool |> linear(10)\n}\n"
    )
    code = (
        "import sys; from resnetc.cli.main import main; "
        f"status = main(['check', {str(spec)!r}]); "
        "print(status, [name for name in sys.modules if 'vocabulary.' in name or 'words' in name])"
    )
    assert run_python(code).stdout.splitlines()[-1] == "0 []"
