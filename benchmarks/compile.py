"""The compiler's start-up and growth: whole processes, interleaved, in CPU seconds and peak memory.

    python benchmarks/compile.py [--rounds 9]

Prints the median of every arm, and with their budgets four ratios and one time: `check imagenet/resnet50` against
importing lark and jinja2 (2.4), a net of 10,000 blocks against one of 1,000 (12, in time and memory), ResNet-1202
against ResNet-50 (2). The time is that of compiling all of specs/zoo on one core (8 s): it prints too how many networks
these are, and what one of them takes. Modules are read as bytecode, as an installed compiler reads its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_SECONDS_OF_ZOO = 8

DEEP = """edition 1
use std.blocks

/// {blocks} bottlenecks.
model deep{blocks}() {{
  input [3, H, W] = [3, 224, 224]
  stem = conv(64, kernel=7, stride=2) |> norm |> act |> max_pool(3, stride=2)
  stage layer1 = {half} of blocks.bottleneck(64)
  stage layer2 = {half} of blocks.bottleneck(128, stride=2)
  head = global_avg_pool |> fc: linear(1000)
}}
"""


def run(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak memory (MiB) of one process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    pid = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=9)
    rounds = arguments.parse_args().rounds
    command = [sys.executable, "-m", "resnetc"]
    check = [*command, "check"]
    with tempfile.TemporaryDirectory() as folder:
        for blocks in (1000, 10000):
            text = DEEP.format(blocks=blocks, half=blocks // 2)
            Path(folder, f"deep{blocks}.resnet").write_text(text, encoding="utf-8")
        Path(folder, "resnet1202.resnet").write_text(
            "edition 1\nuse cifar.resnet\n\nmodel resnet1202 = resnet.cifar(depth=1202)\n", encoding="utf-8"
        )
        arms = {
            "import lark, jinja2": [sys.executable, "-c", "import lark, jinja2"],
            "check resnet50": [*check, "imagenet/resnet50"],
            "check resnet1202": [*check, f"{folder}/resnet1202.resnet"],
            "check 1,000 blocks": [*check, f"{folder}/deep1000.resnet"],
            "check 10,000 blocks": [*check, f"{folder}/deep10000.resnet"],
            "compile specs/zoo": [*command, "compile", str(ROOT / "specs" / "zoo"), "-o", f"{folder}/zoo"],
            "list": [*command, "list"],
        }
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
        for number in range(rounds):
            names = list(arms) if number % 2 == 0 else list(arms)[::-1]
            for name in names:
                samples[name].append(run(arms[name]))
        nets = sum(1 for _ in Path(folder, "zoo").rglob("*.py"))
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, n = {rounds}")
    time = {name: statistics.median(t for t, _ in rows) for name, rows in samples.items()}
    memory = {name: statistics.median(m for _, m in rows) for name, rows in samples.items()}
    for name in arms:
        print(f"{name:<22} {time[name]:7.3f} CPU s {memory[name]:8.1f} MiB")
    ratios = (
        ("check resnet50 / import lark, jinja2", time["check resnet50"] / time["import lark, jinja2"], 2.4),
        ("10,000 / 1,000 blocks, time", time["check 10,000 blocks"] / time["check 1,000 blocks"], 12),
        ("10,000 / 1,000 blocks, memory", memory["check 10,000 blocks"] / memory["check 1,000 blocks"], 12),
        ("resnet1202 / resnet50", time["check resnet1202"] / time["check resnet50"], 2),
        ("specs/zoo, CPU seconds", time["compile specs/zoo"], MAX_SECONDS_OF_ZOO),
    )
    print(f"specs/zoo: {nets} networks, {1000 * time['compile specs/zoo'] / nets:.1f} CPU ms each")
    for name, ratio, budget in ratios:
        print(f"{name:<38} {ratio:6.2f}  (at most {budget}) {'ok' if ratio <= budget else 'TOO MUCH'}")
    sys.exit(any(ratio > budget for _, ratio, budget in ratios))


if __name__ == "__main__":
    main()
