"""The training step on one CUDA device: what must be right, and how fast it is beside the loops that others write.

    python benchmarks/gpu.py checks --out gpu.json
    python benchmarks/gpu.py synchronisations --out gpu.json
    python benchmarks/gpu.py resnet50 --out gpu.json
    python benchmarks/gpu.py resnet50-tuned --out gpu.json
    python benchmarks/gpu.py resnet20 --out gpu.json
    python benchmarks/gpu.py schedule --out gpu.json
    python benchmarks/gpu.py smoke

No GPU has run this script yet. It needs torch, NumPy and this repository, nothing installed. Each command ends within
four minutes (`--limit`; the first call of `resnet50-tuned` may try kernels for longer, and the next finds them), writes
what it has after each arm, and adds to a file that is there; `smoke` runs all of them on the CPU with almost no work,
to show that they run.

Arms are interleaved, every second round backwards; a ratio is the median of the rounds' ratios with its 95 % bootstrap
interval. A run counts if `ours again`, the same arm measured twice in a round, is within 2 % of `ours`.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from paired import Arm, Deadline, Results, compare, interleave
from step_arms import OurStep, build_network, make_images, plain_step, timm_step, torchvision_step
from torch import Tensor, nn

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for the checks to the bit; read at the first product
ROOFLINE = {"resnet50": 12_504, "resnet20": 743_000}  # img/s on an H200 with fused elementwise kernels, bfloat16
CIFAR_STEPS = 64_000
SYNC_STEPS = 10  # of which the synchronisations are counted


@dataclass(frozen=True)
class Sizes:
    """How much work a command does; those of a smoke run are almost nothing."""

    net50: str = "imagenet/resnet50"
    batch50: int = 256
    size50: int = 224
    images50: int = 2048
    classes: int = 1000
    batch20: int = 128
    size20: int = 32
    images20: int = 50_000
    steps50: int = 15
    steps20: int = 100
    rounds: int = 9
    check_steps: int = 200
    cifar_steps: int = CIFAR_STEPS
    warm_up: int = 8  # steps, of which the fourth is recorded


SMOKE = Sizes("cifar/cifar_depth20", 2, 8, 4, 10, 2, 8, 16, 1, 1, 2, 4, 6, 1)


class Bench:
    """The device, the sizes and the results of one command."""

    def __init__(self, device: torch.device, sizes: Sizes, results: Results, limit: float) -> None:
        self.device, self.sizes, self.results = device, sizes, results
        self.deadline = Deadline(limit)
        self.is_cuda = device.type == "cuda"
        self.fast = torch.bfloat16 if self.is_cuda else torch.float32
        self.compiled = "default" if self.is_cuda else "off"

    def wait(self) -> None:
        """Return when the device has nothing to do."""
        if self.is_cuda:
            torch.cuda.synchronize()

    def network(self, name: str, channels_last: bool = True) -> nn.Module:
        """A network on the device."""
        return build_network(name, self.device, channels_last=channels_last)

    def ready_batch(self, batch: int, size: int, channels_last: bool) -> Tensor:
        """A batch as the network takes it."""
        values = torch.randn(batch, 3, size, size, device=self.device)
        return values.contiguous(memory_format=torch.channels_last) if channels_last else values

    def add_arm(
        self, arms: list[Arm], group: str, name: str, images: int, build: Callable[[], Callable[[], None]]
    ) -> None:
        """Build an arm and warm it up, if there is time; say what that took, or why it is left out."""
        if not self.deadline.has_time():
            self.results.add(group, name, {"left out": "no time was left to build it"})
            return
        began = time.perf_counter()
        try:
            step = build()
            for _ in range(self.sizes.warm_up):
                step()
            self.wait()
        except RuntimeError as fault:  # another arm's memory, or a compiler that is not there
            self.results.add(group, name, {"left out": str(fault).partition("\n")[0]})
            return
        arms.append(Arm(name, step, images, self.wait))
        notes = step.notes if isinstance(step, OurStep) else []
        self.results.add(group, f"{name}: warm-up", {"seconds": time.perf_counter() - began, "notes": notes})

    def time_arms(self, group: str, arms: list[Arm], steps: int, roofline: float) -> None:
        """Measure the arms, and compare each with the first one, which is ours."""
        if not arms:
            return
        twice = Arm(f"{arms[0].name} again", arms[0].step, arms[0].images, self.wait)
        timed = [arms[0], *arms[1:], twice]
        interleave(timed, self.sizes.rounds, steps, time.perf_counter, self.deadline.has_time)
        for arm in timed:
            figures = arm.describe()
            rate = figures["images_per_second"]
            share = rate / roofline if isinstance(rate, float) else None
            self.results.add(group, arm.name, figures | {"share_of_roofline": share})
            if arm is not arms[0]:
                self.results.add(group, f"{arm.name} / {arms[0].name}", compare(arms[0], arm))

    # -- what must be right ---------------------------------------------------------------------------------------

    def check(self) -> None:
        """The fast step follows the plain one's curve; a recorded step is to the bit the same as one that is not."""
        sizes = self.sizes
        images, labels = make_images(sizes.images20, sizes.size20, 10, self.device)

        def curve(steps: int, **settings: object) -> tuple[list[float], OurStep]:
            model = self.network("cifar/cifar_depth20")
            ours = OurStep(model, images, labels, sizes.batch20, learning_rate=0.02, **settings)  # type: ignore[arg-type]
            means = []
            for _ in range(4):
                for _ in range(steps // 4):
                    ours()
                means.append(ours.read_loss() / (steps // 4))
            return means, ours

        def deviation(one: list[float], other: list[float]) -> float:
            return max(abs(a - b) for a, b in zip(one, other, strict=True))

        plain, _ = curve(sizes.check_steps, dtype=torch.float32)
        self.results.add("checks", "plain float32", {"curve": plain, "learns": plain[-1] < plain[0]})
        fast, ours = curve(sizes.check_steps, dtype=self.fast, compile_mode=self.compiled, graphs=True, ema_decay=0.99)
        is_near = deviation(plain, fast) < 0.1
        self.results.add("checks", "all of it", {"curve": fast, "follows": is_near, "notes": ours.notes})
        for dtype in (torch.float32, torch.bfloat16) if self.is_cuda else (torch.float32,):
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
            pair = [curve(40 if self.is_cuda else 4, dtype=dtype, graphs=graphs) for graphs in (False, True)]
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
            states = [list(step.optimizer.param_groups[0]["params"]) for _, step in pair]
            is_equal = all(torch.equal(a, b) for a, b in zip(*states, strict=True))
            name = f"{str(dtype).removeprefix('torch.')}, recorded or not"
            notes = pair[1][1].notes
            self.results.add(
                "checks", name, {"equal to the bit": is_equal, "curves": [c for c, _ in pair], "notes": notes}
            )

    def count_synchronisations(self) -> None:
        """How often a step waits for the device; torch raises in ours if it does at all."""
        sizes, group = self.sizes, "synchronisations"
        images, labels = make_images(sizes.images20, sizes.size20, 10, self.device)
        batch = self.ready_batch(sizes.batch20, sizes.size20, channels_last=True)
        own = labels[: sizes.batch20].clone()

        def count(step: Callable[[], None]) -> int:
            for _ in range(sizes.warm_up):
                step()
            self.wait()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self.set_sync_mode("warn")
                for _ in range(SYNC_STEPS):
                    step()
                self.set_sync_mode("default")
            return sum("called a synchronizing" in str(warning.message) for warning in caught)

        for name, graphs in (("ours", True), ("ours, not recorded", False)):
            model = self.network("cifar/cifar_depth20")
            step = OurStep(model, images, labels, sizes.batch20, dtype=self.fast, graphs=graphs, ema_decay=0.99)
            found = count(step)
            self.set_sync_mode("error")
            for _ in range(SYNC_STEPS):
                step()  # raises
            self.set_sync_mode("default")
            self.results.add(group, name, {f"in {SYNC_STEPS} steps": found, "notes": step.notes})
        model = self.network("cifar/cifar_depth20", channels_last=False)
        found = count(torchvision_step(model, batch.contiguous(), own))
        self.results.add(group, "torchvision's loop", {f"in {SYNC_STEPS} steps": found})
        model = self.network("cifar/cifar_depth20")
        found = count(timm_step(model, batch, own, self.fast, None))
        self.results.add(group, "timm's loop", {f"in {SYNC_STEPS} steps": found})

    def set_sync_mode(self, mode: str) -> None:
        """What torch does where the host waits for the device."""
        if self.is_cuda:
            torch.cuda.set_sync_debug_mode(mode)

    # -- how fast it is -------------------------------------------------------------------------------------------

    def time_resnet50(self, tuned: bool) -> None:
        """ResNet-50 at 224 pixels in bfloat16. Ours also gathers from bytes, crops and mirrors where it says `loop`;
        the other arms have a batch that is ready."""
        sizes, arms, net = self.sizes, list[Arm](), self.sizes.net50
        group = "resnet50-tuned" if tuned else "resnet50"
        batch, mode = sizes.batch50, "max-autotune" if tuned and self.is_cuda else self.compiled
        fixed = self.ready_batch(batch, sizes.size50, channels_last=True)
        images, labels = make_images(sizes.images50, sizes.size50, sizes.classes, self.device)
        own = labels[:batch].clone()

        def ours(fixed: Tensor | None, compile_mode: str) -> Callable[[], Callable[[], None]]:
            return lambda: OurStep(
                self.network(net),
                images,
                labels,
                batch,
                dtype=self.fast,
                compile_mode=compile_mode,
                graphs=True,
                fixed=fixed,
            )

        self.add_arm(arms, group, "ours", batch, ours(fixed, mode))
        if not tuned:
            other = lambda: torchvision_step(self.network(net, False), fixed.contiguous(), own)  # noqa: E731
            self.add_arm(arms, group, "torchvision's AMP loop", batch, other)
            self.add_arm(arms, group, "ours, not compiled", batch, ours(fixed, "off"))
        timm_mode = ("max-autotune" if tuned else "default") if self.is_cuda else None
        self.add_arm(
            arms,
            group,
            "timm's loop, compiled",
            batch,
            lambda: timm_step(self.network(net), fixed, own, self.fast, timm_mode),
        )
        if not tuned:
            self.add_arm(
                arms, group, "timm's loop", batch, lambda: timm_step(self.network(net), fixed, own, self.fast, None)
            )
            self.add_arm(arms, group, "ours, loop", batch, ours(None, mode))
        self.time_arms(group, arms, sizes.steps50, ROOFLINE["resnet50"])

    def time_resnet20(self) -> None:
        """ResNet-20 at 32 pixels: ours with all that a run does in a step; the others with a batch that is ready."""
        sizes, arms, group, net = self.sizes, list[Arm](), "resnet20", "cifar/cifar_depth20"
        batch = sizes.batch20
        images, labels = make_images(sizes.images20, sizes.size20, 10, self.device)
        fixed, own = self.ready_batch(batch, sizes.size20, channels_last=True), labels[:batch].clone()

        def ours(compile_mode: str, graphs: bool, fixed: Tensor | None = None) -> Callable[[], Callable[[], None]]:
            return lambda: OurStep(
                self.network(net),
                images,
                labels,
                batch,
                dtype=self.fast,
                compile_mode=compile_mode,
                graphs=graphs,
                fixed=fixed,
            )

        self.add_arm(arms, group, "ours", batch, ours(self.compiled, True))
        self.add_arm(arms, group, "ours, batch ready", batch, ours(self.compiled, True, fixed))
        self.add_arm(arms, group, "ours, not compiled", batch, ours("off", True))
        self.add_arm(arms, group, "ours, not recorded", batch, ours(self.compiled, False))
        self.add_arm(
            arms,
            group,
            "torchvision's AMP loop",
            batch,
            lambda: torchvision_step(self.network(net, False), fixed.contiguous(), own),
        )
        self.add_arm(
            arms,
            group,
            "plain float32 loop",
            batch,
            lambda: plain_step(self.network(net, False), fixed.contiguous(), own),
        )
        self.time_arms(group, arms, sizes.steps20, ROOFLINE["resnet20"])

    def time_schedule(self) -> None:
        """The 64,000 steps of the paper's CIFAR recipe, from bytes on the device, ResNet-20; warm-up outside the clock.
        At the limit it stops, and what the rest would take is reckoned from the steps done."""
        sizes, total = self.sizes, self.sizes.cifar_steps
        images, labels = make_images(sizes.images20, sizes.size20, 10, self.device)
        step = OurStep(
            self.network("cifar/cifar_depth20"),
            images,
            labels,
            sizes.batch20,
            dtype=self.fast,
            compile_mode=self.compiled,
            graphs=True,
            total_steps=total,
        )
        warm_up = sizes.warm_up
        began = time.perf_counter()
        for _ in range(warm_up):
            step()
        self.wait()
        warm_up_seconds, began = time.perf_counter() - began, time.perf_counter()
        while step.count < total and self.deadline.has_time():
            for _ in range(min(step.steps_per_epoch, total - step.count)):
                step()
            step.read_loss()
        self.wait()
        seconds, done = time.perf_counter() - began, step.count - warm_up
        figures = {
            "steps": done,
            "seconds": seconds,
            "warm_up_seconds": warm_up_seconds,
            "seconds_for_all": seconds / done * total,
            "images_per_second": done * sizes.batch20 / seconds,
            "notes": step.notes,
        }
        self.results.add("schedule", "64,000 steps of 128", figures)


COMMANDS: dict[str, Callable[[Bench], None]] = {
    "checks": Bench.check,
    "synchronisations": Bench.count_synchronisations,
    "resnet50": lambda bench: bench.time_resnet50(tuned=False),
    "resnet50-tuned": lambda bench: bench.time_resnet50(tuned=True),
    "resnet20": Bench.time_resnet20,
    "schedule": Bench.time_schedule,
}


def describe(device: torch.device) -> dict[str, object]:
    """Where this runs."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    return {"device": name, "torch": torch.__version__, "python": platform.python_version(), "numpy": numpy.__version__}


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 1 where there is no CUDA device."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=[*COMMANDS, "smoke"])
    parser.add_argument("--out", type=Path, help="the JSON file to write, or to add to")
    parser.add_argument("--limit", type=float, default=200.0, metavar="SECONDS", help="begin nothing after so long")
    options = parser.parse_args(arguments)
    is_smoke = options.command == "smoke"
    if not is_smoke and not torch.cuda.is_available():
        print("gpu.py: there is no CUDA device here; `smoke` runs on the CPU")
        return 1
    device = torch.device("cpu" if is_smoke else "cuda")
    torch.backends.cudnn.benchmark = True  # as all of the loops that are compared have it
    results = Results(options.out, describe(device))
    for name in COMMANDS if is_smoke else [options.command]:
        COMMANDS[name](Bench(device, SMOKE if is_smoke else Sizes(), results, options.limit))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
