"""What the commands share: exit statuses, options that select networks, sessions, notes."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from resnetc import terminal

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session

SPEC = "a file, a directory, the name of a shipped spec or network, or - (standard input)"

# Exit statuses
OK, INPUT, USAGE, INTERNAL, STOPPED, INTERRUPTED = 0, 1, 2, 70, 75, 130


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """The options that pick and change networks."""
    parser.add_argument("--model", metavar="NAME", help="only this model or network")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=parse_setting,
        metavar="K=V",
        dest="settings",
        help="the value of a parameter or slot, as in a spec; may be repeated",
    )


def add_deny_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deny",
        action="append",
        default=[],
        type=parse_denied,
        metavar="CODE",
        help="treat this warning as an error, or all of them (`--deny warnings`); may be repeated",
    )


def parse_denied(text: str) -> str:
    from resnetc.cli.explain import list_titles

    if text == "warnings" or (text.startswith("W") and text in list_titles()):
        return text
    raise argparse.ArgumentTypeError(f"write --deny warnings, or the code of a warning, such as W0601, not {text!r}")


def parse_setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        name = text if text.isidentifier() else "NAME"
        raise argparse.ArgumentTypeError(f"write --set {name}=VALUE, not {text!r}")
    return name.strip(), value.strip()


def is_color_terminal(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def leave_cycles_at_exit() -> None:
    """Lets the process end without looking for cycles in what it has made, which the system takes back at once."""
    # Python would unmake every network object by object, a tenth of `compile specs/zoo`. Only for commands that write
    # nothing later than they return: what is buffered in a cycle would be lost.
    atexit.register(gc.freeze)


def open_session(specs: Sequence[str]) -> Session:
    """A session with the files that the command line names."""
    from resnetc.compiler.driver.session import Session

    session = Session()
    for spec in specs:
        session.add(spec, read_standard_input() if spec == "-" else None)
    return session


def read_standard_input() -> bytes:
    """What a spec may have at most, and one byte more: it may never end."""
    from resnetc.compiler.loader.loader import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def report_diagnostics(session: Session, format: str = "human") -> bool:
    """Prints what was found; whether it forbids going on."""
    if format == "human" and not session.sink.diagnostics:
        return False  # nothing is printed, and nothing imported that prints
    from resnetc.compiler.diagnostics import render

    diagnostics = session.sink.diagnostics
    if format == "human":
        color = is_color_terminal(sys.stderr)
        sys.stderr.write(
            render.format_for_people(diagnostics, color) + render.format_summary(diagnostics, session.files, color)
        )
    else:
        terminal.document(
            render.format_json(diagnostics) if format == "json" else render.format_for_github(diagnostics)
        )
    return session.sink.failed


def refuse_occupied(folder: Path) -> None:
    """RunError where no folder can be at this place, or none can be written; nothing is made."""
    from resnetc.runtime.errors import RunError, describe_no_folder

    nearest = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path())
    if not os.path.isdir(nearest):
        raise RunError(f"{nearest}: {describe_no_folder(nearest)}: choose another folder with --out")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise RunError(f"{nearest}: this folder cannot be written: choose another with --out")


def print_note(message: str) -> None:
    print(f"note: {message}", file=sys.stderr)


def print_notes(session: Session, networks: list[CheckedNetwork]) -> None:
    """What a user should know although nothing is wrong."""
    for remark in session.remarks:
        print_note(remark)
    for checked in networks:
        for override in checked.network.overridden_bindings:
            print_note(f"{checked.network.name}: `--set` overrides {override}")
        if checked.skipped_claims:
            print_note(
                f"{checked.network.name}: skipped claims, written for other slots: {'; '.join(checked.skipped_claims)}"
            )


def add_import_option(parser: argparse.ArgumentParser) -> None:
    """The option that lets a network of a run folder import code of the user's own."""
    parser.add_argument(
        "--allow-import",
        action="append",
        default=[],
        type=parse_module,
        metavar="MODULE",
        help="a module of yours that the network of the run may import; model.py: everything in the run's own model.py",
    )


def parse_module(text: str) -> str:
    """The dotted name of a Python module, or `model.py`."""
    if text == "model.py":
        return text
    if all(part.isidentifier() for part in text.split(".")) and not text.endswith(".py"):
        return text
    name = os.path.basename(text).partition(".")[0]
    hint = f": write --allow-import {name}" if name.isidentifier() else ""
    raise argparse.ArgumentTypeError(f"expected the name of a Python module, as in `import`, not {text!r}{hint}")


def print_imports(options: argparse.Namespace) -> None:
    """Says which modules of the user's own the command line allows, and where each is taken from."""
    from resnetc.runtime.model import user_classes
    from resnetc.user_code import shorten

    for module in options.allow_import:
        if module == user_classes.OWN_TEXT:
            print_note("all code in model.py is executed (--allow-import model.py)")
            continue
        home = user_classes.find_home(module, [Path.cwd()])
        where = f"from {shorten(home)}" if home is not None else "from Python's path"
        print_note(f"the network may import `{module}` {where} (--allow-import)")


def print_user_code(networks: Sequence[CheckedNetwork]) -> None:
    """Says whose code is about to be run, and from then on it is found."""
    from resnetc.user_code import locate_user_code

    for line in dict.fromkeys(line for checked in networks for line in locate_user_code(checked)):
        print_note(line)


def parse_accepted_sizes(text: str, checked: CheckedNetwork) -> tuple[int, ...]:
    """The sizes of `--input 3x224x224`, refused where the network does not accept them."""
    from resnetc.compiler.driver.session import UsageError
    from resnetc.compiler.sizes import show_set

    sizes = parse_sizes(text, checked)
    for size, axis, symbol in zip(sizes, checked.accepted.axes, checked.network.input.symbols, strict=True):
        if size not in axis:
            raise UsageError(
                f"--input {text}: {checked.network.name} accepts {show_set(axis, symbol or 'size')}, not {size}"
            )
    return sizes


def parse_sizes(text: str, checked: CheckedNetwork) -> tuple[int, ...]:
    """The sizes of `--input 3x224x224`, accepted or not; the channels must be the network's."""
    from resnetc.compiler.driver.session import UsageError

    declared = checked.network.input
    parts = text.lower().split("x")
    if (
        not all(p.isascii() and p.isdecimal() and len(p) < 10 and int(p) > 0 for p in parts)
        or len(parts) != len(declared.sizes) + 1
    ):
        example = "x".join(map(str, (declared.channels, *declared.sizes)))
        raise UsageError(f"--input {text}: write it like {example}")
    channels, *sizes = map(int, parts)
    if channels != declared.channels:
        parameters = [name for name, value in checked.network.parameters if value == declared.channels]
        remedy = "; see `--set channels=...`" if "channels" in parameters else ""
        raise UsageError(f"--input {text}: `{checked.network.name}` takes {declared.channels} channels{remedy}")
    return tuple(sizes)
