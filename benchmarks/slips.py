"""What becomes of right specs with one slip when what is printed is followed, at most three times.

    python benchmarks/slips.py [--each 10] [--seed 1] [--kind WORDS] [--show]

A spec is drawn as authors write them (`written_nets`), a slip is planted (`slip_kinds`), and the first remedy that has
edits is applied, as `check --format json` prints it: of an error, else of a warning. Three times at most. `checks` is
the share that has no error then, `restored` the share that computes the function of the spec before the slip.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver.session import Session
from resnetc.compiler.remedies.verification import apply_edits

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slip_kinds
import written_nets

MAX_STEPS = 3


@dataclass
class Trial:
    """A text with a slip, what was said on the way, and how it ended."""

    text: str
    answers: list[str] = field(default_factory=list)
    seconds: float = 0.0  # of the slowest answer
    checks: bool = False
    restored: bool = False
    steps: int = 0


def diagnose(text: str) -> tuple[Session, list[str], float]:
    """A session that has checked a text, the functions of its networks, and how long its answer took."""
    start = time.process_time()
    session = Session()
    session.add_text(text)
    networks = session.networks()
    session.lint(networks)
    seconds = time.process_time() - start
    return session, [digests(checked.network)[1] for checked in networks], seconds


def follow(text: str, function: list[str]) -> Trial:
    """Applies the first remedy that has edits, until there is none, at most three times."""
    trial = Trial(text)
    while True:
        session, functions, seconds = diagnose(text)
        trial.seconds = max(trial.seconds, seconds)
        trial.checks = not session.sink.failed
        trial.restored = trial.checks and functions == function
        faults = session.sink.diagnostics
        trial.answers += [f"{fault.code} {fault.message} | {' | '.join(fault.helps)}" for fault in faults[:2]]
        fix = next((fault.fix for fault in faults if fault.fix), ())
        if not fix or trial.steps == MAX_STEPS:
            return trial
        text = apply_edits(fix)
        trial.answers.append("-> " + " ".join(f"`{edit.span.text}` => `{edit.replacement}`" for edit in fix))
        trial.steps += 1


def try_kind(kind: slip_kinds.Kind, count: int, chance: Random) -> list[Trial]:
    trials: list[Trial] = []
    while len(trials) < count:
        right = written_nets.write_right_spec(chance)
        slips = kind.list_slips(right)
        if slips:
            trial = follow(slip_kinds.plant(right, chance.choice(slips)), diagnose(right)[1])
            if trial.answers or not trial.restored:  # else the slip has no effect, as one in a stride of 1
                trials.append(trial)
    return trials


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10, metavar="N", help="how many of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", default="", help="only the kinds whose name has these words")
    parser.add_argument("--show", action="store_true", help="print those that were not restored, and what was said")
    options = parser.parse_args()
    results = {}
    for number, kind in enumerate(slip_kinds.KINDS):
        if options.kind in kind.name:
            results[kind.name] = try_kind(kind, options.each, Random(1000 * options.seed + number))
    if options.show:
        for name, trials in results.items():
            for trial in trials:
                if not trial.restored:
                    print(f"=== {name}\n{trial.text}\n" + "\n".join(trial.answers) + "\n")
    print("| kind | checks | restored | slowest answer |\n| --- | --- | --- | --- |")
    every = [trial for trials in results.values() for trial in trials]
    for name, trials in [*results.items(), ("all", every)]:
        checks = sum(trial.checks for trial in trials) / len(trials)
        restored = sum(trial.restored for trial in trials) / len(trials)
        print(f"| {name} | {checks:.0%} | {restored:.0%} | {max(t.seconds for t in trials):.2f} s |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
