"""How strongly the layers of a network answer: the standard deviation of what each passes on."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from resnetc.runtime.study.measurements.hooks import removed_at_the_end
from resnetc.runtime.study.measurements.probe import Probe


@torch.no_grad()
def measure_responses(model: nn.Module, probe: Probe) -> list[tuple[str, float]]:
    """For every batch norm, in the order in which they run, its name and the standard deviation of its outputs: after
    the norm, before the nonlinearity and the addition (He et al. 2015, figure 7). The model is in `eval` mode."""
    responses: list[tuple[str, float]] = []

    def record(name: str, output: Tensor) -> None:
        responses.append((name, float(output.std())))

    hooks = [
        module.register_forward_hook(lambda _, __, output, name=name: record(name, output))
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm)
    ]
    with removed_at_the_end(*hooks):
        model.eval()(probe.images)
    return responses


@torch.no_grad()
def measure_residuals(model: nn.Module, probe: Probe) -> list[tuple[str, float]]:
    """For every block whose input and output have one shape, its name and the norm of what it changes of its input over
    the norm of that, |y - x| / |x|, averaged over the images: of a pre-activation block this is |F(x)| / |x|; where
    a nonlinearity follows the addition, it is what is left of F(x) behind that. The model is in `eval` mode."""
    ratios: list[tuple[str, float]] = []

    def record(name: str, before: Tensor, after: Tensor) -> None:
        if before.shape == after.shape:
            change = (after - before).flatten(1).norm(dim=1)
            ratios.append((name, float((change / before.flatten(1).norm(dim=1).clamp_min(1e-12)).mean())))

    hooks = [
        block.register_forward_hook(lambda _, inputs, output, name=name: record(name, inputs[0], output))
        for name, block in list_named_blocks(model)
    ]
    with removed_at_the_end(*hooks):
        model.eval()(probe.images)
    return ratios


def list_named_blocks(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The blocks of all stages, in the order in which they run, each with its name."""
    from resnetc.runtime.model.summary import list_blocks

    return [
        (f"{stage}.{number}", block)
        for stage, child in model.named_children()
        for number, block in enumerate(list_blocks(child))
    ]
