"""`python -m resnetc.testing FILE`: runs every assertion again on one spec, also one that is rejected for its sizes."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from resnetc.compiler.ir.network import InputSpec
from resnetc.terminal import guarded
from resnetc.testing.assertions import assert_network_agrees
from resnetc.testing.inputs import Sizes
from resnetc.testing.trial import SpecRefused, trials


def main(arguments: list[str] | None = None) -> int:
    """0 where compiler and module agree, 1 where they do not or the spec is at fault, 2 for a wrong command line."""
    with guarded():
        return tried(arguments)


def tried(arguments: list[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m resnetc.testing",
        description="Run every assertion again on one spec, including one that is rejected for its sizes.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a spec, as saved by a failed assertion")
    parser.add_argument("--model", metavar="NAME", help="only this network")
    parser.add_argument(
        "--input", action="append", default=[], metavar="SIZE", help="such as 3x7x9 (default: as declared)"
    )
    parser.add_argument("--batch", type=int, default=2, metavar="N", help="images (default: 2)")
    options = parser.parse_args(arguments)
    if options.batch < 1:
        parser.error(f"--batch {options.batch}: write 1 or more")
    try:
        networks = trials(options.file.read_text(encoding="utf-8"), options.file.name)
    except OSError as error:
        parser.error(f"{options.file}: {error.strerror}")
    except UnicodeDecodeError:
        parser.error(f"{options.file}: not UTF-8 text")
    except SpecRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    names = [trial.network.name for trial in networks]
    if options.model not in (None, *names):
        parser.error(f"--model {options.model}: the networks here are {', '.join(names) or 'none'}")
    for trial in networks:
        if options.model in (None, trial.network.name):
            declared = trial.network.input
            wanted = [read(size, declared) for size in options.input] or [declared.sizes]
            if None in wanted:
                example = "x".join(map(str, (declared.channels, *declared.sizes)))
                parser.error(
                    f"--input {options.input[wanted.index(None)]}: {trial.network.name} takes one like {example}"
                )
            try:
                accepted = assert_network_agrees(trial, [sizes for sizes in wanted if sizes], options.batch)
            except AssertionError as failed:
                print(failed)
                return 1
            others = len(wanted) - accepted
            print(
                f"{trial.network.name}: compiler and module accept {accepted} of {len(wanted)} inputs and reject "
                f"{others}"
            )
    return 0


def read(text: str, declared: InputSpec) -> Sizes | None:
    """The sizes of an input such as `3x7x9`; None where that is no input of the network."""
    if not re.fullmatch(r"[1-9]\d{0,5}(x[1-9]\d{0,5})+", text):
        return None
    channels, *sizes = map(int, text.split("x"))
    fixed = zip(sizes, declared.symbols, declared.sizes, strict=False)
    fits = len(sizes) == len(declared.sizes) and all(symbol or size == only for size, symbol, only in fixed)
    return tuple(sizes) if fits and channels == declared.channels else None


if __name__ == "__main__":
    sys.exit(main())
