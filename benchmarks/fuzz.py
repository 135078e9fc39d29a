"""Random pairs of a model and an input size: does the compiler accept exactly the sizes at which torch runs?

    python benchmarks/fuzz.py [--pairs 20000] [--models 4000] [--workers 2] [--seconds 1800] [--output FILE]

Every run draws other models. A pair is refused when both sides refuse it; keys and shapes are held against the
module's too, and for one model of five what it computes and costs (`resnetc.testing.assert_network_agrees`). Prints
models, pairs, refusals, the rate and the operation that the fewest models have.
A disagreement is shrunk, printed, written to a file with the command that replays it, and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

SIZES = 7  # drawn for a model; equal ones count once
FLOOR = 30  # of so many models, one at least names any given primitive
VALUES = 5  # one model of so many is also held to its values
ROUND = 100  # models drawn between two looks at the clock
SHRINKING = 1000  # texts that are tried to make a disagreement smaller
DRAWN = {"derandomize": False, "backend": "hypothesis-urandom"}  # which does not vary what it has drawn


@dataclass
class Tally:
    """What a worker has seen: texts by their hash, pairs, those refused; a disagreement ends it."""

    models: set[int] = field(default_factory=set)
    pairs: int = 0
    refused: int = 0
    drawn: Counter[str] = field(default_factory=Counter)  # how many models name a primitive
    failure: tuple[str, str, str] | None = None  # spec, inputs, what went wrong
    shrinking: int = 0  # texts that were tried since the first disagreement


class Enough(BaseException):
    """Ends a round at once, whatever Hypothesis would try next."""


def draw_models(tally: Tally) -> None:
    """One round of Hypothesis, with a seed of its own; leaves the smallest disagreement in `tally`."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    from resnetc.testing import models
    from resnetc.testing.strategies.primitives import mentioned

    @settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **DRAWN,
    )
    @given(models(), st.integers(0, 2**32))  # all that is drawn, whether the model is new or not
    def agree(text: str, number: int) -> None:
        tally.shrinking += tally.failure is not None
        if tally.shrinking > SHRINKING:
            raise Enough
        if hash(text) in tally.models:
            return
        inputs: list[str] = []
        try:
            pairs, refused = compare(text, number, inputs)
        except Exception as error:
            told = "".join(traceback.format_exception(error)[-2:]).strip()
            if tally.failure is None or len(text) <= len(tally.failure[0]):
                tally.failure = (text, " ".join(inputs), told)
            raise
        tally.models.add(hash(text))
        tally.drawn.update(mentioned(text))
        tally.pairs += pairs
        tally.refused += refused

    try:
        agree()
    except (Exception, Enough):
        if tally.failure is None:
            raise


def compare(text: str, number: int, inputs: list[str]) -> tuple[int, int]:
    """Holds the networks of a text against torch; leaves in `inputs` what it tries. Returns pairs, and refused ones."""
    from resnetc.testing import assert_network_agrees, trials
    from resnetc.testing.strategies.sizes import size_choices

    random = Random(number)
    pairs = refused = 0
    for trial in trials(text):
        choices = size_choices(trial.network, trial.accepted)
        sizes = list(dict.fromkeys(choices.pick(random) for _ in range(SIZES)))
        inputs[:] = ["x".join(map(str, (trial.network.input.channels, *size))) for size in sizes]
        pairs += len(sizes)
        refused += len(sizes) - assert_network_agrees(trial, sizes, values=number % VALUES == 0)
    return pairs, refused


def work(number: int, pairs: int, models: int, deadline: float, out: Any) -> None:
    """A worker: rounds until it has its share, or time is up."""
    import torch

    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags(
        False
    )  # it compiles a convolution for every new shape, longer than a small one runs
    gc.freeze()
    gc.set_threshold(100_000)
    sys.stderr = sys.stdout = open(os.devnull, "w")  # Hypothesis prints the examples that are reported here
    tally = Tally()
    try:
        while (tally.pairs < pairs or len(tally.models) < models) and not tally.failure and time.time() < deadline:
            draw_models(tally)
            out.put((number, (len(tally.models), tally.pairs, tally.refused), tally.failure, tally.drawn))
    except Exception as error:
        tally.failure = ("", "", "".join(traceback.format_exception(error)))
    out.put((number, (len(tally.models), tally.pairs, tally.refused), tally.failure, tally.drawn))
    out.put((number, None, None, None))


def fuzz(options: argparse.Namespace) -> int:
    start = time.time()
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    share = [-(-n // options.workers) for n in (options.pairs, options.models)]
    workers = [
        context.Process(target=work, args=(i, *share, start + options.seconds, out)) for i in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    rows = {i: (0, 0, 0) for i in range(options.workers)}
    counts: dict[int, Counter[str]] = {}
    failure, running = None, len(workers)
    while running and failure is None:
        number, row, failure, drawn = out.get()
        if row is None:
            running -= 1
            continue
        rows[number], counts[number] = row, drawn
        models, pairs, refused = (sum(column) for column in zip(*rows.values(), strict=True))
        print(f"{time.time() - start:6.0f} s  {models:6} models  {pairs:6} pairs", flush=True)
    for worker in workers:
        worker.terminate() if failure else worker.join()
    if failure:
        return disagreement(*failure, options.output)
    seconds = time.time() - start
    print(f"models   {models:8}")
    print(f"pairs    {pairs:8}")
    print(f"refusals {refused:8}  ({refused / max(pairs, 1):.0%}, each by both sides)")
    print(f"rate     {pairs / seconds:8.0f}  pairs a second, {options.workers} workers, {seconds:.0f} s")
    times, rarest = rarest_of(counts.values())
    print(f"rarest   {times:8}  models name `{rarest}`")
    enough = pairs >= options.pairs and models >= options.models and 4 * refused >= pairs and FLOOR * times >= models
    lacking = ", but too few pairs, models, refusals or models of some operation: give it more --seconds"
    print("no disagreement" + ("" if enough else lacking))
    return 0 if enough else 1


def rarest_of(counts: Iterable[Counter[str]]) -> tuple[int, str]:
    """The primitive that the fewest models name, and how many do."""
    from resnetc.grammar.primitives import PRIMITIVES

    together = sum(counts, Counter[str]())
    return min((together[name], name) for name in PRIMITIVES)


def disagreement(text: str, inputs: str, told: str, output: Path) -> int:
    output.write_text(text, encoding="utf-8")
    again = "".join(f" --input {size}" for size in inputs.split())
    print(f"\n{text}\n{told}\n\nwritten to {output}; to replay: python -m resnetc.testing {output}{again}")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=20000)
    parser.add_argument("--models", type=int, default=4000, help="the least number of different models")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1800, help="when to stop drawing, though too little is drawn")
    parser.add_argument("--output", type=Path, default=Path("fuzz-failure.resnet"), help="where a disagreement goes")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    return fuzz(options)


if __name__ == "__main__":
    sys.exit(main())
