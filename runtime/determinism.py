"""What decides, beside the seed, whether two runs give the same bits: torch's kernels and the number of threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def use_deterministic_algorithms(is_wanted: bool) -> Iterator[None]:
    """Only deterministic kernels inside, as it was before outside; on the CPU the kernels used are so already."""
    if not is_wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its first call
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_deterministic)


def seed_generators(number: int, device: torch.device) -> None:
    """Seed the generators that a network on `device` draws from, as `torch.manual_seed` does.

    That one also takes down the stack for every kind of accelerator that there might be: 0.1 ms and more, every step.
    """
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """`count` CPU threads inside, as many as before outside; 0 leaves the choice to torch.

    One thread suits small networks: threads wait for one another after every kernel, and on a machine with other work
    each wait lasts until the scheduler comes round.
    """
    previous = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(previous)
