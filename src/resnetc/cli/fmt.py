"""`resnetc fmt` and `new`: the commands that write specs."""

from __future__ import annotations

import argparse
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc import terminal
from resnetc.cli.common import is_color_terminal
from resnetc.cli.declaration import Command

if TYPE_CHECKING:
    from resnetc.compiler.diagnostics.diagnostic import Diagnostic
    from resnetc.compiler.source import Source


OK, INPUT = 0, 1
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def add_commands(command: Command, add_selection_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the commands; the compiler is imported when one of them runs."""
    parser = command("fmt", fmt, "format specs in the canonical layout", "resnetc fmt specs")
    parser.add_argument(
        "spec", nargs="+", metavar="SPEC", help="a file, a directory, or - (standard input to standard output)"
    )
    parser.add_argument("--check", action="store_true", help="list the files that would change; write nothing")

    parser = command("new", new, "create a commented first spec that compiles", "resnetc new mynet.resnet")
    parser.add_argument("file", metavar="FILE", help="the file to create; its model is named after it")


# -- fmt --------------------------------------------------------------------------------------------------------------


def fmt(options: argparse.Namespace) -> int:
    """Formats all files or, where one of them is at fault, none."""
    from resnetc.compiler.expansion.instances import UsageError

    if "-" in options.spec:
        if len(options.spec) > 1:
            raise UsageError("`-` must be the only argument: it formats standard input to standard output")
        return format_standard_input(options.check)
    faults: list[Diagnostic] = []
    paths = find_files(options.spec, faults)
    changed: list[tuple[Path, str]] = []
    for path in paths:
        text = format_source(partial(read_source, path), faults)
        if text is not None and text.encode() != path.read_bytes():
            changed.append((path, text))
    if not faults and not options.check:
        faults += rewrite_files(changed)
    if faults:
        return print_faults(faults, len(paths))
    for path, _ in changed:
        print(path.as_posix())
    if options.check and not changed:
        print("1 file is canonical" if len(paths) == 1 else f"{len(paths)} files are canonical")
    return INPUT if options.check and changed else OK


def format_standard_input(check: bool) -> int:
    from resnetc.compiler.loader.loader import MAX_BYTES, decode

    data, faults = sys.stdin.buffer.read(MAX_BYTES + 1), list["Diagnostic"]()
    text = format_source(lambda: decode(data, "standard input"), faults)
    if text is None:
        return print_faults(faults, 1)
    if not check:
        terminal.document(text)
        return OK
    print("standard input is canonical" if text.encode() == data else "standard input")
    return OK if text.encode() == data else INPUT


def find_files(specs: Sequence[str], faults: list[Diagnostic]) -> list[Path]:
    """The files that the command line names, each once."""
    from resnetc.compiler.diagnostics.diagnostic import Fault
    from resnetc.compiler.driver import network_index
    from resnetc.compiler.driver.errors import empty_folder, no_spec
    from resnetc.compiler.driver.spec_arguments import check_reachable
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.compiler.loader.loader import find_shipped, find_specs

    files: dict[Path, Path] = {}
    for spec in specs:
        path = Path(spec)
        try:
            check_reachable(path)
        except Fault as fault:
            faults.append(fault.diagnostic)
            continue
        if not os.path.lexists(path):
            what = (
                "spec" if find_shipped(spec) is not None else "network" if network_index.find_networks(spec) else None
            )
            if what is not None:
                raise UsageError(f"`{spec}` is a shipped {what}: `fmt` rewrites files, so pass the path of a file")
            faults.append(no_spec(spec))
            continue
        spec_files = find_specs(path) if path.is_dir() else [path]
        if not spec_files:
            faults.append(empty_folder(path.as_posix()))
        for file in spec_files:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def read_source(path: Path) -> Source:
    from resnetc.compiler.loader.loader import read_source, shorten_path

    return read_source(path, shorten_path(path))


def format_source(read: Callable[[], Source], faults: list[Diagnostic]) -> str | None:
    """The canonical text of a source, or None where it has faults."""
    from resnetc.compiler.diagnostics.diagnostic import Fault
    from resnetc.compiler.formatter.formatter import Unparsed, format

    try:
        return format(read())
    except Fault as fault:
        faults.append(fault.diagnostic)
    except Unparsed as unparsed:
        faults += unparsed.diagnostics
    return None


def rewrite_files(changed: Sequence[tuple[Path, str]]) -> list[Diagnostic]:
    """Writes every file under a temporary name, then renames them all; links stay links, modes stay as they are."""
    import tempfile  # and with it what packs and draws

    from resnetc.compiler.driver.output_files import obstacle_in_the_way

    staged: list[tuple[str, Path]] = []
    for path, text in changed:
        target = path.resolve()
        try:
            if not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            staged.append((name, target))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            os.chmod(name, stat.S_IMODE(target.stat().st_mode))
        except OSError as error:
            for name, _ in staged:
                Path(name).unlink(missing_ok=True)
            return [
                obstacle_in_the_way(
                    path, f"cannot be written: {error.strerror}", "grant yourself permission to write it"
                )
            ]
    for name, target in staged:
        os.replace(name, target)
    return []


def print_faults(faults: Sequence[Diagnostic], files: int) -> int:
    """Prints the faults; nothing was written."""
    from resnetc.compiler.diagnostics import render

    color = is_color_terminal(sys.stderr)
    sys.stderr.write(render.format_for_people(faults, color) + render.format_summary(faults, files, color))
    return INPUT


# -- new --------------------------------------------------------------------------------------------------------------


def new(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver.output_files import obstacle_in_the_way
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.compiler.loader.loader import SUFFIX

    path = Path(options.file if options.file.endswith(SUFFIX) else options.file + SUFFIX)
    if path.name == SUFFIX:
        raise UsageError(f"`{options.file}` is not the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(make_first_spec(path.name.removesuffix(SUFFIX)))
    except FileExistsError:
        return print_faults(
            [obstacle_in_the_way(path, "already exists", "choose another name: `new` does not overwrite files")], 1
        )
    except OSError as error:
        return print_faults(
            [obstacle_in_the_way(path, f"cannot be written: {error.strerror}", "choose another location")], 1
        )
    print(path.as_posix())
    return OK


def make_first_spec(name: str) -> str:
    """A spec to start from. Its model has this name where the language lets it, and else is called `net`."""
    from resnetc.compiler.driver.session import Session

    if NAME.fullmatch(name):
        text = FIRST_SPEC.replace("NAME", name)
        session = Session()
        session.add("-", text.encode())
        session.compile_networks()
        if not session.sink.failed:
            return text
    return FIRST_SPEC.replace("NAME", "net")


FIRST_SPEC = """\
// Your first residual network. Change it, then look at the result:
//   resnetc check FILE      proves that its shapes fit and its claims hold
//   resnetc show FILE       shows stages, shapes, costs and the accepted image sizes
//   resnetc compile FILE    writes it as a PyTorch module
//   resnetc test FILE       compares that module with what was proved
//   resnetc train FILE      trains it on handwritten digits
edition 1

// The shipped blocks: `basic` is `blocks.basic` here.
use std.blocks

// A block of your own. It takes `in` and returns `out`; `|>` applies a layer to a tensor. Every parameter has a type.
// A `first` parameter is given to the first block of a stage; the other blocks use its default.
/// Two 3x3 convolutions, the first of them wide.
block wide(width: int, first stride: size = 1, factor: int = 2) {
  let inner = factor * width
  let main = in |> conv(inner, kernel=3, stride=stride) |> norm |> act
                |> conv(width, kernel=3) |> norm
  let side = in |> shortcut(width, stride)
  // Both sides of an addition are proved to have equal shapes, whatever the size of the image.
  out = (main + side) |> act
}

// A policy of your own: the first case whose condition is true decides.
policy sampled(channels: int, stride: size) {
  when in.channels == channels and stride == 1 => identity
  otherwise => subsample(stride) |> conv(channels, kernel=1) |> norm
}

// The network itself. Its parameters can be set on the command line: `--set width=32`.
model NAME(classes: int = 10, channels: int = 1, width: int = 16) {
  // `conv`, `norm`, `act`, `shortcut` are slots: bind them here for all blocks, or by `--set shortcut=none`.
  set shortcut = sampled

  // Channels, height, width: their names, and the size for which costs are shown.
  input [channels, H, W] = [channels, 32, 32]

  stem = conv(width, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(width)
  stage layer2 = 2 of wide(2 * width, stride=2)
  stage layer3 = 1 of wide(4 * width, stride=2, factor=1), 1 of blocks.basic(4 * width)
  head = global_avg_pool |> fc: linear(classes) // a label such as `fc:` names the weights of a layer

  // Claims, proved in every run of the compiler.
  expect weighted_layers == 14
  expect layer3.shape == [4 * width, ceil(H / 4), ceil(W / 4)]
}
"""
