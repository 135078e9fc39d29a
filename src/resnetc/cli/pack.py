"""`resnetc pack`: a folder of photographs, decoded once, as one file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resnetc.cli.common import print_note
from resnetc.cli.declaration import Command
from resnetc.terminal import one_line


def add_commands(command: Command) -> None:
    """Declares the command; nothing of the runtime is imported before it runs."""
    parser = command(
        "pack",
        pack,
        "decode a folder of photographs into one file for training",
        "resnetc pack photographs photographs.pack",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="train/<class>/<image> and test/<class>/<image> (or val), or only <class>/<image>",
    )
    parser.add_argument("out", metavar="OUT", help="the file to write; it must not exist")
    parser.add_argument(
        "--side",
        type=parse_side,
        metavar="N",
        help="shrink the short side to at most N pixels (default: unchanged)",
    )


def parse_side(text: str) -> int:
    """A side of the command line."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 1 << 14):
        raise argparse.ArgumentTypeError(f"expected a number of pixels from 1 to {1 << 14}, not {text!r}")
    return int(text)


def pack(options: argparse.Namespace) -> int:
    """The command; returns its exit status."""
    from resnetc.runtime.errors import require_packages

    require_packages("numpy", "PIL")
    from resnetc.runtime.data.pack_writer import write_pack

    def report_progress(done: int, images: int) -> None:
        if sys.stderr.isatty() and (done % 100 == 0 or done == images):
            print(f"\r{done:,} of {images:,} images", end="\n" if done == images else "", file=sys.stderr, flush=True)

    report = write_pack(Path(options.folder).expanduser(), Path(options.out), options.side, report_progress)
    channels = f"{report.channels} channel" + ("s" if report.channels > 1 else "")
    print(
        f"{one_line(options.out)}: {report.train + report.test:,} images ({report.train:,} for training, "
        f"{report.test:,} for testing) of {report.classes:,} classes, {channels}, {report.size / 1e6:,.1f} MB"
    )
    if report.note:
        print_note(report.note)
    return 0
