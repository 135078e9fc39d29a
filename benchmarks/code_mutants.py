"""Faults put into the code generator, one at a time: does what the fuzz holds a module against see each of them?

    python benchmarks/code_mutants.py [--models 60] [--only TEXT]

The kinds are in benchmarks/code_faults.py: a prefix of a list for the whole, an operand twice, a literal for a
parameter, a lost label, a module left out. Each is planted in a fork that compiles the same texts: some that are
written here, two values of every parameter of the table of primitives, and so many drawn models. It dies when
`assert_network_agrees` fails for one of them. Status 1: fewer than 95 % died. The texts bound the work, not the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from code_faults import Fault, faults, plant

ROOT = Path(__file__).resolve().parent.parent
ENOUGH = 0.95
MOST = 400  # CPU seconds of a fork, some ten times what it takes

POLICIES = """edition 1
policy beside(side: tensor) { otherwise => (in |> c: conv(8, kernel=3)) + side }
policy unnamed(side: tensor) { otherwise => (in |> conv(8, kernel=3) |> norm) + side }
policy nested(side: tensor) { otherwise => (in |> t: beside(side)) + side }
policy again(side: tensor) { otherwise => (side |> conv(8, kernel=3)) |> norm }
policy one() { otherwise => c: conv(8, kernel=1) }
policy pair(channels: int) { otherwise => conv(channels, kernel=1) |> norm }
slot open(channels: int) "" = pair
block two(k: int, l: int) { out = in |> conv(8, kernel=k, stride=9) |> conv(8, kernel=l, stride=9) }
block dense(n: int) { out = in |> linear(n) }
block shaped(n: int) { out = in |> linear(n) |> reshape([2, n / 2]) |> flatten }
block normed() { out = in |> conv(8, kernel=1) |> norm }
block outer(inner: layer) { out = in |> inner |> last: inner }
block sided(mode: int) {
  let pre = in |> norm
  let main = pre |> conv(8, kernel=3)
  let side = (in when mode == 0 otherwise (pre when mode == 1 otherwise main |> down: conv(8, kernel=1)))
  out = main + side
}
block choosing(mode: int) {
  let pre = in |> norm
  let main = pre |> act |> conv(8, kernel=3)
  let side = (in when mode == 0 otherwise pre |> down: plain_conv(8, kernel=1, bias=true))
  out = main + side
}
block gained(mode: int) {
  let main = in |> conv(8, kernel=3)
  let side = (in when mode == 0 otherwise main |> last: batch_norm(gain=0))
  out = main + side
}
block late(mode: int) {
  let early = (in when mode == 0 otherwise in |> down: conv(8, kernel=1))
  let main = in |> conv(8, kernel=3)
  let side = (main when mode == 0 otherwise early)
  out = main + side
}
block lists(n: int) {
  let p = in |> split(4)
  let q = [p[0], p[1]] |> softmax
  let r = [p[2], p[1], p[0]] |> concat |> conv(8, kernel=1)
  let s = [p[3], p[2]] |> concat |> conv(8, kernel=1)
  let t = [p[2], p[3]] |> softmax |> concat |> conv(8, kernel=1)
  let u = [p[0], p[1], p[2]] |> sum |> conv(8, kernel=1)
  let v = p |> softmax |> concat
  let w = [p[1], p[0], p[3], p[2]] |> concat |> conv(8, kernel=n)
  out = (q |> sum |> conv(8, kernel=1)) + r + s + t + u + v * w
}
"""
BODIES = (
    "out = in |> lists(1) |> second: lists(3)",
    "out = in |> t: beside(in)",
    "out = in |> conv(8, kernel=1) |> beside(in) |> t: unnamed(in) |> unnamed(in)",
    "let k = t: unnamed(in)\n let y = in |> conv(8, kernel=1)\n out = y |> k",
    "let k = a: conv(8, kernel=1)\n let y = in |> conv(8, kernel=1) |> norm\n out = y |> k",
    "out = in |> x: again(in) |> s: nested(in) |> y: one |> one |> open(8) |> z: open(8) |> w: (open(8) |> norm)",
    "out = in |> box.b: conv(8, kernel=1) |> norm |> box.a: conv(8, kernel=1) |> rows[0].m: norm |> rows[1].m: norm",
    "out = in |> x: (identity |> c: conv(8, kernel=1) |> relu |> norm |> conv(8, kernel=1))",
    "out = in |> box.p: relu |> other: norm |> box.n: norm",
    "out = in + (in |> a: two(1, 1) |> b: two(1, 2)) + (in |> c: two(2, 1) |> d: two(2, 2))",
    "let p = in |> split([3, 5])\n out = [p[1], p[0]] |> concat",
    "let v = in |> global_avg_pool |> a: dense(4) |> b: dense(6) |> c: dense(3) |> d: dense(8)\n"
    " out = in * (v |> reshape([8, 1]))",
    "let v = in |> global_avg_pool |> a: shaped(4) |> b: shaped(6) |> c: shaped(8)\n"
    " out = in * (v |> linear(8) |> reshape([8, 1]))",
    "out = in |> a: normed |> b: normed(norm=group_norm(groups=2)) |> c: normed(norm=response_norm)",
    "out = in |> a: outer(conv(8, kernel=1)) |> b: outer(batch_norm) |> c: outer(normed) |> d: outer(two(1, 1))",
    "each i in range(3) { let y[i] = in |> row[i]: conv(8, kernel=2 * i + 1) }\n out = in + (y |> sum)",
    "let y = in |> conv(8, kernel=1)\n out = (y |> norm |> regroup(2, parts=2)) + (y |> norm) * y",
    "let y = in |> global_avg_pool |> conv(8, kernel=1) |> norm |> reshape([8, 1])\n out = in * y",
    "let y = in |> global_avg_pool |> conv(8, kernel=1) |> linear(8) |> reshape([8, 1])\n out = in * y",
    "out = in |> a: sided(0) |> b: sided(1) |> c: sided(2)",
    "out = in |> a: sided(2) |> b: sided(0) |> c: sided(2) |> d: choosing(0) |> e: choosing(1)",
    "out = in |> a: sided(2) |> b: sided(1) |> c: gained(0) |> d: gained(1)",
    "out = in |> a: late(0) |> b: late(1)",
    "let y = in |> global_avg_pool |> l: linear(8) |> linear(8) |> reshape([8, 1])\n out = in * y",
)


def written() -> Iterator[str]:
    for body in BODIES:
        model = (
            "model net() {\n  input [8, H] = [8, 8]\n  stem = unit\n  stage layers = 2 of unit\n  head = identity\n}\n"
        )
        yield f"{POLICIES}block unit() {{\n  {body}\n}}\n{model}"


def tabled() -> Iterator[str]:
    """For each parameter of each primitive a block that is called with two of its values."""
    from resnetc.testing.strategies.primitives import (
        Term,
        Wish,
        literal,
        open_map,
        plain_values,
        rows,
        settled,
        takes_map,
    )

    maps = (open_map(8, 2),)
    for row in rows(takes_map):
        for parameter in row.parameters:
            calls: dict[str, list[str]] = {}  # with `x` in the value's place, so that the others are the same
            strided = parameter.type == "bool" and any(p.name == "stride" for p in row.parameters)
            beside = (("stride", literal(2, 1)),) if strided else ()
            for value in plain_values(parameter, maps[0]):
                term = literal(value, 1)
                given = ((parameter.name, Term("x", term.values)), *beside)
                made = settled(row, maps, Wish(fixed=given), lambda options: min(2, len(options) - 1))  # a kernel of 3
                if made is not None:
                    calls.setdefault(made.text, []).append(term.text)
            for call, values in calls.items():
                for first, second in pairwise(values):
                    whole = f"in |> a: unit({first}) |> b: fit |> c: unit({second})"
                    fit = "block fit() { out = in |> plain_conv(8, kernel=1) }\n"
                    net = "model net() {\n  input [8, H, W] = [8, 22, 21]\n  stem = both\n  head = identity\n}\n"
                    block = f"block unit(x: {parameter.type}) {{ out = in |> {call} }}\n"
                    yield f"edition 1\n{fit}{block}block both() {{ out = {whole} }}\n{net}"


def drawn(count: int) -> list[str]:
    from hypothesis import HealthCheck, Phase, given, settings

    from resnetc.testing import models

    texts: list[str] = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=[*HealthCheck])  # fmt: skip
    @given(models())
    def note(text: str) -> None:
        texts.append(text)

    note()
    return list(dict.fromkeys(texts))


def agree(text: str, known: tuple[str, ...] = ()) -> None:
    """Raises where a network of a text is not what is said of it; modules that are `known` were held before."""
    from resnetc.testing import assert_network_agrees, trials

    for trial in trials(text):
        if trial.source not in known:
            assert_network_agrees(trial, [trial.network.input.sizes])


def modules(text: str) -> tuple[str, ...]:
    from resnetc.testing import trials

    return tuple(trial.source for trial in trials(text))


def dies(fault: Fault | None, texts: dict[str, tuple[str, ...]]) -> bool:
    """Whether a fork in which a fault is planted sees it: by modules that are others than those known of a text."""
    if not (pid := os.fork()):
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST, MOST + 1))
        status = 1
        try:
            if fault is not None:
                plant(fault)
            for text, known in texts.items():
                agree(text, known)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=60, help="drawn models besides the written texts")
    parser.add_argument("--only", default="", help="faults with this text in their names")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1"}
    import torch

    torch.set_num_threads(1)
    started, texts, models = time.time(), [*written(), *tabled()], drawn(options.models)
    everything = [*texts, *models]
    agree(texts[0])  # imports what every fork would import again
    if dies(None, dict.fromkeys(everything, ())):
        print("without a fault:", *(text for text in everything if dies(None, {text: ()})), sep="\n\n")
        return 1
    known = {text: modules(text) for text in everything}
    count: Counter[str] = Counter()
    tried = [fault for fault in faults() if options.only in fault.key]
    for fault in tried:
        if dies(fault, known):
            count[fault.kind] += 1
        else:
            print(f"survived: {fault.key}", flush=True)
    for kind in dict.fromkeys(fault.kind for fault in tried):
        print(f"{kind:24} {count[kind]:3} of {sum(fault.kind == kind for fault in tried)} died")
    died = count.total()
    print(f"{len(tried)} faults, {len(texts)} texts and {len(models)} models: {died} died ({died / len(tried):.1%}); "
          f"{time.time() - started:.0f} s")  # fmt: skip
    return 0 if died >= ENOUGH * len(tried) else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main())
