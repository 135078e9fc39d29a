"""The accepted sizes of every shipped network against its real module, for H = W = 1 .. 300.

    python benchmarks/sizes.py [--upto 300] [--only TEXT]

How the module is asked stands in tests/oracle/real_sizes.py: its calls are recorded, and each distinct (operation,
sizes) is put to torch once for all networks. Of a video net the first axis is swept too. Prints for every network what
the compiler accepts and whether the module agrees, at every size, about that and the shapes of the stages; status 1
if any does not. Last come the times of a few proofs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

DEEP = b"""edition 1
use std.blocks
model deep() {
  input [3, H, W] = [3, 224, 224]
  stem = conv(64, kernel=7, stride=2) |> norm |> act |> max_pool(3, stride=2)
  stage layer1 = 5000 of blocks.bottleneck(64)
  stage layer2 = 5000 of blocks.bottleneck(128, stride=2)
  head = global_avg_pool |> fc: linear(1000)
}
"""


def best(what: str, body: Callable[[], object], rounds: int = 9) -> None:
    """Prints the least CPU time of some rounds, each with empty caches."""
    seconds = []
    for _ in range(rounds):
        for module in [m for name, m in sys.modules.items() if name.startswith("resnetc.compiler.sizes")]:
            for function in vars(module).values():
                if hasattr(function, "cache_clear"):
                    function.cache_clear()
        start = time.process_time()
        body()
        seconds.append(time.process_time() - start)
    print(f"{what:76} {1000 * min(seconds):8.3f} ms  (best of {rounds})")


def speed() -> None:
    """What equality costs on the normal form, and the proof of a very deep net."""
    from resnetc.compiler.driver.session import Session
    from resnetc.compiler.proof.prove import prove
    from resnetc.compiler.sizes import equal_where, first_difference, identity, step

    def chain(delta: int) -> object:
        return step(step(step(identity(), 2, -1), 10_007, 3), 1, delta)

    best(
        "equality of two branches of stride 2 x 10,007", lambda: first_difference(chain(0), step(identity(), 20_014, 5))
    )
    best(
        "where two such branches are equal that are one apart",
        lambda: equal_where(chain(0), step(identity(), 20_014, 4)),
    )
    session = Session()
    session.add("-", DEEP)
    (deep,) = session.compile_networks()
    best("accepted sizes and proof of 10,000 bottlenecks", lambda: prove(deep.network))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upto", type=int, default=300)
    parser.add_argument("--only", default="", help="networks with this text in their names")
    options = parser.parse_args()

    import torch

    from resnetc.compiler.driver.session import Session
    from resnetc.views.tables import accepted
    from tests.oracle.real_sizes import Real, Torch, disagreements, stage_modules, sweeps

    torch.set_num_threads(1)
    started, asked, wrong, networks, sizes = time.time(), Torch(), 0, 0, 0
    for spec in sorted((ROOT / "specs").rglob("*.resnet")):
        session = Session()
        session.add(str(spec.relative_to(ROOT / "specs").with_suffix("")))
        for checked in session.compile_networks():
            network = checked.network
            if options.only not in f"{checked.title}/{network.name}":
                continue
            namespace: dict[str, Any] = {"__name__": "generated"}
            exec(compile(session.render(checked), network.name, "exec"), namespace)
            with torch.device("meta"):
                module = namespace["build"]()
            real = Real(module, network.input.channels, network.input.sizes, asked, stage_modules(network))
            swept = list(sweeps(network.input.sizes, options.upto))
            found = disagreements(checked, real, swept)
            networks, wrong, sizes = networks + 1, wrong + bool(found), sizes + len(swept)
            verdict = f"agrees at {len(swept)} sizes" if not found else f"DISAGREES at {len(found)} sizes: {found[0]}"
            print(f"{checked.title:22} {network.name:26} {accepted(checked):60} {verdict}", flush=True)
        if session.sink.diagnostics:
            print(*session.sink.diagnostics, sep="\n")
            wrong += 1
    print(
        f"{networks} networks, {wrong} in disagreement; {sizes} sizes, answered by {len(asked.known)} distinct calls\n"
        f"{len(asked.windows)} windows also on the CPU; {asked.broadcasts} sums refused that torch would broadcast; "
        f"{time.time() - started:.0f} s, of them {time.process_time():.0f} CPU seconds"
    )
    speed()
    return 1 if wrong or not networks else 0


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    sys.exit(main())
