"""Saves a run while it trains: where it is time to, and where a signal or a damaged image ends it."""

import time
from dataclasses import dataclass, field

import torch
from torch import nn

from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.recipe.save_interval import SaveTimer, parse_interval
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.signals import StopFlag
from resnetc.runtime.run.train_state import TrainState

_CHECK_EVERY = 50  # steps between two looks at the loss on an accelerator; on the CPU every step is looked at
_SAVE = 1  # asks all processes to save: less than the number of any signal that stops a run
_FAULT = 1 << 10  # asks them to save and end, because one has met a damaged image: more than any signal


@dataclass
class Saver:
    """Saves the state of a run with all that belongs to it.

    start_time: when the run would have begun if its parts had followed one another without a pause.
    """

    run: RunFolder
    state: TrainState
    model: nn.Module
    average: ExponentialMovingAverage
    optimizer: torch.optim.Optimizer
    group: Group
    stop: StopFlag
    start_time: float
    _timer: SaveTimer = field(init=False)

    def __post_init__(self) -> None:
        interval = parse_interval(self.state.recipe.save_every)
        assert interval is not None  # the recipe was checked
        self._timer = SaveTimer(interval, self.state.step)

    def measure_seconds(self) -> float:
        """Wall time of all parts of the run."""
        return time.perf_counter() - self.start_time

    def check_loss(self) -> None:
        """Before an update: a loss that is no number leaves the weights alone. An accelerator is not waited for in
        every step."""
        if self.group.device.type == "cpu" or self.state.step % _CHECK_EVERY == 0:
            self.state.check_train_loss(self.run)

    def save(self) -> None:
        """Save the state as it is."""
        self.group.broadcast_from_rank0(lambda: self.state.save(self.run, self.model, self.average, self.optimizer))
        self._timer.restart(self.state.step)

    def save_if_due(self, fault: RunError | None = None) -> None:
        """Save the state where it is time to; where a signal asks the run to stop, or an image of the next batch is
        damaged in one of the processes: then raise Stopped or RunError."""
        number = _FAULT if fault else self.stop.number or (_SAVE if self._timer.is_due(self.state.step) else 0)
        number = self.group.all_reduce_max(number)
        if not number:
            return
        self.state.check_train_loss(self.run)
        self.state.seconds = self.measure_seconds()
        self.save()
        if number == _FAULT:
            messages = self.group.all_gather(str(fault or ""))
            raise fault or RunError(max(messages))
        if number != _SAVE:
            raise Stopped(number, self.state.step, self.run.path)
