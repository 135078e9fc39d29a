"""`resnetc compile`: writes one Python file per network."""

from __future__ import annotations

import argparse
import gc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc import terminal
from resnetc.cli.common import (
    INPUT,
    OK,
    leave_cycles_at_exit,
    open_session,
    print_notes,
    report_diagnostics,
)

if TYPE_CHECKING:
    from resnetc.compiler.driver.output_files import Output


def compile(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver import output_files as files
    from resnetc.compiler.expansion.instances import UsageError

    if options.out == "-" and (options.check or options.force):
        raise UsageError("`-o -` prints the modules: remove `--check` and `--force`, which apply to files")
    gc.disable()  # the cycles of a compilation last as long as it does: looking for them took a twentieth of it
    leave_cycles_at_exit()
    session = open_session(options.spec)
    networks = session.compile_networks(options.model, options.settings)
    session.lint(networks, options.deny)
    if session.sink.failed:
        report_diagnostics(session)
        return INPUT
    if options.model or not any(Path(s).is_dir() for s in options.spec):
        networks = [replace(checked, folder=Path()) for checked in networks]
    outputs = session.render_outputs(networks, Path("" if options.out == "-" else options.out))
    if options.out != "-" and not options.check:
        for fault in files.find_obstacles(outputs, options.force):
            session.sink.add(fault)
    if report_diagnostics(session):
        return INPUT
    if not outputs:
        raise UsageError("no network to compile: every model here needs arguments, see `--set`")
    print_notes(session, networks)
    if options.out == "-":
        terminal.document("\n\n".join(o.text for o in outputs))
        return OK
    if options.check:
        return compare_outputs(outputs)
    for fault in files.write(outputs):
        session.sink.add(fault)
    if report_diagnostics(session):
        return INPUT
    for output in outputs:
        print(output.path.as_posix())
    return OK


def compare_outputs(outputs: list[Output]) -> int:
    """`--check`: which files differ, and whether in their keys, their function or their text only."""
    from resnetc.compiler.codegen.seal import difference
    from resnetc.compiler.driver.output_files import read_output

    meaning = {
        "missing": "is missing",
        "keys": "has different state-dict keys: checkpoints will not load",
        "function": "computes a different function: checkpoints load, outputs change",
        "text": "differs only in its text",
        "edited by hand": "was edited by hand",
        "not made by resnetc": "was not made by resnetc",
    }
    status = OK
    for output in outputs:
        kind = difference(read_output(output.path), output.text)
        if kind is not None:
            print(f"{output.path.as_posix()} {meaning[kind]}")
            status = INPUT
    if status == OK:
        print(f"{len(outputs)} files are up to date" if len(outputs) != 1 else "1 file is up to date")
    return status
