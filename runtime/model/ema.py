"""The exponential moving average of a model's weights, which is what is evaluated and kept as the best."""

import copy

import torch
from torch import nn


class ExponentialMovingAverage:
    """A second copy of the model that follows the first; with decay 0 it *is* the first, and costs nothing.

    The decay warms up as (1 + step) / (10 + step), so that the random start is soon forgotten. Running statistics are
    averaged with the weights; counters are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(False) if decay else model
        pairs = zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        floats = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        pairs = zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        self._counters = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]
        self._mine, self._theirs = [mine for mine, _ in floats], [theirs for _, theirs in floats]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the model as it stands after step `step` (from 1)."""
        if not self.decay:
            return
        torch._foreach_lerp_(self._mine, self._theirs, 1 - min(self.decay, (1 + step) / (10 + step)))
        for mine, theirs in self._counters:
            mine.copy_(theirs)
