"""Translates torch's out-of-memory errors into a message with remedies."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe.recipe import Recipe

_CPU = "DefaultCPUAllocator"  # torch has a class for what accelerators run out of, and this word for the rest


@contextmanager
def translate_out_of_memory(recipe: Recipe) -> Iterator[None]:
    """Turn torch's out-of-memory error into a RunError that says what would take less memory."""
    try:
        yield
    except RuntimeError as fault:
        if not isinstance(fault, torch.OutOfMemoryError) and _CPU not in str(fault):
            raise
        words = str(fault).partition("\n")[0].rpartition("] ")[2]
        less = f"--override batch_size={max(recipe.batch_size // 2, 1)}"
        other = "" if recipe.activation_checkpointing else ", or keep less: --override activation_checkpointing=true"
        raise RunError(
            f"out of memory: {words}; use smaller batches: {less} "
            f"(when evaluating: eval_batch_size, now {recipe.eval_batch_size}){other}"
        ) from fault
