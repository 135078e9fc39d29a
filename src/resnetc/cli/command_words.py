"""What other tools call the commands of the command line, and what to use for what no command does."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

WORDS = {
    "check": "validate verify lint typecheck type-check analyze analyse prove parse syntax ruff mypy",
    "compile": "build generate gen codegen emit transpile make convert translate write",
    "show": "render plot draw visualize visualise graph summary summarize info describe inspect print view display",
    "list": "ls models zoo search find names list-models catalog",
    "fmt": "format reformat black prettify tidy",
    "new": "init create scaffold template start add",
    "explain": "why code doc docs man",
    "test": "selftest pytest unittest",
    "train": "run fit learn finetune fine-tune tune",
    "eval": "evaluate score val accuracy metrics",
    "predict": "infer inference classify serve deploy label",
    "compare": "ablate ablation sweep experiment versus vs",
}
ADVICE = {  # for what may have no command; a command of one of these names goes first
    "compile the network, and give the module to `torch.onnx.export` or `torch.export.export`": (
        "export onnx torchscript jit trace tensorrt"
    ),
    "`resnetc compile --check` compares the networks of a spec with the existing files": "diff plan drift",
    "`resnetc train --resume --out DIR` continues a stopped run": "resume continue",
    "`resnetc show SPEC` prints the costs; PyTorch's profiler measures the module": "bench benchmark profile time",
    "`resnetc --version` prints the version": "version",
    "`resnetc --help` lists the commands, and `resnetc COMMAND --help` the options of one": "help usage commands",
    "pip installs and updates packages": "install update upgrade uninstall",
    "resnetc ships no weights; `resnetc train --init FILE` starts from your own": "download pull weights pretrained",
}


def describe_unknown_command(word: str, commands: Mapping[str, str]) -> str:
    """The message about a command that does not exist, with what is meant; `commands` says what each does."""
    from resnetc.compiler.diagnostics.diagnostic import find_similar
    from resnetc.terminal import brief, one_line

    lower = word.lower().replace("_", "-")
    name = next((name for name in commands if lower in (name, *WORDS.get(name, "").split())), None)
    advice, words = next(((text, words.split()) for text, words in ADVICE.items() if lower in words.split()), ("", []))
    name = name or next((command for command in commands if command in words), None)
    if name is None and not advice:
        name = find_similar(lower, commands)
    help = f"; `resnetc {name}`: {commands[name]}" if name else f"; {advice}" if advice else ""
    return f"there is no command `{brief(one_line(word), 40)}`{help}\ncommands: {', '.join(commands)}"


OPTIONS = {  # what others call the options of a command; the first word of a row is the option itself
    "--out DIR": "--output --out-dir --output-dir --outdir --output-folder --dest --save-dir --logdir --run-name",
    "--data NAME:PATH": "--dataset --data-dir --data-path --dataset-name --train-data",
    "--recipe FILE": "--config --cfg --hparams --yaml",
    "--override KEY=V": "--opts --hp",
    "--model NAME": "--arch --model-name --network --net",
    "--set NAME=V": "--param --define --arg --opt --option",
    "--input 3x224x224": "--input-size --img-size --image-size --imgsz --shape --size --input-shape --resolution",
    "--format json": "--json --output-format",
    "--format svg": "--svg --plot --draw --picture",
    "--format mermaid": "--mermaid --graph",
    "--format github": "--github --annotate",
    "--deny warnings": "--strict --werror --warnings-as-errors --fail-on-warning",
    "--fix": "--autofix --write --apply",
    "--check": "--dry-run --diff --verify --no-write",
    "--force": "--overwrite --exist-ok --yes -y",
    "--resume": "--continue --resume-from --restart",
    "--weights best": "--checkpoint --ckpt",
    "--top N": "--topk --top-k --k",
    "--seeds N": "--repeat --runs",
}
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")


def refuse_unknown_arguments(rest: Sequence[str], parser: argparse.ArgumentParser) -> NoReturn:
    """Ends a command (SystemExit, status 2) that does not take the arguments `rest`, with what to write instead."""
    answer = describe_unknown_option(rest, parser.format_help()) if rest[0].startswith("-") else ""
    parser.error("\n".join(filter(None, (f"unrecognized arguments: {' '.join(rest)}", answer))))


def describe_unknown_option(rest: Sequence[str], help: str) -> str:
    """What to write in place of an option that a command lacks, or nothing; `rest` are the arguments that it did not
    take, `help` names the options that it has."""
    from resnetc.compiler.diagnostics.diagnostic import find_similar
    from resnetc.compiler.vocabulary.parameters import NEEDLESS, NO_WEIGHTS, SETTINGS
    from resnetc.runtime.recipe.foreign_keys import FOREIGN_KEYS, describe_absence

    option, _, value = rest[0].partition("=")
    if not value and len(rest) > 1 and not rest[1].startswith("-"):
        value = rest[1]
    options = set(OPTION.findall(help))
    for written, words in OPTIONS.items():
        if option in words.split() and written.split()[0] in options:
            return f"`{option}` is written `{written}` here"
    word = option.lstrip("-").replace("-", "_")
    if "--override" in options:
        keys = [key for key, words in FOREIGN_KEYS.items() if word in (key, *words.split())]
        if keys:
            return f"it is a key of the recipe: `--override {keys[0]}={value or '...'}`"
        if absence := describe_absence(word, ()):
            return absence
    if word in NEEDLESS[NO_WEIGHTS].split():
        return NO_WEIGHTS
    settings = [name for name, words in SETTINGS.items() if word in (name, *words.split())]
    if "--set" in options and settings:
        return f"set parameters and slots of a model with `--set`: `--set {settings[0]}={value or '...'}`"
    near = find_similar(option, [name for name in options if name.startswith("--")])
    return f"a similar option exists: `{near}`" if near else ""
