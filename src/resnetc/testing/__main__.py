"""`python -m resnetc.testing FILE`: every assertion once more on one spec, also one that is refused for its sizes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resnetc.testing.assertions import assert_network_agrees
from resnetc.testing.networks import SpecRefused, trials


def main(arguments: list[str] | None = None) -> int:
    """0 where compiler and module agree, 1 where they do not or the spec is at fault, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(
        prog="python -m resnetc.testing",
        description="Every assertion once more on one spec, also one that is refused for its sizes.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a spec, as a failed assertion kept it")
    parser.add_argument("--model", metavar="NAME", help="only this network")
    parser.add_argument(
        "--input", action="append", default=[], metavar="SIZE", help="such as 3x7x9 (default: as declared)"
    )
    parser.add_argument("--batch", type=int, default=2, metavar="N", help="images (default: 2)")
    options = parser.parse_args(arguments)
    try:
        sizes = [tuple(map(int, size.split("x")))[1:] for size in options.input]
        found = trials(options.file.read_text(encoding="utf-8"), options.file.name)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except SpecRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    for trial in found:
        if options.model in (None, trial.network.name):
            wanted = sizes or [trial.network.input.sizes]
            try:
                accepted = assert_network_agrees(trial, wanted, options.batch)
            except AssertionError as failed:
                print(failed)
                return 1
            others = len(wanted) - accepted
            print(f"{trial.network.name}: both sides accept {accepted} of {len(wanted)} inputs, and refuse {others}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
