"""What differs from step to step, as tensors on the device: written there without waiting, and read by its kernels.

A CUDA graph repeats its kernels with the values that it was recorded with; what it has to see anew must lie in memory.
"""

import torch
from torch.optim import Optimizer

from resnetc.runtime.step.moment import Moment


class DeviceMoment:
    """A moment in memory of the device that stays the same."""

    def __init__(self, device: torch.device) -> None:
        self._epoch, self._step, self._part = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(3))
        self._moment = Moment(self._epoch, self._step, self._part)

    def set(self, moment: Moment) -> Moment:
        """Write the numbers of a moment down; the one in memory."""
        for number, value in ((self._epoch, moment.epoch), (self._step, moment.step), (self._part, moment.part)):
            number.fill_(value)
        return self._moment


def put_rates_on_device(optimizer: Optimizer, device: torch.device) -> None:
    """Make the learning rate of every group a tensor, and let the optimizer's steps be recorded."""
    for group in optimizer.param_groups:
        group["lr"] = torch.full((), float(group["lr"]), dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True
    optimizer._warned_capturable_if_run_uncaptured = True  # the first steps always are
