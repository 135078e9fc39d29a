"""What is said where the memory of the device, or of the machine, does not suffice."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import Recipe

_CPU = "DefaultCPUAllocator"  # torch has a class for what accelerators run out of, and this word for the rest


@contextmanager
def told(recipe: Recipe) -> Iterator[None]:
    """Turn torch's fault into a RunError that says what would take less."""
    try:
        yield
    except RuntimeError as fault:
        if not isinstance(fault, torch.OutOfMemoryError) and _CPU not in str(fault):
            raise
        words = str(fault).partition("\n")[0].rpartition("] ")[2]
        recompute = "" if recipe.recompute else ", or keep less of each: --override recompute=true"
        raise RunError(
            f"out of memory: {words}; take fewer images at once: --override batch={max(recipe.batch // 2, 1)} "
            f"(when evaluating: eval_batch, now {recipe.eval_batch}){recompute}"
        ) from fault
