"""How a command is declared: `command(name, function, help, example)` gives its parser, `exclude` refuses options that
would be ignored."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from resnetc.compiler.fast_dataclass import record

Command = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]


@record
class Exclusion:
    """Options that would be ignored beside another one, and why: the end of a sentence that this option begins."""

    option: argparse.Action
    ignored: Sequence[argparse.Action]
    reason: str


def exclude(parser: argparse.ArgumentParser, *exclusions: Exclusion) -> None:
    """The command refuses these options where they are given together."""
    parser.set_defaults(exclusions=exclusions)


def refuse_excluded(options: argparse.Namespace) -> None:
    """Ends the command (SystemExit, status 2) where the command line has options that exclude each other."""
    exclusions: Sequence[Exclusion] = getattr(options, "exclusions", ())
    for exclusion in exclusions:
        ignored = [name_option(action) for action in exclusion.ignored if is_given(action, options)]
        if ignored and is_given(exclusion.option, options):
            arguments = f"argument{'s' if len(ignored) > 1 else ''} {', '.join(ignored)}"
            options.parser.error(
                f"{arguments}: not allowed with {name_option(exclusion.option)}, which {exclusion.reason}"
            )


def is_given(action: argparse.Action, options: argparse.Namespace) -> bool:
    return bool(getattr(options, action.dest) != action.default)


def name_option(action: argparse.Action) -> str:
    """What the command line calls an option, or an argument without one."""
    return action.option_strings[-1] if action.option_strings else str(action.metavar)
