"""One training step, from tensors on the device to tensors on the device, with nothing that waits for the device.

Gather or receive the batch, augment it, forward, loss, backward, clip, update, average, count the loss.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resnetc.runtime.step.epoch_losses import EpochLosses
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


class Labels(Protocol):
    """The labels of all training images."""

    def __getitem__(self, index: Tensor) -> Tensor:
        """Those of the images `index`."""


class Average(Protocol):
    """What follows the weights from step to step."""

    def update(self, step: int | Tensor) -> None:
        """Take in the weights after step `step` (from 1)."""


class TrainingStep:
    """One step of a run, called with where it stands and the images that it trains on.

    model: the network, or what computes its gradients together with other processes; labels: those of all
    training images; transform: changes a batch that is prepared, None for nothing to change; dtype: what convolutions
    and matrix products are computed in; scaler: that of the loss, which float16 needs; accumulate: in how many parts
    the batch goes through the network, one after another, which divides what memory they need; share_loss: the mean of
    a loss over all processes.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        labels: Labels,
        prepare: Preparation,
        transform: BatchTransform | None,
        criterion: Criterion,
        average: Average,
        losses: EpochLosses,
        dtype: torch.dtype = torch.float32,
        scaler: torch.amp.GradScaler | None = None,
        accumulate: int = 1,
        max_grad_norm: float = 0.0,
        share_loss: Callable[[Tensor], Tensor] = lambda loss: loss,
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.labels, self.prepare, self.transform, self.criterion = labels, prepare, transform, criterion
        self.average, self.losses = average, losses
        self.dtype, self.scaler, self.accumulate = dtype, scaler, accumulate
        self.max_grad_norm, self.share_loss = max_grad_norm, share_loss

    def __call__(
        self, moment: Moment, index: Tensor, pixels: Tensor, before_update: Callable[[], None] = lambda: None
    ) -> None:
        """Train on the images `index` (int64 [N]); `pixels` is what was read of them. `before_update` may raise, and
        then the weights are as before."""
        loss = self.compute_gradients(moment, index, pixels)
        self.losses.record(self.share_loss(loss), moment.step, moment.part)
        before_update()
        self._update()
        self.average.update(moment.step)

    def compute_gradients(self, moment: Moment, index: Tensor, pixels: Tensor) -> Tensor:
        """Forward and backward; the mean loss of the batch in this process."""
        images, targets = self.prepare(moment.epoch, index, pixels), self.labels[index]
        if self.transform is not None:
            images, targets = self.transform(images, targets, moment.epoch, index)
        self.optimizer.zero_grad()
        if self.accumulate == 1:
            return self._backpropagate(images, targets)
        parts = zip(images.chunk(self.accumulate), targets.chunk(self.accumulate), strict=True)
        losses = []
        for number, (part, part_targets) in enumerate(parts, 1):
            with self._exchange_gradients(number == self.accumulate):
                losses.append(self._backpropagate(part, part_targets))
        return torch.stack(losses).mean()

    def rehearse(self, moment: Moment, index: Tensor, pixels: Tensor) -> None:
        """Forward and backward, after which everything is as before: what goes wrong in them goes wrong here."""
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        with torch.random.fork_rng([index.device] if index.is_cuda else []):
            try:
                self.compute_gradients(moment, index, pixels)
            finally:
                for buffer, value in buffers:
                    buffer.copy_(value)
                self.forget_gradients()

    def forget_gradients(self) -> None:
        """Be as before a step that was not finished."""
        self.optimizer.zero_grad()
        if self.scaler is not None:
            self.scaler._per_optimizer_states.clear()

    def _backpropagate(self, images: Tensor, targets: Tensor) -> Tensor:
        """Add the gradients of some images to those there are; their mean loss."""
        if self.dtype == torch.float32:
            scores = self.model(images)
        else:
            with torch.autocast(images.device.type, self.dtype):
                scores = self.model(images).float()
        loss = self.criterion(scores, targets)
        share = loss if self.accumulate == 1 else loss / self.accumulate
        scaled = share if self.scaler is None else self.scaler.scale(share)
        scaled.backward()  # type: ignore[no-untyped-call]  # torch has no types for it here
        return loss.detach()

    def _exchange_gradients(self, is_last: bool) -> AbstractContextManager[None]:
        """Processes exchange their gradients once a step, with the last part of the batch."""
        if is_last or not isinstance(self.model, DistributedDataParallel):
            return nullcontext()
        return self.model.no_sync()

    def _update(self) -> None:
        """Clip the gradients, and change the weights by them."""
        if self.max_grad_norm:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
