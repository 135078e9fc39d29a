"""`resnetc list`: the shipped networks."""

from __future__ import annotations

import argparse
import sys

from resnetc.cli.common import (
    INPUT,
    OK,
    is_color_terminal,
    open_session,
    report_diagnostics,
)


def list_models(options: argparse.Namespace) -> int:
    from fnmatch import fnmatch

    from resnetc.compiler.driver import network_index
    from resnetc.compiler.expansion.instances import UsageError
    from resnetc.views import tables

    index = network_index.load_index()
    networks = index.networks
    if index.specs != network_index.compute_digest():  # their figures are others, perhaps
        from resnetc.compiler.loader.loader import list_shipped

        session = open_session(list_shipped())
        networks = tuple(
            network_index.make_row(checked, tables.accepted(checked)) for checked in session.compile_networks()
        )
        if report_diagnostics(session):
            return INPUT
    pattern = options.pattern if any(c in options.pattern for c in "*?[") else f"*{options.pattern}*"
    rows = [
        n for n in networks if any(fnmatch(name, pattern) for name in (n.name, n.spec, *index.list_aliases(n.name)))
    ]
    if not rows:
        raise UsageError(f"no shipped model matches `{options.pattern}`")
    sys.stdout.write(tables.listing(rows, index, is_color_terminal(sys.stdout)))
    return OK
