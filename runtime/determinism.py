"""Controls what besides the seed decides whether two runs are bit-identical: torch's kernels and the number of
threads."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def use_deterministic_algorithms(is_wanted: bool) -> Iterator[None]:
    """Allow only deterministic kernels inside the context, if asked; on the CPU all kernels that are used are so
    anyway."""
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
    """Seed the generators that a network on `device` draws from, like `torch.manual_seed`.

    `torch.manual_seed` also records the stack for every kind of accelerator: 0.1 ms or more in every step.
    """
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Use `count` CPU threads inside the context; 0 leaves the number to torch.

    One thread suits small networks: threads wait for one another after every kernel, and on a busy machine each wait
    lasts until the scheduler runs the thread again.
    """
    previous = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(previous)


@contextmanager
def isolate_generators() -> Iterator[Callable[[int], None]]:
    """What is yielded seeds the generators of Python, NumPy and torch (on the CPU), which are as before afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()

    def seed(number: int) -> None:
        random.seed(number)
        np.random.seed(number)
        torch.default_generator.manual_seed(number)

    try:
        yield seed
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
