"""`resnetc show`: prints a network as a table, JSON or a picture."""

from __future__ import annotations

import argparse
import sys

from resnetc import terminal
from resnetc.cli.common import (
    INPUT,
    OK,
    is_color_terminal,
    open_session,
    parse_accepted_sizes,
    print_notes,
    report_diagnostics,
)


def show(options: argparse.Namespace) -> int:
    from resnetc.compiler.driver.session import UsageError
    from resnetc.views import tables

    session = open_session([options.spec])
    networks = session.compile_networks(options.model, options.settings)
    if report_diagnostics(session):
        return INPUT
    if options.format in ("mermaid", "svg") and len(networks) > 1:
        names = ", ".join(c.network.name for c in networks[:12]) + (", ..." if len(networks) > 12 else "")
        raise UsageError(
            f"--format {options.format} draws one network, but there are {len(networks)}: {names}; choose one with "
            "--model"
        )
    input_sizes = [
        parse_accepted_sizes(options.input, checked) if options.input is not None else None for checked in networks
    ]
    print_notes(session, networks)
    for i, (checked, sizes) in enumerate(zip(networks, input_sizes, strict=True)):
        if options.format == "json":
            terminal.document(tables.json_line(checked, sizes) + "\n")
        elif options.format in ("mermaid", "svg"):
            from resnetc.views import mermaid, svg

            draw = mermaid.mermaid if options.format == "mermaid" else svg.svg
            terminal.document(draw(checked, sizes))
        else:
            sys.stdout.write(("\n" if i else "") + tables.text(checked, sizes, is_color_terminal(sys.stdout)))
    if not networks:
        raise UsageError("no network to show: every model here needs arguments, see `--set`")
    return OK
