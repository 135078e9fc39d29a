"""One training step, from tensors on the device to tensors on the device, with nothing that waits for the device.

Gather or receive the batch, augment it, forward, loss, backward, clip, update, average, count the loss.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from resnetc.runtime.step.losses import EpochLosses
from resnetc.runtime.step.moment import Moment

Criterion = Callable[[Tensor, Tensor], Tensor]
"""scores [N, classes], targets -> the mean loss, a tensor without axes."""


class Preparation(Protocol):
    """Makes the inputs of the network from what was read."""

    def __call__(self, epoch: int | Tensor, index: Tensor, pixels: Tensor) -> Tensor:
        """The training images `index` (int64 [N]) as epoch `epoch` sees them: float32 [N, channels, *size]; `pixels` is
        what was read of them, nothing where all images are on the device."""


class BatchTransform(Protocol):
    """Changes a whole batch on the device: a pure function of (seed, epoch, index)."""

    def __call__(self, images: Tensor, targets: Tensor, epoch: int | Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Images and targets instead of these. images: float32 [N, channels, *size], normalised; targets: int64 [N],
        the labels, and afterwards whatever the criterion takes; index: int64 [N], the images' own numbers."""


class Average(Protocol):
    """What follows the weights from step to step."""

    def update(self, step: int | Tensor) -> None:
        """Take in the weights after step `step` (from 1)."""


class TrainingStep:
    """One step of a run, called with where it stands and the images that it trains on.

    model: the network, or what computes its gradients together with other processes; labels: int64, those of all
    training images; transform: changes a batch that is prepared, None for nothing to change; share_loss: the mean of a
    loss over all processes.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        labels: Tensor,
        prepare: Preparation,
        transform: BatchTransform | None,
        criterion: Criterion,
        average: Average,
        losses: EpochLosses,
        max_grad_norm: float = 0.0,
        share_loss: Callable[[Tensor], Tensor] = lambda loss: loss,
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.labels, self.prepare, self.transform, self.criterion = labels, prepare, transform, criterion
        self.average, self.losses = average, losses
        self.max_grad_norm, self.share_loss = max_grad_norm, share_loss

    def __call__(
        self, moment: Moment, index: Tensor, pixels: Tensor, before_update: Callable[[], None] = lambda: None
    ) -> None:
        """Train on the images `index` (int64 [N]); `pixels` is what was read of them. `before_update` may raise, and
        then the weights are as before."""
        images, targets = self.prepare(moment.epoch, index, pixels), self.labels[index]
        if self.transform is not None:
            images, targets = self.transform(images, targets, moment.epoch, index)
        loss = self.criterion(self.model(images), targets)
        self.losses.record(self.share_loss(loss.detach()), moment.step, moment.part)
        before_update()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it here
        if self.max_grad_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.average.update(moment.step)
