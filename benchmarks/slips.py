"""What becomes of right specs with one slip when what is printed is followed, at most three times.

    python benchmarks/slips.py [--each 10] [--seed 1] [--source written] [--kind WORDS] [--show]

A spec is drawn as authors write them (`written_nets`), or as `make fuzz` draws its models, or it is a shipped one; a
slip is planted (`slip_kinds`), and the first remedy that has edits is applied, as `check --format json` prints it: of
an error, else of a warning. Three times at most. `checks` is the share that has no error then, `restored` the share
that computes the function of the spec before the slip. `answer` is the slowest in seconds of the processor, and how
many times as long one takes, in the median, as without trying remedies.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import Phase, given, seed, settings

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver.session import Session
from resnetc.compiler.loader.loader import find_shipped, list_shipped
from resnetc.compiler.remedies.verification import apply_edits
from resnetc.testing.strategies.specs import models

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slip_kinds
import written_nets

MAX_STEPS = 3
MODELS = 300


@dataclass
class Trial:
    """A text with a slip, what was said on the way, and how it ended."""

    text: str
    answers: list[str] = field(default_factory=list)
    seconds: float = 0.0  # of the slowest answer
    times: float = 1.0  # as long as without remedies, at most
    checks: bool = False
    restored: bool = False
    steps: int = 0


def diagnose(text: str, remedies: bool = True) -> tuple[Session, list[str], float]:
    """A session that has checked a text, the functions of its networks, and how long its answer took."""
    start = time.process_time()
    session = Session() if remedies else Session(trials_left=0)
    session.add_text(text)
    networks = session.compile_networks()
    session.lint(networks)
    seconds = time.process_time() - start
    return session, [digests(checked.network)[1] for checked in networks], seconds


def follow(text: str, function: list[str]) -> Trial:
    """Applies the first remedy that has edits, until there is none, at most three times."""
    trial = Trial(text)
    while True:
        session, functions, seconds = diagnose(text)
        trial.seconds = max(trial.seconds, seconds)
        if session.sink.diagnostics:
            trial.times = max(trial.times, seconds / diagnose(text, remedies=False)[2])
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


def write_specs(chance: Random) -> Iterator[str]:
    """Right specs as authors write them, as many as are wanted."""
    while True:
        yield written_nets.write_right_spec(chance)


def draw_models(chance: Random) -> Iterator[str]:
    """Right specs as `make fuzz` draws them: every operation, a few blocks, little sense."""
    texts = list(right_models())
    chance.shuffle(texts)
    yield from texts


@cache
def right_models() -> tuple[str, ...]:
    """The models that have no fault, and no warning, of some hundred that are drawn."""
    texts: list[str] = []

    @seed(1)
    @settings(max_examples=MODELS, database=None, deadline=None, phases=[Phase.generate])
    @given(models())
    def collect(text: str) -> None:
        if not diagnose(text)[0].sink.diagnostics:
            texts.append(text)

    collect()
    return tuple(texts)


def shuffle_shipped(chance: Random) -> Iterator[str]:
    """The shipped specs that hold models and are one file, in any order."""
    names = list_shipped()
    chance.shuffle(names)
    for name in names:
        path = find_shipped(name)
        assert path is not None
        text = path.read_text(encoding="utf-8")
        if not diagnose(text)[0].sink.diagnostics:  # it uses no file beside it
            yield text


SOURCES = {"written": write_specs, "models": draw_models, "shipped": shuffle_shipped}


def try_kind(kind: slip_kinds.Kind, count: int, chance: Random, source: str = "written") -> list[Trial]:
    trials: list[Trial] = []
    for right in SOURCES[source](chance):
        if len(trials) == count:
            break
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
    parser.add_argument("--source", choices=SOURCES, default="written", help="where right specs come from")
    options = parser.parse_args()
    results = {}
    for number, kind in enumerate(slip_kinds.KINDS):
        if options.kind in kind.name:
            trials = try_kind(kind, options.each, Random(1000 * options.seed + number), options.source)
            results |= {kind.name: trials} if trials else {}  # no spec has a place for it
    if options.show:
        for name, trials in results.items():
            for trial in trials:
                if not trial.restored:
                    print(f"=== {name}\n{trial.text}\n" + "\n".join(trial.answers) + "\n")
    print("| kind | n | checks | restored | answer |\n| --- | --- | --- | --- | --- |")
    every = [trial for trials in results.values() for trial in trials]
    for name, trials in [*results.items(), ("all", every)]:
        checks = sum(trial.checks for trial in trials) / len(trials)
        restored = sum(trial.restored for trial in trials) / len(trials)
        slowest = max(trial.seconds for trial in trials)
        times = sorted(trial.times for trial in trials)
        cost = f"{slowest:.2f} s, x {times[len(times) // 2]:.1f}"
        print(f"| {name} | {len(trials)} | {checks:.0%} | {restored:.0%} | {cost} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
