"""`resnetc fmt` and `new`: the two commands that write specs."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnetc.compiler.diagnostics import Diagnostic

Command = Callable[[str, Callable[[argparse.Namespace], int], str, str], argparse.ArgumentParser]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def add_commands(command: Command, choosing: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declares the commands; the compiler is imported when one of them runs."""
    one = command("fmt", fmt, "rewrite specs in the canonical layout", "resnetc fmt specs")
    one.add_argument("spec", nargs="+", metavar="SPEC", help="a file, a directory, or - (standard input to output)")
    one.add_argument("--check", action="store_true", help="name the files that would change, write nothing")

    one = command("new", new, "write a commented first spec that compiles", "resnetc new mynet.resnet")
    one.add_argument("file", metavar="FILE", help="the spec to write; its model is named after it")


# -- fmt --------------------------------------------------------------------------------------------------------------


def fmt(options: argparse.Namespace) -> int:
    from resnetc.compiler.diagnostics import Fault
    from resnetc.compiler.families import UsageError
    from resnetc.compiler.modules import decode, read, shown

    if "-" in options.spec:
        if len(options.spec) > 1:
            raise UsageError("`-` stands alone: standard input is written to standard output")
        data = sys.stdin.buffer.read()
        try:
            text = canonical(decode(data, "standard input"))
        except Fault as fault:
            return refused([fault.diagnostic], 1)
        if isinstance(text, list):
            return refused(text, 1)
        if not options.check:
            sys.stdout.write(text)
            return 0
        return named(["standard input"] if text.encode() != data else [], 1, True)

    files, faults = files_of(options.spec)
    changed: list[tuple[Path, str]] = []
    for file in files:
        try:
            text = canonical(read(file, shown(file)))
            if isinstance(text, list):
                faults += text
            elif text.encode() != file.read_bytes():
                changed.append((file, text))
        except Fault as fault:
            faults.append(fault.diagnostic)
    if not options.check and not faults:
        faults = rewrite(changed)
    if faults:
        return refused(faults, max(len(files), 1))
    return named([file.as_posix() for file, _ in changed], len(files), options.check)
