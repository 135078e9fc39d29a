"""`resnetc check`: parse, resolve, prove."""

from __future__ import annotations

import argparse

from resnetc.cli.common import (
    INPUT,
    OK,
    failed,
    opened,
    remarks,
)


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
