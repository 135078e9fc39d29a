"""Batch norms that take their statistics of the whole batch, whose images lie in several processes.

Two sums over all processes, each differentiable: of the values, then of their squared distances from the mean. The code
is the same for every device; torch's own takes no tensors of a CPU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resnetc.runtime.distributed.process_group import Group


def synchronise_norms(model: nn.Module, group: Group) -> None:
    """Change, in place, every batch norm to use the values of all processes in training; keys and weights stay. A
    single process has them all: nothing changes."""
    if group.size > 1:
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.forward = _SharedForward(module, group)  # type: ignore[method-assign, assignment]  # of one


@dataclass(frozen=True, slots=True)
class _SharedForward:
    """`forward` of a batch norm. An object that knows its norm, so that a copy has one that knows the copy."""

    norm: _BatchNorm
    group: Group

    def __call__(self, x: Tensor) -> Tensor:
        norm = self.norm
        if not norm.training:
            result: Tensor = type(norm).forward(norm, x)
            return result
        count = x.numel() // x.shape[1] * self.group.size  # the shares of a batch are equal
        if count == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {x.shape}")
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
        values = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = self.group.sum_with_gradients(values.sum(axes)) / count
        centred = values - mean.view(shape)
        variance = self.group.sum_with_gradients(centred.square().sum(axes)) / count
        self._update_statistics(mean.detach(), variance.detach() * (count / (count - 1)))
        result = centred * (variance + norm.eps).rsqrt().view(shape)
        if norm.weight is not None:
            result = result * norm.weight.view(shape) + norm.bias.view(shape)
        return result.to(x.dtype)

    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        norm = self.norm
        if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
            return
        norm.num_batches_tracked.add_(1)
        momentum = 1 / norm.num_batches_tracked.float() if norm.momentum is None else norm.momentum
        norm.running_mean.copy_(torch.lerp(norm.running_mean, mean.to(norm.running_mean.dtype), momentum))
        norm.running_var.copy_(torch.lerp(norm.running_var, variance.to(norm.running_var.dtype), momentum))
