"""The command line: the one place that knows both the compiler and the runtime, and imports each when it is needed."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from resnetc import terminal
from resnetc.cli import compare as cli_compare
from resnetc.cli import explain, fmt, test, train
from resnetc.version import VERSION

if TYPE_CHECKING:
    from resnetc.compiler.driver.session import Session

SPEC = "a file, a directory, the name of a shipped spec or network, or - (standard input)"
OK, INPUT, USAGE, INTERNAL, STOPPED, INTERRUPTED = 0, 1, 2, 70, 75, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    for stream in ("stdout", "stderr"):  # who has closed one wants nothing of it
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, "w"))
    with terminal.guarded():
        return ended(arguments)


def ended(arguments: Sequence[str] | None) -> int:
    """The same, whatever happens; all that it says goes to guarded streams."""
    known = parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        known.print_help(sys.stderr)
        return USAGE
    try:
        options, rest = known.parse_known_args(arguments)
        if rest:  # argparse would show the usage of all commands
            options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
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
            return unexpected(error, options)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return INPUT
    except Exception as error:
        return unexpected(error, options)


def unexpected(error: Exception, options: argparse.Namespace) -> int:
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
        traceback.print_exception(error)
        return INTERNAL
    specs = getattr(options, "spec", None)
    print(
        f"resnetc: internal fault: {type(error).__name__}: {error}\n"
        f"This is a fault of resnetc, not of the spec ({specs}). Please report it with the spec;"
        " RESNETC_TRACEBACK=1 shows where it happened.",
        file=sys.stderr,
    )
    return INTERNAL


# -- options ----------------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="resnetc",
        description="Residual networks as text: checks .resnet specs, compiles them to PyTorch, trains the result.",
        epilog="first steps:\n"
        "  resnetc new mynet.resnet       a spec to play with\n"
        "  resnetc show imagenet/resnet50\n"
        "  resnetc COMMAND --help         options and an example\n\n"
        "status: 0 all is well, 1 faults in what was given, 2 a wrong command line",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"resnetc {VERSION}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help: str, example: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=f"example: {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run, parser=made)
        return made

    one = command("check", check, "parse, resolve, prove shapes and claims", "resnetc check specs/imagenet")
    one.add_argument("spec", nargs="+", metavar="SPEC", help=SPEC)
    one.add_argument("--format", choices=("human", "json", "github"), default="human", help="of the diagnostics")

    one = command("compile", compile, "write one Python file a network", "resnetc compile imagenet/resnet50 -o models")
    one.add_argument("spec", nargs="+", metavar="SPEC", help=SPEC)
    one.add_argument(
        "-o", "--out", default="generated", metavar="DIR", help="where to write (default: generated), - for stdout"
    )
    choosing(one)
    one.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    one.add_argument("--force", action="store_true", help="overwrite files that were edited by hand")

    one = command(
        "show",
        show,
        "the network: stages, shapes, costs, accepted sizes",
        "resnetc show imagenet/resnet50 --input 3x225x225",
    )
    one.add_argument("spec", metavar="SPEC", help=SPEC)
    choosing(one)
    one.add_argument(
        "--input",
        metavar="CxHxW",
        help="numbers at this input, instead of the declared one; pictures have symbols without it",
    )
    one.add_argument(
        "--format", choices=("human", "json", "mermaid", "svg"), default="human", help="mermaid, svg: a picture"
    )

    one = command("list", list_models, "the shipped models", "resnetc list resnext")
    one.add_argument("pattern", nargs="?", default="", metavar="PATTERN", help="part of a name, or a shell pattern")

    fmt.add_commands(command, choosing)
    explain.add_commands(command)
    test.add_commands(command, choosing)
    train.add_commands(command, choosing)
    cli_compare.add_commands(command, choosing)
    return top


def choosing(made: argparse.ArgumentParser) -> None:
    """The options that pick and change networks."""
    made.add_argument("--model", metavar="NAME", help="only this model or network")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="K=V",
        dest="settings",
        help="the value of a parameter or slot, as in a spec; repeat it for more",
    )


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"write --set NAME=VALUE, not {text!r}")
    return name.strip(), value.strip()


# -- what the commands share ------------------------------------------------------------------------------------------


def colored(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def opened(specs: Sequence[str]) -> Session:
    """A session with the files that the command line names."""
    from resnetc.compiler.driver.session import Session

    session = Session()
    for spec in specs:
        session.add(spec, standard_input() if spec == "-" else None)
    return session


def standard_input() -> bytes:
    """What a spec may have at most, and one byte more: it may never end."""
    from resnetc.compiler.loader.loader import MAX_BYTES

    return sys.stdin.buffer.read(MAX_BYTES + 1)


def failed(session: Session, format: str = "human") -> bool:
    """Prints what was found; whether it forbids going on."""
    from resnetc.compiler.diagnostics import render

    found = session.sink.diagnostics
    if format == "human":
        color = colored(sys.stderr)
        sys.stderr.write(render.human(found, color) + render.summary(found, session.files, color))
    else:
        terminal.document(render.json_lines(found) if format == "json" else render.github(found))
    return session.sink.failed


def note(message: str) -> None:
    print(f"note: {message}", file=sys.stderr)


def remarks(session: Session, networks: list[Any]) -> None:
    """What a user should know although nothing is wrong."""
    for remark in session.remarks:
        note(remark)
    for checked in networks:
        for overruled in checked.network.overruled:
            note(f"{checked.network.name}: `--set` overrules {overruled}")
        if checked.skipped:
            note(f"{checked.network.name}: left out, for they were made for other slots: {'; '.join(checked.skipped)}")


# -- commands ---------------------------------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> int:
    session = opened(options.spec)
    networks = session.networks()
    if failed(session, options.format):
        return INPUT
    if options.format == "human":
        remarks(session, networks)
        files = f"{session.files} file" + ("s" if session.files != 1 else "")
        count = f"{len(networks)} network" + ("s" if len(networks) != 1 else "")
        print(f"{files}, {count}: all proved")
    return OK


def compile(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver import output_files as files
    from resnetc.compiler.driver import session as driver_session

    session = opened(options.spec)
    networks = session.networks(options.model, options.settings)
    if session.sink.failed:
        failed(session)
        return INPUT
    if options.model or not any(Path(s).is_dir() for s in options.spec):
        networks = [replace(checked, folder=Path()) for checked in networks]
    outputs = session.outputs(networks, Path("" if options.out == "-" else options.out))
    if options.out != "-" and not options.check:
        for fault in files.obstacles(outputs, options.force):
            session.sink.add(fault)
    if failed(session):
        return INPUT
    if not outputs:
        raise driver_session.UsageError("no network to compile: every model here needs arguments, see `--set`")
    remarks(session, networks)
    if options.out == "-":
        terminal.document("\n\n".join(o.text for o in outputs))
        return OK
    if options.check:
        return compare(outputs)
    for fault in files.write(outputs):
        session.sink.add(fault)
    if failed(session):
        return INPUT
    for output in outputs:
        print(output.path.as_posix())
    return OK


def compare(outputs: list[Any]) -> int:
    """`--check`: which files differ, and whether in their keys, their function or their text only."""
    from resnetc.compiler.codegen.render import difference
    from resnetc.compiler.driver.output_files import written

    meaning = {
        "missing": "is missing",
        "keys": "differs in its keys: checkpoints will not load",
        "function": "differs in its function: checkpoints load, outputs change",
        "text": "differs in its text only",
        "edited by hand": "was edited by hand",
        "not made by resnetc": "was not made by resnetc",
    }
    status = OK
    for output in outputs:
        kind = difference(written(output.path), output.text)
        if kind is not None:
            print(f"{output.path.as_posix()} {meaning[kind]}")
            status = INPUT
    if status == OK:
        print(f"{len(outputs)} files are up to date" if len(outputs) != 1 else "1 file is up to date")
    return status


def show(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver.session import UsageError
    from resnetc.views import tables as shown

    session = opened([options.spec])
    networks = session.networks(options.model, options.settings)
    if failed(session):
        return INPUT
    if options.format in ("mermaid", "svg") and len(networks) > 1:
        names = ", ".join(c.network.name for c in networks[:12]) + (", ..." if len(networks) > 12 else "")
        raise UsageError(
            f"--format {options.format} draws one network, and here are {len(networks)}: {names}; choose with --model"
        )
    given = [input_sizes(options.input, checked) if options.input is not None else None for checked in networks]
    remarks(session, networks)
    for i, (checked, sizes) in enumerate(zip(networks, given, strict=True)):
        if options.format == "json":
            terminal.document(shown.json_line(checked, sizes) + "\n")
        elif options.format in ("mermaid", "svg"):
            from resnetc.views import mermaid, svg

            draw = mermaid.mermaid if options.format == "mermaid" else svg.svg
            terminal.document(draw(checked, sizes))
        else:
            sys.stdout.write(("\n" if i else "") + shown.text(checked, sizes, colored(sys.stdout)))
    if not networks:
        raise UsageError("no network to show: every model here needs arguments, see `--set`")
    return OK


def input_sizes(text: str, checked: Any) -> tuple[int, ...]:
    """The sizes of `--input 3x224x224`, refused where the network does not accept them."""
    from resnetc.compiler.driver.session import UsageError
    from resnetc.compiler.sizes import show_set

    sizes = sizes_of(text, checked)
    for size, axis, symbol in zip(sizes, checked.accepted.axes, checked.network.input.symbols, strict=True):
        if size not in axis:
            raise UsageError(
                f"--input {text}: {checked.network.name} accepts {show_set(axis, symbol or 'size')}, not {size}"
            )
    return sizes


def sizes_of(text: str, checked: Any) -> tuple[int, ...]:
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
        raise UsageError(
            f"--input {text}: {checked.network.name} takes {declared.channels} channels; see `--set channels=...`"
        )
    return tuple(sizes)


def list_models(options: argparse.Namespace) -> int:
    from fnmatch import fnmatch

    from resnetc.compiler.driver import network_index
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.views import tables as shown

    index = network_index.index()
    networks = index.networks
    if index.specs != network_index.digest():  # their figures are others, perhaps
        from resnetc.compiler.loader.loader import shipped_names

        session = opened(shipped_names())
        networks = tuple(network_index.listed(checked, shown.accepted(checked)) for checked in session.networks())
        if failed(session):
            return INPUT
    pattern = options.pattern if any(c in options.pattern for c in "*?[") else f"*{options.pattern}*"
    rows = [n for n in networks if any(fnmatch(name, pattern) for name in (n.name, n.spec, *index.further(n.name)))]
    if not rows:
        raise UsageError(f"no shipped model matches `{options.pattern}`")
    sys.stdout.write(shown.listing(rows, index, colored(sys.stdout)))
    return OK
