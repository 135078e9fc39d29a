"""`resnetc check`: parse, resolve, prove."""

from __future__ import annotations

import argparse

from resnetc.cli.common import (
    INPUT,
    OK,
    open_session,
    print_notes,
    report_diagnostics,
)


def check(options: argparse.Namespace) -> int:
    session = open_session(options.spec)
    networks = session.networks()
    if not session.sink.failed:
        session.lint(networks, options.deny)
    if report_diagnostics(session, options.format):
        return INPUT
    if options.format == "human":
        print_notes(session, networks)
        files = f"{session.files} file" + ("s" if session.files != 1 else "")
        count = f"{len(networks)} network" + ("s" if len(networks) != 1 else "")
        print(f"{files}, {count}: all proved")
    return OK
