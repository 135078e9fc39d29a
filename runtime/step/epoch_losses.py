"""The losses of an epoch, summed where they are computed: nothing waits for the device to read one."""

import torch
from torch import Tensor

NO_STEP = 1 << 62  # a step no run reaches


class EpochLosses:
    """The losses of the current epoch's steps.

    total: their sum (float64, on the device); curve: the same for each part of the epoch (float64 [parts]);
    first_bad_step: the first step of the run whose loss was not finite (int64), `NO_STEP` if there was none.
    """

    def __init__(self, parts: int, device: torch.device) -> None:
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.curve = torch.zeros(parts, dtype=torch.float64, device=device)
        self.first_bad_step = torch.full((), NO_STEP, dtype=torch.int64, device=device)
        self._parts = torch.arange(parts, device=device)

    def record(self, loss: Tensor, step: int | Tensor, part: int | Tensor) -> None:
        """Record the loss of a step (from 1) in part `part` of its epoch."""
        self.total += loss
        self.curve += torch.where(self._parts == part, loss.double(), 0.0)
        bad_step = torch.where(loss.isfinite(), NO_STEP, step)
        self.first_bad_step.copy_(torch.minimum(self.first_bad_step, bad_step))

    def start_epoch(self) -> None:
        """Forget the losses of the epoch before."""
        self.total.zero_()
        self.curve.zero_()
