"""Prints what training steps of a module take in memory; run as a program of its own, for its peak is the process's.

    python memory_of_a_step.py MODULE.py BATCH RECOMPUTE(0|1)

Prints two numbers of bytes: the maps that autograd holds at the end of the forward pass (each memory once, weights and
buffers left out), and by how much the process grows above what it has after a step with one image, at its peak. The
second one speaks of the step alone where the C library returns what is freed: set MALLOC_MMAP_THRESHOLD_=65536.
"""

import sys
from pathlib import Path

import torch
from torch import nn

from resnetc.runtime.model import activation_checkpointing, loader
from resnetc.runtime.optim import optimizer
from resnetc.runtime.recipe.recipe import Recipe
from tests.support import record_saved_bytes


def resident(field: str = "VmRSS") -> int:
    """Bytes that the process has in memory now, or with `VmHWM` had at its peak; Linux.

    `getrusage` will not do for the peak: a process inherits that of the one that started it.
    """
    return int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0]) * 1024


def main(path: Path, batch: int, forget: bool) -> None:
    torch.set_num_threads(1)
    model = loader.build_network(path.read_text("utf-8"), path, torch.device("cpu")).train()
    if forget:
        activation_checkpointing.checkpoint_blocks(model)
    update = optimizer.build_optimizer(model, Recipe())
    shape = sys.modules[type(model).__module__].INPUT_SHAPE
    images = torch.randn(batch, *shape).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 10

    def step(count: int) -> int:
        """One step with `count` images; what autograd holds between its two passes, in bytes."""
        update.zero_grad(set_to_none=False)
        with record_saved_bytes(model) as saved:
            loss = nn.functional.cross_entropy(model(images[:count]), labels[:count])
        saved_bytes = sum(saved.values())
        torch.autograd.backward([loss])
        update.step()
        assert bool(loss.detach().isfinite())
        return saved_bytes

    step(1)  # weights have gradients and momentum now, kernels are loaded
    before = resident()
    saved_bytes = step(batch)
    print(saved_bytes, resident("VmHWM") - before)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")
