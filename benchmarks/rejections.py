"""How long the compiler takes to refuse hostile input, and how much memory: every attack of tests/security/attacks.py.

    python benchmarks/rejections.py [--slowest 15]

A run is a process of its own that has imported the compiler already: time is its processor time, memory its peak with
what was imported. Prints the slowest and ends with status 1 where one takes more than 2 s or 300 MB.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "security"))


def main() -> int:
    from attacks import FAMILIES  # type: ignore[import-not-found]
    from confined import MEGABYTES, SECONDS, Run, confined  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slowest", type=int, default=15, metavar="N", help="how many are printed")
    options = parser.parse_args()
    attacks = [(family, attack) for family, make in FAMILIES.items() for attack in make()]
    with tempfile.TemporaryDirectory() as name:
        runs = []
        for i, (_, attack) in enumerate(attacks):
            folder = Path(name) / str(i) / "work"
            folder.mkdir(parents=True)
            attack.make(folder)
            runs.append(Run(str(folder), list(attack.arguments)))
        outcomes = confined(runs)
    found = sorted(zip(outcomes, attacks, strict=True), key=lambda pair: -pair[0].seconds)
    print(f"{len(attacks)} attacks; Python {platform.python_version()}, {os.cpu_count()} cores")
    for outcome, (family, attack) in found[: options.slowest]:
        print(f"{outcome.seconds:6.2f} s {outcome.megabytes:5.0f} MB  {family}: {attack.name}")
    most = max(outcome.megabytes for outcome in outcomes)
    over = [pair for pair in found if pair[0].seconds > SECONDS or pair[0].megabytes > MEGABYTES or pair[0].status < 0]
    print(
        f"slowest {found[0][0].seconds:.2f} s of {SECONDS} s, largest {most:.0f} MB of {MEGABYTES} MB, {len(over)} over"
    )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
