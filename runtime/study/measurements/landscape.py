"""The loss around the weights of a network (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets")."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from resnetc.runtime.study.measurements.probe import Probe

Direction = dict[str, Tensor]


def draw_direction(model: nn.Module, seed: int) -> Direction:
    """A random direction in the space of the weights, filter by filter as long as the weights themselves (section 4):
    what scales a filter without changing the function changes nothing here. Norms and biases have no direction."""
    generator = torch.Generator().manual_seed(seed)
    direction = {}
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            values = torch.randn(weight.shape, generator=generator)
            lengths = [tensor.detach().flatten(1).norm(dim=1).clamp_min(1e-12) for tensor in (weight, values)]
            direction[name] = values * (lengths[0] / lengths[1]).view(-1, *[1] * (weight.ndim - 1))
    return direction


@torch.no_grad()
def measure_plane(
    model: nn.Module, directions: tuple[Direction, Direction], steps: Sequence[float], probe: Probe
) -> list[list[float]]:
    """The loss at every pair of `steps` along two directions: a row for each step along the first. `eval` mode; the
    weights are as before afterwards."""
    model.eval()
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    rows = []
    for first in steps:
        row = []
        for second in steps:
            _move(model, start, [(first, directions[0]), (second, directions[1])])
            row.append(float(probe.loss(model)))
        rows.append(row)
    _move(model, start, [])
    return rows


def measure_along_gradient(model: nn.Module, steps: Sequence[float], probe: Probe) -> list[float]:
    """The loss after steps of that length along the gradient, in units of the norm of all weights (Santurkar et al.
    2018, section 3.1, look at the range of it). In training mode, since before the first step there are no running
    statistics yet; mode, weights and statistics are as before afterwards."""
    was_training, buffers = model.training, {name: value.clone() for name, value in model.named_buffers()}
    model.train()
    names, weights = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(probe.loss(model), weights)
    with torch.no_grad():
        length = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        size = torch.cat([weight.detach().flatten() for weight in weights]).norm()
        direction = {name: -gradient * (size / length) for name, gradient in zip(names, gradients, strict=True)}
        start = {name: weight.detach().clone() for name, weight in zip(names, weights, strict=True)}
        losses = []
        for step in steps:
            _move(model, start, [(step, direction)])
            losses.append(float(probe.loss(model)))
        _move(model, start, [])
        for name, value in model.named_buffers():
            value.copy_(buffers[name])
    model.train(was_training)
    return losses


def _move(model: nn.Module, start: Direction, steps: Sequence[tuple[float, Direction]]) -> None:
    """Put the weights at `start` plus so much of each direction."""
    for name, weight in model.named_parameters():
        weight.copy_(start[name])
        for step, direction in steps:
            if name in direction:
                weight.add_(direction[name], alpha=step)
