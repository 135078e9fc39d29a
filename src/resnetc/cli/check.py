"""`resnetc check`: parse, resolve, prove; with `--fix`, repair."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from resnetc.cli.common import (
    INPUT,
    OK,
    leave_cycles_at_exit,
    open_session,
    print_note,
    print_notes,
    report_diagnostics,
)

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session


def check(options: argparse.Namespace) -> int:
    leave_cycles_at_exit()
    if options.fix:
        session, networks = check_and_fix(options)
    else:
        session = open_session(options.spec)
        networks = session.compile_networks()
        session.lint(networks, options.deny)
    if report_diagnostics(session, options.format):
        return INPUT
    if options.format == "human":
        print_notes(session, networks)
        files = f"{session.files} file" + ("s" if session.files != 1 else "")
        count = f"{len(networks)} network" + ("s" if len(networks) != 1 else "")
        print(f"{files}, {count}: {'all proved' if networks else 'nothing to prove'}")
    return OK


def check_and_fix(options: argparse.Namespace) -> tuple[Session, list[CheckedNetwork]]:
    """The session of the files as they are now; says what was fixed, beside diagnostics that a program reads."""
    from resnetc.cli.fix import describe_fixes, fix_files

    attempt, left_out = fix_files(options.spec, options.deny)
    if left_out:
        print_note("no fix was applied: errors would remain with all certain fixes")
    elif not attempt.session.sink.failed:
        for line in describe_fixes(attempt):
            print(f"fixed {line}", file=sys.stdout if options.format == "human" else sys.stderr)
    return attempt.session, attempt.networks
