"""The command line's entry point: only here are compiler and runtime both known, and each is imported when needed."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence

from resnetc import terminal
from resnetc.cli import compare as cli_compare
from resnetc.cli import eval as cli_eval
from resnetc.cli import explain, fmt, pack, predict, study, test, train
from resnetc.cli.check import check
from resnetc.cli.common import (
    INPUT,
    INTERNAL,
    INTERRUPTED,
    OK,
    SPEC,
    USAGE,
    add_deny_option,
    add_selection_options,
)
from resnetc.cli.compile import compile
from resnetc.cli.declaration import Exclusion, exclude, refuse_excluded
from resnetc.cli.list import list_models
from resnetc.cli.show import show
from resnetc.version import VERSION


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    for stream in ("stdout", "stderr"):  # who has closed one wants nothing of it
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, "w"))
    gc.set_threshold(1_000_000)  # looking for cycles was an eighth of `check`, and trees and networks have none
    with terminal.guarded():
        return run_command(arguments)


def run_command(arguments: Sequence[str] | None) -> int:
    """The same, whatever happens; all that it says goes to guarded streams."""
    parser = build_parser()
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser.print_help(sys.stderr)
        return USAGE
    commands: dict[str, str] = parser.get_default("commands")
    if words[0] not in commands and not words[0].startswith("-"):
        from resnetc.cli.command_words import describe_unknown_command

        print(f"resnetc: {describe_unknown_command(words[0], commands)}", file=sys.stderr)
        return USAGE
    try:
        options, rest = parser.parse_known_args(arguments)
        if rest:  # argparse would show the usage of all commands
            from resnetc.cli.command_words import refuse_unknown_arguments

            refuse_unknown_arguments(rest, options.parser)
        refuse_excluded(options)
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()  # what cannot be written is told below, and not while Python ends
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if error.filename is not None or error.errno != errno.ENOSPC:
            return report_error(error, options)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return INPUT
    except Exception as error:
        return report_error(error, options)


def report_error(error: Exception, options: argparse.Namespace) -> int:
    """Errors with a message of their own, and those that are the compiler's fault."""
    from resnetc.compiler.expansion.instances import UsageError

    if isinstance(error, UsageError):
        print(f"resnetc: {error}", file=sys.stderr)
        return USAGE
    status = getattr(error, "status", None)
    if isinstance(status, int):
        if str(error):
            print(f"error: {error}", file=sys.stderr)
        return status
    if os.environ.get("RESNETC_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
        return INTERNAL
    spec: str | list[str] | None = getattr(options, "spec", None)
    specs = [spec] if isinstance(spec, str) else spec
    bug = f", not in the spec ({', '.join(specs)}). Please report it with the spec" if specs else ". Please report it"
    print(
        f"resnetc: internal error: {type(error).__name__}: {error}\n"
        f"This is a bug in resnetc{bug}; RESNETC_TRACEBACK=1 shows where it happened.",
        file=sys.stderr,
    )
    return INTERNAL


# -- options ----------------------------------------------------------------------------------------------------------


def build_parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="resnetc",
        description="Residual networks as text: checks .resnet specs, compiles them to PyTorch, trains the result.",
        epilog="first steps:\n"
        "  resnetc new mynet.resnet       a spec to experiment with\n"
        "  resnetc show imagenet/resnet50\n"
        "  resnetc COMMAND --help         options and an example\n\n"
        "exit status: 0 success, 1 errors in the input, 2 a wrong command line",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"resnetc {VERSION}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    helps: dict[str, str] = {}  # what each command does
    top.set_defaults(commands=helps)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help: str, example: str
    ) -> argparse.ArgumentParser:
        parser = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"example: {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(run=run, parser=parser)
        helps[name] = help
        return parser

    parser = command(
        "check", check, "parse specs, resolve names, prove shapes and claims", "resnetc check specs/imagenet"
    )
    parser.add_argument("spec", nargs="+", metavar="SPEC", help=SPEC)
    parser.add_argument(
        "--format", choices=("human", "json", "github"), default="human", help="the format of the diagnostics"
    )
    parser.add_argument("--fix", action="store_true", help="apply certain fixes if the result has no errors")
    add_deny_option(parser)

    parser = command(
        "compile", compile, "write one Python file per network", "resnetc compile imagenet/resnet50 -o models"
    )
    parser.add_argument("spec", nargs="+", metavar="SPEC", help=SPEC)
    parser.add_argument(
        "-o", "--out", default="generated", metavar="DIR", help="output directory (default: generated), or - for stdout"
    )
    add_selection_options(parser)
    checking = parser.add_argument(
        "--check", action="store_true", help="compare with the existing files; write nothing"
    )
    force = parser.add_argument("--force", action="store_true", help="overwrite files that were edited by hand")
    exclude(parser, Exclusion(checking, [force], "writes nothing"))
    add_deny_option(parser)

    parser = command(
        "show",
        show,
        "show a network: stages, shapes, costs, accepted sizes",
        "resnetc show imagenet/resnet50 --input 3x225x225",
    )
    parser.add_argument("spec", metavar="SPEC", help=SPEC)
    add_selection_options(parser)
    parser.add_argument(
        "--input",
        metavar="CxHxW",
        help="compute numbers at this input size instead of the declared one; pictures show symbols without it",
    )
    parser.add_argument(
        "--format", choices=("human", "json", "mermaid", "svg"), default="human", help="mermaid, svg: a picture"
    )

    parser = command("list", list_models, "list the shipped models", "resnetc list resnext")
    parser.add_argument(
        "pattern", nargs="?", default="", metavar="PATTERN", help="a part of a name, or a shell pattern"
    )

    fmt.add_commands(command, add_selection_options)
    explain.add_commands(command)
    test.add_commands(command, add_selection_options)
    train.add_command(command, add_selection_options)
    cli_eval.add_command(command)
    predict.add_command(command)
    cli_compare.add_commands(command, add_selection_options)
    pack.add_commands(command)
    study.add_command(command)
    return top
