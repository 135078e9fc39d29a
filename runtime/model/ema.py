"""The exponential moving average of a model's weights, which is what is evaluated and saved as the best."""

import copy

import torch
from torch import Tensor, nn


class ExponentialMovingAverage:
    """A moving average of the model's weights, as a second copy of the model; with decay 0 it *is* the model, at no
    cost.

    The decay warms up as (1 + step) / (10 + step), so that the random initial weights lose their influence soon.
    Running statistics are averaged like the weights; counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(False) if decay else model
        pairs = zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        floats = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        pairs = zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        counters = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]
        self._mine, self._theirs = [mine for mine, _ in floats], [theirs for _, theirs in floats]
        self._my_counters, self._their_counters = [mine for mine, _ in counters], [theirs for _, theirs in counters]

    @torch.no_grad()
    def update(self, step: int | Tensor) -> None:
        """Update the average with the model's weights after step `step` (from 1), a number or a tensor on the
        device."""
        if not self.decay:
            return
        if isinstance(step, Tensor):
            changes = torch._foreach_sub(self._theirs, self._mine)
            torch._foreach_mul_(changes, 1 - ((1 + step) / (10 + step)).clamp(max=self.decay))
            torch._foreach_add_(self._mine, changes)
        else:
            torch._foreach_lerp_(self._mine, self._theirs, 1 - min(self.decay, (1 + step) / (10 + step)))
        if self._my_counters:
            torch._foreach_copy_(self._my_counters, self._their_counters)
