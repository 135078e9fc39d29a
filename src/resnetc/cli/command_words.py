"""What other tools call the commands of the command line, and what to use for what no command does."""

from __future__ import annotations

from collections.abc import Mapping

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
    "compare": "ablate ablation sweep experiment versus vs",
}
ADVICE = {  # for what may have no command; a command of one of these names goes first
    "load the module that `compile` wrote, and give its `build()` the weights of the run with `load_state_dict`": (
        "predict infer inference classify serve deploy"
    ),
    "compile the network, and give the module to `torch.onnx.export` or `torch.export.export`": (
        "export onnx torchscript jit trace tensorrt"
    ),
    "`resnetc compile --check` compares the networks of a spec with the files that were written": "diff plan drift",
    "`resnetc train --resume --out DIR` goes on with a stopped run": "resume continue",
    "`resnetc show SPEC` prints the costs; PyTorch's profiler measures the module": "bench benchmark profile time",
    "`resnetc --version` prints the version": "version",
    "`resnetc --help` lists the commands, and `resnetc COMMAND --help` the options of one": "help usage commands",
    "pip installs and updates resnetc": "install update upgrade uninstall",
    "resnetc ships no weights": "download pull weights pretrained",
}


def describe_unknown_command(word: str, commands: Mapping[str, str]) -> str:
    """The message about a command that does not exist, with what is meant; `commands` says what each does."""
    from resnetc.compiler.diagnostics.diagnostic import similar
    from resnetc.terminal import brief, one_line

    lower = word.lower().replace("_", "-")
    name = next((name for name in commands if lower in (name, *WORDS.get(name, "").split())), None)
    advice = next((advice for advice, words in ADVICE.items() if lower in words.split()), "")
    if name is None and not advice:
        name = similar(lower, commands)
    help = f"; `resnetc {name}`: {commands[name]}" if name else f"; {advice}" if advice else ""
    return f"there is no command `{brief(one_line(word), 40)}`{help}\ncommands: {', '.join(commands)}"
