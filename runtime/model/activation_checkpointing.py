"""Activation checkpointing: blocks recompute their activations in the backward pass, for less memory and more time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from resnetc.runtime.model.summary import list_blocks


@contextmanager
def _freeze_statistics(block: nn.Module) -> Iterator[None]:
    """Inside, norms leave their running statistics as they are: the first pass has counted this batch.

    With momentum 0 they still take part, so that both passes save the same tensors, as torch demands.
    """
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    saved = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked = norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, saved, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, batches


def checkpoint_blocks(model: nn.Module) -> int:
    """Change, in place, every block of every stage to keep only its input; returns the number of blocks.

    Outputs, gradients and running statistics do not change, and neither do random draws. To copy a model, copy it
    before: a copy made afterwards would run the blocks of the original.
    """
    blocks = [block for stage in model.children() for block in list_blocks(stage)]
    for block in blocks:
        _checkpoint_block(block)
    return len(blocks)


def _checkpoint_block(block: nn.Module) -> None:
    plain = block.forward

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _freeze_statistics(block) if block.training else nullcontext()

    def forward(x: Tensor) -> object:
        return checkpoint(plain, x, use_reentrant=False, context_fn=contexts)

    block.forward = forward
