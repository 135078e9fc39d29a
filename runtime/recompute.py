"""Blocks that forget their activations and compute them again in the backward pass: less memory, more time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from resnetc.runtime.architecture import blocks_of


@contextmanager
def _without_statistics(block: nn.Module) -> Iterator[None]:
    """Inside, norms use the batch's statistics and leave the running ones alone: the first pass has counted it."""
    norms = [m for m in block.modules() if getattr(m, "track_running_stats", False)]
    for norm in norms:
        norm.track_running_stats = False  # type: ignore[assignment]  # a flag, not a module
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True  # type: ignore[assignment]


def apply(model: nn.Module) -> int:
    """Change, in place, every block of every stage to keep its input alone; returns the number of blocks.

    Outputs, gradients and running statistics stay what they were, random draws included. Copy a model before, not
    after: a copy would run the blocks of its original.
    """
    blocks = [block for stage in model.children() for block in blocks_of(stage)]
    for block in blocks:
        _change(block)
    return len(blocks)


def _change(block: nn.Module) -> None:
    plain = block.forward

    def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        return nullcontext(), _without_statistics(block) if block.training else nullcontext()

    def forward(x: Tensor) -> Any:
        return checkpoint(plain, x, use_reentrant=False, context_fn=contexts)

    block.forward = forward  # type: ignore[method-assign]
