"""What a network is worth without some of its blocks, and through how many of them its gradient comes (Veit, Wilber and
Belongie 2016, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks").

A block is taken out by silencing the last norm of its branch, so that its shortcut alone is left; of a block without a
shortcut, by handing its input on. One that has no shortcut and changes the shape cannot be taken out.
"""

import math
import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.hooks import RemovableHandle

from resnetc.runtime.study.measurements.hooks import removed_at_the_end
from resnetc.runtime.study.measurements.probe import Probe


def measure_without(model: nn.Module, blocks: Sequence[nn.Module], has_shortcuts: bool, probe: Probe) -> float:
    """The accuracy in percent without these blocks; the model is in `eval` mode."""
    remove = _silence_branch if has_shortcuts else _bypass
    with removed_at_the_end(*(remove(block) for block in blocks)):
        return probe.accuracy(model.eval())


def list_removable(model: nn.Module, blocks: Sequence[nn.Module], has_shortcuts: bool, probe: Probe) -> list[nn.Module]:
    """Those of the blocks that can be taken out."""
    if has_shortcuts:
        return list(blocks)
    same: list[nn.Module] = []

    def look(block: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if inputs[0].shape == output.shape:
            same.append(block)

    with removed_at_the_end(*(block.register_forward_hook(look) for block in blocks)), torch.no_grad():
        model.eval()(probe.images[:2])
    return same


def measure_path_gradients(
    model: nn.Module, blocks: Sequence[nn.Module], probe: Probe, draws: int, seed: int
) -> list[float]:
    """The share of the whole gradient that reaches the first block through paths of 0, 1, ... len(blocks) branches.

    For each length, `draws` random paths of the binomially many: the gradient's norm of one is their mean; the share is
    that times how many there are, over the sum. On a path, a block passes the gradient through its branch alone, or
    through its shortcut alone.
    """
    generator = random.Random(seed)
    norms = []
    for length in range(len(blocks) + 1):
        paths = [set(generator.sample(range(len(blocks)), length)) for _ in range(draws)]
        norms.append(sum(_measure_path(model, blocks, path, probe) for path in paths) / draws)
    logs = [
        math.log(norm) + math.log(math.comb(len(blocks), length)) if norm > 0 else -math.inf
        for length, norm in enumerate(norms)
    ]
    top = max(logs)
    weights = [math.exp(value - top) for value in logs]
    return [weight / sum(weights) for weight in weights]


def _measure_path(model: nn.Module, blocks: Sequence[nn.Module], path: set[int], probe: Probe) -> float:
    """The norm of the gradient of the loss by the input of the first block, along one path."""
    entry: list[Tensor] = []

    def keep_entry(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        entry.append(inputs[0].detach().requires_grad_())
        return (entry[0],)

    hooks = [blocks[0].register_forward_pre_hook(keep_entry)]
    for number, block in enumerate(blocks):
        hooks += _follow_branch(block) if number in path else [_cut_branch(block)]
    with removed_at_the_end(*hooks):
        loss = probe.loss(model.eval())
        (gradient,) = torch.autograd.grad(loss, entry, allow_unused=True)
    return 0.0 if gradient is None else float(gradient.norm())


def find_last_norm(block: nn.Module) -> nn.Module:
    """The last batch norm of a block's branch."""
    return [module for module in block.children() if isinstance(module, _BatchNorm)][-1]


def _silence_branch(block: nn.Module) -> RemovableHandle:
    return find_last_norm(block).register_forward_hook(lambda _, __, output: torch.zeros_like(output))


def _bypass(block: nn.Module) -> RemovableHandle:
    return block.register_forward_hook(lambda _, inputs, output: inputs[0])


def _cut_branch(block: nn.Module) -> RemovableHandle:
    return find_last_norm(block).register_forward_hook(lambda _, __, output: output.detach())


def _follow_branch(block: nn.Module) -> list[RemovableHandle]:
    """The block's shortcut gets its input without a gradient, its first convolution the input itself."""
    originals: list[Tensor] = []

    def detach(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        originals[:] = inputs
        return (inputs[0].detach(),)

    first = next(module for module in block.children() if isinstance(module, nn.Conv2d))
    return [
        block.register_forward_pre_hook(detach),
        first.register_forward_pre_hook(lambda _, __: (originals[0],)),
    ]
