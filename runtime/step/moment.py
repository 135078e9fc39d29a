"""Where in a run a step stands: what differs from step to step and is no data."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Moment:
    """Plain numbers, or whole numbers as tensors on the device, where a CUDA graph reads them anew at every replay.

    epoch: the epoch, from 0; step: the step in the run, from 1; part: the part of the epoch, from 0, to whose mean loss
    the step counts.
    """

    epoch: int | Tensor
    step: int | Tensor
    part: int | Tensor
